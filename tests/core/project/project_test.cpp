// Round trips, generations, the fence, shards and merging.
#include "core/project/generations.h"
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/project/user_block.h"

#include "tests/core/checks.h"
#include "tests/core/project/sample.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <hdf5.h>
#include <QtTest>

using namespace azimuth;
using checks::codeOf;
using checks::messageOf;

namespace {
std::string bytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
void writeBytes(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}
QString text(const std::string& value) { return QString::fromStdString(value); }
} // namespace

class ProjectTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }

    // A project that holds everything, at generation 2.
    ProjectView saveFull(const std::string& file) const {
        auto view = sample::fullView();
        const auto created = createProject(file, *view.study);
        view.uuid = created.uuid;
        return saveProject(file, view);
    }

private Q_SLOTS:
    void createdProjectHoldsTheStudyAndNothingElse();
    void everyFieldComesBack();
    void emptyTablesComeBack();
    void secondGenerationReplacesTheFirst();
    void sameContentGivesSameBytes();
    void saveAsIsAProjectOfItsOwn();
    void fenceRefusesAnotherGeneration();
    void fenceKnowsTheFileItself();
    void anotherFileAtTheLastMomentIsKept();
    void theLockIsAskedLast();
    void createRefusesAnExistingFile();
    void deletedProjectIsSavedAgain();
    void largeTensorsAreReadWhenAskedFor();
    void unchangedPartsAreCopied();
    void valuesThatDoNotFitAreRefused();
    void userBlockSaysWhatTheFileIs();
    void outcomesHaveOneSentenceEach();
    void shardComesBack();
    void emptyShardComesBack();
    void shardDigestIsOfTheBytes();
    void shardOfAnotherAnnouncementIsRefused();
    void mergeIsIdempotentAndFirstWins();
    void mergeResolvesTheStudysModels();
    void goodShardsAreAdoptedAndBadOnesReported();
    void nothingStaysOpen();
};

void ProjectTest::createdProjectHoldsTheStudyAndNothingElse() {
    const auto file = path("new.h5");
    const auto created = createProject(file, sample::study());
    const auto opened = openProject(file);
    QCOMPARE(text(sample::difference(created, opened)), QString());
    QCOMPARE(opened.generation, 1u);
    QCOMPARE(opened.uuid.size(), std::size_t{36});
    QCOMPARE(opened.completions->size(), std::size_t{0});
    QCOMPARE(text(opened.title), text(sample::study().title));
    QVERIFY(opened.study->decoding.seed == 0xFFFFFFFFFFFFFFFFull);
    QVERIFY(std::filesystem::is_empty(sideFolder(file).temporary));
}

void ProjectTest::everyFieldComesBack() {
    const auto file = path("full.h5");
    const auto saved = saveFull(file);
    const auto opened = openProject(file);
    QCOMPARE(text(sample::difference(saved, opened)), QString());
    QCOMPARE(text(sample::difference(sample::fullView(), opened, false)), QString());
    QVERIFY(std::isnan(opened.completions->row(5).logProbability));
    QCOMPARE(opened.completions->row(2).text.size(), std::size_t{13});
}

void ProjectTest::emptyTablesComeBack() {
    const auto file = path("empty.h5");
    auto view = createProject(file, sample::smallestStudy());
    view.provenance.clear();
    const auto saved = saveProject(file, view);
    const auto opened = openProject(file);
    QCOMPARE(text(sample::difference(saved, opened)), QString());
    QVERIFY(opened.provenance.empty() && opened.models.empty() && opened.title.empty());
}

void ProjectTest::secondGenerationReplacesTheFirst() {
    const auto file = path("generations.h5");
    auto view = createProject(file, sample::study());
    for (std::uint64_t generation = 2; generation <= 4; ++generation) {
        view = saveProject(file, merge(view, sample::jobResult()));
        QCOMPARE(view.generation, generation);
        QCOMPARE(openProject(file).generation, generation);
    }
    QCOMPARE(openProject(file).completions->size(), std::size_t{12});
    QVERIFY(std::filesystem::is_empty(sideFolder(file).temporary));
}

void ProjectTest::sameContentGivesSameBytes() {
    // No memory of the process may leak into the file: two publications of one view differ in their own uuid
    // and times only.
    const auto a = path("same-a.h5"), b = path("same-b.h5");
    auto result = sample::jobResult();
    publishShard(a, result, {});
    publishShard(b, result, {});
    const auto blockA = readUserBlock(a), blockB = readUserBlock(b);
    QCOMPARE(blockA.fileBytes, blockB.fileBytes);
    const auto bytesA = bytesOf(a), bytesB = bytesOf(b);
    std::size_t different = 0;
    for (std::size_t i = userBlockBytes; i < bytesA.size(); ++i)
        different += bytesA[i] != bytesB[i];
    QVERIFY2(different <= 24,
             std::to_string(different).c_str()); // the second may change in between: two times and a checksum
}

void ProjectTest::saveAsIsAProjectOfItsOwn() {
    const auto from = path("original.h5"), to = path("copy.h5");
    const auto saved = saveFull(from);
    const auto before = bytesOf(from);
    const auto copy = saveProjectAs(to, saved, from);
    QVERIFY(copy.uuid != saved.uuid);
    QCOMPARE(copy.generation, 1u);
    const auto opened = openProject(to);
    QCOMPARE(text(sample::difference(copy, opened)), QString());
    QCOMPARE(opened.provenance.size(), saved.provenance.size() + 1);
    QVERIFY(bytesOf(from) == before);
    const auto replaced = bytesOf(to);
    saveProjectAs(to, saved, from); // the user agreed to replace it
    QCOMPARE(openProject(to).generation, 1u);
    std::vector<std::string> kept;
    for (const auto& entry : std::filesystem::directory_iterator(sideFolder(to).previous))
        kept.push_back(entry.path().string());
    QCOMPARE(kept.size(), std::size_t{1});
    QVERIFY(kept.front().find("copy.replaced-") != std::string::npos && bytesOf(kept.front()) == replaced);
}

void ProjectTest::fenceRefusesAnotherGeneration() {
    const auto file = path("fence.h5");
    const auto first = createProject(file, sample::study());
    const auto second = saveProject(file, first);
    const auto before = bytesOf(file);
    QCOMPARE(text(codeOf([&] { saveProject(file, first); })), QStringLiteral("project.changed"));
    QVERIFY(messageOf([&] { saveProject(file, first); }).find("generation 2, opened was generation 1") !=
            std::string::npos);
    auto other = second;
    other.uuid = "11111111-2222-3333-4444-555555555555";
    QCOMPARE(text(codeOf([&] { saveProject(file, other); })), QStringLiteral("project.changed"));
    QVERIFY(bytesOf(file) == before);
}

// Two machines with the same project: a sync client brings the other one's generation 2.
void ProjectTest::fenceKnowsTheFileItself() {
    const auto here = path("here.h5"), there = path("there.h5");
    const auto first = createProject(here, sample::study());
    writeBytes(there, bytesOf(here));
    const auto saved = saveProject(here, merge(first, sample::jobResult()));
    saveProject(there, openProject(there));
    const auto theirs = bytesOf(there);
    const auto opened = openProject(here);
    QCOMPARE(text(opened.fileUuid), text(saved.fileUuid));
    std::filesystem::rename(there, here);
    for (const auto& view : {saved, opened}) {
        QCOMPARE(text(codeOf([&] { saveProject(here, view); })), QStringLiteral("project.changed"));
        QVERIFY(messageOf([&] { saveProject(here, view); }).find("another file with generation 2") !=
                std::string::npos);
    }
    QVERIFY(bytesOf(here) == theirs);
    QCOMPARE(saveProject(here, openProject(here)).generation, 3u); // who opened it may go on
}

void ProjectTest::anotherFileAtTheLastMomentIsKept() {
    const auto here = path("moment.h5"), there = path("moment-there.h5");
    const auto first = createProject(here, sample::study());
    writeBytes(there, bytesOf(here));
    saveProject(there, openProject(there));
    const auto theirs = bytesOf(there);
    std::string fileUuid;
    const Publishing publishing{&fileUuid, [&] { std::filesystem::rename(there, here); }};
    QCOMPARE(text(codeOf([&] { saveProject(here, first, publishing); })), QStringLiteral("project.changed"));
    QVERIFY(bytesOf(here) == theirs && readUserBlock(here).file != fileUuid);
    QVERIFY(std::filesystem::is_empty(sideFolder(here).temporary));
    QCOMPARE(openProject(here).generation, 2u);
}

void ProjectTest::theLockIsAskedLast() {
    const auto file = path("asked.h5");
    const auto first = createProject(file, sample::study());
    const auto before = bytesOf(file);
    const Publishing refusing{nullptr, [] { throw Error("project.locklost", "It is lost.", ""); }};
    QCOMPARE(text(codeOf([&] { saveProject(file, first, refusing); })), QStringLiteral("project.locklost"));
    QCOMPARE(text(codeOf([&] { saveProjectAs(file, first, file, refusing); })),
             QStringLiteral("project.locklost"));
    QVERIFY(bytesOf(file) == before);
    QCOMPARE(saveProject(file, first).generation, 2u);
}

void ProjectTest::createRefusesAnExistingFile() {
    const auto file = path("there.h5");
    writeBytes(file, "mine");
    QCOMPARE(text(codeOf([&] { createProject(file, sample::study()); })), QStringLiteral("project.exists"));
    QCOMPARE(text(bytesOf(file)), QStringLiteral("mine"));
}

void ProjectTest::deletedProjectIsSavedAgain() {
    const auto file = path("deleted.h5");
    const auto saved = saveFull(file);
    std::filesystem::remove(file);
    const auto again = saveProject(file, saved);
    QCOMPARE(again.generation, saved.generation + 1);
    QCOMPARE(text(sample::difference(again, openProject(file))), QString());
}

void ProjectTest::largeTensorsAreReadWhenAskedFor() {
    const auto file = path("large.h5");
    auto view = sample::fullView();
    view.uuid = createProject(file, *view.study).uuid;
    auto large = *view.banks[0];
    large.key = sample::hexOf("large bank");
    large.width = 190000; // 3 x 31 x 190,000 values: 71 MB
    std::vector<float> values(static_cast<std::size_t>(3 * 31 * large.width));
    for (std::size_t i = 0; i < values.size(); ++i)
        values[i] = static_cast<float>(i % 8191);
    large.tensor = ArrayF({3, 31, large.width}, values);
    view.banks.push_back(std::make_shared<const DirectionBank>(large));
    saveProject(file, view);

    const auto opened = openProject(file);
    QVERIFY(opened.banks[0]->tensor.empty() && opened.banks[2]->tensor.empty());
    QVERIFY(!opened.banks[2]->rawNorm.empty());
    QVERIFY(readBankTensor(file, large.key).values() == values);
    QCOMPARE(text(codeOf([&] { readBankTensor(file, sample::hexOf("none")); })),
             QStringLiteral("project.content"));

    const auto next = saveProject(file, opened); // the tensors come from the generation on disk
    QVERIFY(readBankTensor(file, large.key).values() == values);
    const auto copy = path("large-copy.h5");
    saveProjectAs(copy, next, file);
    QVERIFY(readBankTensor(copy, large.key).values() == values);
    QCOMPARE(readBankTensor(copy, view.banks[0]->key).shape(), view.banks[0]->tensor.shape());
}

void ProjectTest::unchangedPartsAreCopied() {
    const auto file = path("parts.h5");
    auto view = createProject(file, sample::study());
    auto rows = sample::completions(20000, 2, 10); // two parts
    view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(rows));
    view = saveProject(file, view);
    QCOMPARE(text(sample::difference(view, openProject(file))), QString());
    rows.push_back(sample::completions(20001, 2, 10).back());
    view.completions = std::make_shared<const CompletionTable>(view.completions->with(rows));
    view = saveProject(file, view); // the first is copied, the second written
    QCOMPARE(text(sample::difference(view, openProject(file))), QString());
    rows[3].text = "the same key with another text"; // must not be taken from the earlier file
    view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(rows));
    view = saveProject(file, view);
    QCOMPARE(text(openProject(file).completions->row(3).text), text(rows[3].text));
}

void ProjectTest::valuesThatDoNotFitAreRefused() {
    const auto file = path("values.h5");
    const auto view = createProject(file, sample::study());
    const auto before = bytesOf(file);
    const auto saving = [&](auto change) {
        auto result = sample::jobResult();
        change(result);
        return codeOf([&] { saveProject(file, merge(view, result)); });
    };
    QCOMPARE(text(saving([](JobResult& r) { r.completions[0].text = "\xff"; })),
             QStringLiteral("project.value"));
    QCOMPARE(text(saving([](JobResult& r) { r.completions[0].jobId = std::string(65, 'a'); })),
             QStringLiteral("project.value"));
    QCOMPARE(text(saving([](JobResult& r) { r.job.started = std::string("a\0b", 3); })),
             QStringLiteral("project.value"));
    QCOMPARE(text(saving([](JobResult& r) { r.banks[0].key = "not hexadecimal"; })),
             QStringLiteral("project.value"));
    QCOMPARE(text(saving([](JobResult& r) { r.banks[0].width = 17; })), QStringLiteral("project.value"));
    QCOMPARE(text(saving([](JobResult& r) { r.banks[0].positionTokens.pop_back(); })),
             QStringLiteral("project.value"));
    QCOMPARE(text(saving([](JobResult& r) { r.banks[0].ks = 30; })), QStringLiteral("project.value"));
    QVERIFY(bytesOf(file) == before);
    QVERIFY(std::filesystem::is_empty(sideFolder(file).temporary));
}

void ProjectTest::userBlockSaysWhatTheFileIs() {
    const auto file = path("block.h5");
    const auto created = createProject(file, sample::study());
    const auto bytes = bytesOf(file);
    QCOMPARE(text(bytes.substr(0, 8)), QStringLiteral("AZIMUTH\n"));
    QVERIFY(bytes.substr(1024, 8) == "\x89HDF\r\n\x1a\n");
    const auto block = readUserBlock(file);
    QCOMPARE(block.fileBytes, std::filesystem::file_size(file));
    QCOMPARE(text(block.project), text(created.uuid));
    QCOMPARE(block.generation, 1u);
    QVERIFY(block.digest == sha256(std::string_view(bytes).substr(1024)));
    QVERIFY(block.creator.rfind("Azimuth ", 0) == 0);
}

void ProjectTest::outcomesHaveOneSentenceEach() {
    const auto good = path("good.h5");
    saveFull(good);
    const auto bytes = bytesOf(good);
    const auto file = path("bad.h5");
    const auto outcome = [&](const std::string& content) {
        writeBytes(file, content);
        return codeOf([&] { openProject(file); });
    };
    QCOMPARE(text(codeOf([&] { openProject(path("none.h5")); })), QStringLiteral("file.open"));
    QCOMPARE(text(codeOf([&] { openProject(m_folder.path().toStdString()); })), QStringLiteral("file.open"));
    QCOMPARE(text(outcome("")), QStringLiteral("project.foreign"));
    QCOMPARE(text(outcome("some text\n")), QStringLiteral("project.foreign"));
    QCOMPARE(text(outcome(std::string(5000, '\0'))), QStringLiteral("project.foreign"));
    QCOMPARE(text(outcome(bytes.substr(1024))), QStringLiteral("project.foreign"));
    QVERIFY(messageOf([&] { openProject(file); }).find("HDF5 file of another program") != std::string::npos);
    QCOMPARE(text(outcome(bytes.substr(0, 500))), QStringLiteral("project.truncated"));
    QCOMPARE(text(outcome(bytes.substr(0, bytes.size() - 1))), QStringLiteral("project.truncated"));
    QCOMPARE(text(outcome(bytes + "x")), QStringLiteral("project.damaged"));
    auto flipped = bytes;
    flipped[bytes.size() / 2] = static_cast<char>(flipped[bytes.size() / 2] ^ 1);
    QCOMPARE(text(outcome(flipped)), QStringLiteral("project.damaged"));
    flipped = bytes;
    flipped[20] = static_cast<char>(flipped[20] ^ 1);
    QCOMPARE(text(outcome(flipped)), QStringLiteral("project.damaged"));
    auto block = readUserBlock(good);
    block.formatVersion = 9;
    block.minimumReader = 7;
    block.creator = "Azimuth 8.0";
    const auto encoded = encodeUserBlock(block);
    auto newer = bytes;
    std::copy_n(reinterpret_cast<const char*>(encoded.data()), 1024, newer.begin());
    QCOMPARE(text(outcome(newer)), QStringLiteral("project.newer"));
    const auto message = messageOf([&] { openProject(file); });
    QVERIFY2(message.find("written by Azimuth 8.0") != std::string::npos, message.c_str());
    QVERIFY2(message.find("reads format 7") != std::string::npos, message.c_str());
    publishShard(file, sample::jobResult(), {});
    QCOMPARE(text(codeOf([&] { openProject(file); })), QStringLiteral("project.kind"));
    QCOMPARE(text(codeOf([&] { readShard(good); })), QStringLiteral("project.kind"));
}

void ProjectTest::shardComesBack() {
    const auto file = path("shard.h5");
    const auto result = sample::jobResult();
    const auto digest = publishShard(file, result, "0f8fad5b-d9cb-469f-a165-70867728950e");
    QCOMPARE(text(sample::difference(readShard(file, digest), result)), QString());
    const auto header = readShardHeader(file);
    QCOMPARE(text(header.sha256), text(digest));
    QCOMPARE(text(header.projectUuid), QStringLiteral("0f8fad5b-d9cb-469f-a165-70867728950e"));
}

void ProjectTest::emptyShardComesBack() {
    const auto file = path("empty-shard.h5");
    JobResult result;
    result.job.kind = "generate";
    publishShard(file, result, {});
    QCOMPARE(text(sample::difference(readShard(file), result)), QString());
    QCOMPARE(text(readShardHeader(file).projectUuid), QString());
}

void ProjectTest::shardDigestIsOfTheBytes() {
    const auto file = path("digest-shard.h5");
    const auto digest = publishShard(file, sample::jobResult(), {});
    QFile content(text(file));
    QVERIFY(content.open(QIODevice::ReadOnly));
    const auto hash =
        QCryptographicHash::hash(content.readAll().mid(1024), QCryptographicHash::Sha256).toHex();
    QCOMPARE(text(digest), QString::fromLatin1(hash));
}

void ProjectTest::shardOfAnotherAnnouncementIsRefused() {
    const auto file = path("announced.h5");
    publishShard(file, sample::jobResult(), {});
    QCOMPARE(text(codeOf([&] { readShard(file, sample::hexOf("other")); })),
             QStringLiteral("project.damaged"));
}

void ProjectTest::mergeIsIdempotentAndFirstWins() {
    const auto empty = createProject(path("merge.h5"), sample::study());
    const auto result = sample::jobResult();
    MergeCount count;
    const auto once = merge(empty, result, &count);
    QCOMPARE(count.completions, std::size_t{12});
    QCOMPARE(count.banks, std::size_t{2});
    QCOMPARE(count.arms, std::size_t{4});
    QCOMPARE(count.scores, std::size_t{2});
    QCOMPARE(count.jobs, std::size_t{1});
    const auto twice = merge(once, result, &count);
    QVERIFY(count.nothing());
    QCOMPARE(text(sample::difference(once, twice)), QString());
    QVERIFY(twice.completions.get() == once.completions.get()); // unchanged parts are shared

    auto late = result;
    for (auto& row : late.completions)
        row.text = "later";
    late.completions.push_back(sample::completions(13, 1, 5)[12]);
    late.banks[0].positiveCount = 99;
    late.arms[1].name = "another name";
    const auto merged = merge(once, late, &count);
    QCOMPARE(count.completions, std::size_t{1});
    QCOMPARE(text(merged.completions->row(1).text), text(result.completions[1].text));
    QCOMPARE(merged.banks[0]->positiveCount, result.banks[0].positiveCount);
    QCOMPARE(text(merged.arms[1]->name), text(result.arms[1].name));
    QCOMPARE(empty.completions->size(), std::size_t{0}); // a pure function
}

void ProjectTest::mergeResolvesTheStudysModels() {
    const auto empty = createProject(path("resolve.h5"), sample::study());
    const auto result = sample::jobResult();
    const auto merged = merge(empty, result);
    QCOMPARE(text(merged.modelIdentities[0]), text(result.models[0].identity));
    QCOMPARE(text(merged.modelIdentities[1]), text(result.models[1].identity));
    QVERIFY(merged.model("SmolLM2 bf16")->compute == Precision::Bf16);
    JobResult stranger;
    stranger.models = {result.models[0]};
    stranger.models[0].name = "another name";
    QVERIFY(merge(empty, stranger).modelIdentities[0].empty());
}

void ProjectTest::goodShardsAreAdoptedAndBadOnesReported() {
    const auto file = path("adopt.h5");
    auto view = createProject(file, sample::study());
    const auto shards = sideFolder(file).shards;
    ensureFolder(shards);
    auto second = sample::jobResult();
    second.job.id = sample::hexOf("another job");
    second.completions = sample::completions(20, 3, 9); // 12 of them have keys of the first
    publishShard(shards + "/a.h5", sample::jobResult(), view.uuid);
    publishShard(shards + "/b.h5", second, view.uuid);
    publishShard(shards + "/foreign.h5", second, "11111111-2222-3333-4444-555555555555");
    writeBytes(shards + "/text.h5", "nothing");
    auto cut = bytesOf(shards + "/a.h5");
    writeBytes(shards + "/cut.h5", cut.substr(0, cut.size() / 2));
    cut[cut.size() - 3000] = static_cast<char>(cut[cut.size() - 3000] ^ 16);
    writeBytes(shards + "/flipped.h5", cut);
    writeBytes(shards + "/.hidden.h5", "unfinished");

    FileChecker checker;
    const auto adoption = adoptShards(view, file, checker);
    QCOMPARE(adoption.adopted.size(), std::size_t{2});
    QCOMPARE(adoption.foreign.size(), std::size_t{1});
    QCOMPARE(adoption.view.completions->size(), std::size_t{20});
    QCOMPARE(adoption.merged.completions, std::size_t{20});
    QCOMPARE(adoption.view.jobs.size(), std::size_t{2});
    std::vector<std::string> codes;
    for (const auto& problem : adoption.problems)
        codes.push_back(problem.code);
    QCOMPARE(codes, (std::vector<std::string>{"project.truncated", "project.damaged", "project.foreign"}));
    QVERIFY(std::filesystem::exists(shards + "/cut.h5"));

    view = saveProject(file, adoption.view);
    keepShards(file, view.uuid, view.generation, adoption.adopted);
    keepShards(file, view.uuid, view.generation, adoption.adopted);
    QVERIFY(!std::filesystem::exists(shards + "/a.h5"));
    const auto again = adoptShards(openProject(file), file, checker);
    QVERIFY(again.merged.nothing() && again.adopted.empty());
    QCOMPARE(openProject(file).completions->size(), std::size_t{20});
}

void ProjectTest::nothingStaysOpen() {
    const auto descriptors = [] {
        const std::filesystem::directory_iterator folder("/proc/self/fd");
        return std::distance(begin(folder), end(folder));
    };
    const auto file = path("open.h5");
    const auto before = descriptors();
    auto view = saveFull(file);
    auto wrong = sample::jobResult();
    wrong.completions[0].text = "\xff";
    wrong.completions[0].key = sample::digestOf("wrong");
    QCOMPARE(text(codeOf([&] { saveProject(file, merge(view, wrong)); })), QStringLiteral("project.value"));
    openProject(file);
    readBankTensor(file, view.banks[0]->key);
    auto bytes = bytesOf(file);
    bytes[bytes.size() - 700] = static_cast<char>(~bytes[bytes.size() - 700]);
    writeBytes(file, bytes);
    QCOMPARE(text(codeOf([&] { openProject(file); })), QStringLiteral("project.damaged"));
    QCOMPARE(descriptors(), before + 1); // the view's texts stay in the file
    view = {};
    QCOMPARE(descriptors(), before);
    QCOMPARE(H5Fget_obj_count(static_cast<hid_t>(H5F_OBJ_ALL), H5F_OBJ_ALL), ssize_t{0});
}

QTEST_GUILESS_MAIN(ProjectTest)
#include "project_test.moc"
