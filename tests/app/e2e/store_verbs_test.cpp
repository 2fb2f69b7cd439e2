// azimuth merge and azimuth caches as processes: what they take, print and refuse. Kills at any moment of a
// merge are in tests/faults.
#include "app/session/project_store.h"
#include "core/base/atomic_file.h"
#include "core/container/safetensors.h"
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/study/keys.h"
#include "tests/app/e2e/project_rows.h"
#include "tests/core/project/sample.h"

#include <filesystem>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QTemporaryDir>
#include <QtTest>

using namespace azimuth;

namespace {

struct Result {
    int code = -1;
    QByteArray out, error;
};

Result azimuthVerb(const char* verb, const QStringList& arguments) {
    QProcess process;
    process.start(e2e::program("azimuth"), QStringList{QString::fromLatin1(verb)} + arguments);
    process.waitForFinished(60000);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            process.readAllStandardOutput(), process.readAllStandardError()};
}

Result azimuthMerge(const QStringList& arguments) { return azimuthVerb("merge", arguments); }

// A job's result whose bank has the key that the sample's study asks for, and completions of its own.
JobResult resultOf(const std::string& name, std::size_t completions) {
    const auto study = sample::study();
    auto result = sample::jobResult();
    result.job.id = sample::hexOf(name);
    result.banks.resize(1);
    auto& bank = result.banks[0];
    bank.key = toHex(bankKey(bank.modelIdentity, study.rendering, bank.method,
                             *study.concepts[0].set(PromptRole::Positive),
                             *study.concepts[0].set(PromptRole::Negative)));
    const auto rows = sample::completions(completions, 40, 300);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        auto row = rows[i];
        row.key = sample::digestOf(name + std::to_string(i));
        row.modelIdentity = result.models[0].identity;
        row.armDigest = result.arms[0].digest();
        row.promptId = study.concepts[0].set(PromptRole::Calibration)->prompts[0].id;
        result.completions.push_back(row);
    }
    return result;
}

Study sampleStudy() { // whose first model has the weights of the sample's results
    auto study = sample::study();
    study.models[0].sha256 = sample::jobResult().models[0].weightsSha256[0];
    return study;
}

QByteArray bytesOf(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

} // namespace

class StoreVerbsTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;

    QString path(const char* name) const { return m_folder.filePath(QLatin1String(name)); }
    // A project with one result saved and, if asked, another one in a shard.
    QString project(const char* name, const std::string& saved, const std::string& unsaved = {}) const {
        const auto file = path(name).toStdString();
        auto view = createProject(file, sampleStudy());
        view = merge(view, resultOf(saved, 30));
        Label label;
        label.completionKey = view.completions->row(0).key;
        label.source = Label::Source::Human;
        label.rater = saved;
        label.time = 10;
        view.labels.push_back(std::make_shared<const Label>(label));
        saveProject(file, view);
        if (!unsaved.empty()) {
            ensureFolder(sideFolder(file).shards);
            publishShard(sideFolder(file).shards + "/one.h5", resultOf(unsaved, 20), view.uuid);
        }
        return path(name);
    }

private Q_SLOTS:
    void everythingComesOnceAndOnlyOnce() {
        const auto target = project("target.h5", "a"), other = project("other.h5", "b", "c");
        const auto shard = path("loose.h5");
        publishShard(shard.toStdString(), resultOf("d", 5), {});
        const auto before = bytesOf(other);
        const auto first = azimuthMerge({target, other, shard, QStringLiteral("--json")});
        QVERIFY2(first.code == 0, first.error.constData());
        const auto report = QJsonDocument::fromJson(first.out).object();
        const auto from = report[QLatin1String("from")].toArray();
        const auto count = [&](int source, const char* what) {
            return from[source][QLatin1String("new")][QLatin1String(what)].toInt();
        };
        QCOMPARE(count(0, "completions"), 50); // 12 others have the keys of the target's
        QCOMPARE(count(0, "labels"), 1 + 62);  // one by hand, the others as that project judges its rows
        QCOMPARE(count(0, "jobs"), 2);
        QCOMPARE(count(1, "completions"), 5);
        QCOMPARE(from[0][QLatin1String("outside_study")].toInt(), 50); // keys that the sample invents
        QCOMPARE(report[QLatin1String("generation")].toInt(), 3);
        const auto view = openProject(target.toStdString());
        QCOMPARE(view.completions->size(), std::size_t{12 + 30 + 30 + 20 + 5});
        QCOMPARE(view.banks.size(), std::size_t{1});
        QCOMPARE(std::count_if(view.labels.begin(), view.labels.end(),
                               [](const auto& label) { return label->source == Label::Source::Human; }),
                 std::ptrdiff_t{2});
        QVERIFY(view.labels.size() > view.completions->size()); // those of the shards are judged
        QCOMPARE(view.provenance.back().action, std::string("merge"));
        QVERIFY(bytesOf(other) == before && QFile::exists(path("other.h5.d/shards/one.h5")));

        const auto again = azimuthMerge({target, other, shard});
        QVERIFY2(again.code == 0, again.error.constData());
        QVERIFY2(again.out.contains("has all of it already; it stays generation 3."), again.out.constData());
        QCOMPARE(openProject(target.toStdString()).generation, 3u);
        const auto back = azimuthMerge({other, target});
        QVERIFY2(back.out.contains("is now generation 3."), back.out.constData());
        const auto settled = azimuthMerge({target, other});
        QVERIFY2(settled.out.contains("stays generation 3."), settled.out.constData());
    }

    void editsThatOnlyTheLogHoldsComeToo() {
        const auto target = project("log-target.h5", "a"), other = project("log-from.h5", "b");
        {
            auto store = ProjectStore::open(other.toStdString());
            const auto key = store.view()->completions->row(1).key;
            store.head()->edit({"label", "Ana", 20, SetLabels{{{key, Verdict::Garbled}}, "Ana"}});
            store.head()->edit({"note", "Ana", 21, SetNote{NoteSubject::Concept, "verse", "seen"}});
        } // killed: nothing was saved
        const auto before = bytesOf(other);
        const auto made = azimuthMerge({target, other});
        QVERIFY2(made.code == 0, made.error.constData());
        const auto view = openProject(target.toStdString());
        const auto by = [&](const char* rater) {
            return std::count_if(view.labels.begin(), view.labels.end(),
                                 [&](const auto& label) { return label->rater == rater; });
        };
        QVERIFY(by("Ana") == 1 && by("a") == 1 && by("b") == 1);
        QCOMPARE(view.notes.size(), std::size_t{1});
        QVERIFY(bytesOf(other) == before);
        QVERIFY(ProjectStore::open(other.toStdString()).modified()); // its log is as it was
        QVERIFY(azimuthMerge({target, other}).out.contains("stays generation 3."));
    }

    void theTableSaysWhatCame() {
        const auto target = project("table.h5", "a"), other = project("table-from.h5", "b");
        const auto made = azimuthMerge({target, other});
        const auto lines = made.out.split('\n');
        QVERIFY2(lines[0].startsWith("New from") && lines[0].contains("Completions  Banks"),
                 made.out.constData());
        QVERIFY2(lines[1].startsWith(other.toUtf8() + "           30      0"), made.out.constData());
        QVERIFY(made.out.contains("30 completions are not asked for by the project's study."));
    }

    void whatCannotBeMergedChangesNothing() {
        const auto target = project("kept.h5", "a");
        const auto before = bytesOf(target);
        const auto refused = [&](const QString& from, const char* words) {
            const auto made = azimuthMerge({target, project("good.h5", "b"), from});
            QCOMPARE(made.code, 2);
            QVERIFY2(made.error.contains(words), made.error.constData());
            QVERIFY2(made.error.startsWith("azimuth: ") && made.out.isEmpty(), made.error.constData());
            QVERIFY(bytesOf(target) == before);
            QFile::remove(path("good.h5"));
        };
        refused(target, "is the project itself");
        refused(path("none.h5"), "none.h5");
        auto stranger = resultOf("x", 3);
        stranger.models[0].identity = sample::hexOf("other weights");
        publishShard(path("stranger.h5").toStdString(), stranger, {});
        refused(path("stranger.h5"), "the model \"SmolLM2 fp32\" is ");
        writeFileAtomically(path("text.h5").toStdString(), "nothing");
        refused(path("text.h5"), "is not a project of Azimuth");
        auto cut = bytesOf(target);
        cut.chop(100);
        writeFileAtomically(path("cut.h5").toStdString(), cut.toStdString());
        refused(path("cut.h5"), "is cut off");
    }

    void unusedCachesGoAndTheOthersStay() {
        const auto file = project("cached.h5", "a");
        const auto folder = sideFolder(file.toStdString()).cache;
        QCOMPARE(azimuthVerb("caches", {file}).out, QByteArray("The project has no activation caches.\n"));
        ensureFolder(folder);
        const auto study = sampleStudy();
        const auto used = study.concepts[0].set(PromptRole::Positive)->digest();
        const auto unused = sample::hexOf("prompts of long ago");
        for (const auto& [name, digest] : {std::pair("used", used), std::pair("unused", unused)}) {
            SafetensorsWriter writer(folder + "/" + name + ".safetensors",
                                     {{"acts/resid/0", DType::F32, {2, 4}}},
                                     {{"format", "azimuth_capture"},
                                      {"model.identity", sample::jobResult().models[0].identity},
                                      {"prompts.digest", digest},
                                      {"render", canonicalJson({{"rendering", toJson(study.rendering)}})},
                                      {"position.rule", "last"}});
            writer.append("acts/resid/0", std::span<const float>(std::vector<float>(8)));
            writer.finish();
        }
        writeFileAtomically(folder + "/notes.txt", "mine");
        const auto listed = azimuthVerb("caches", {file});
        QVERIFY2(listed.code == 0, listed.error.constData());
        const auto sha = toHex(sha256File(folder + "/used.safetensors"));
        QVERIFY2(listed.out.contains(QByteArray::fromStdString(sha.substr(0, 12))), listed.out.constData());
        QVERIFY2(listed.out.contains("SmolLM2 fp32, positive prompts of verse, last positions, resid"),
                 listed.out.constData());
        const auto json =
            QJsonDocument::fromJson(azimuthVerb("caches", {file, QStringLiteral("--json")}).out);
        QCOMPARE(json[QLatin1String("caches")].toArray().size(), qsizetype{3});
        const auto bytes = std::filesystem::file_size(folder + "/unused.safetensors");
        const auto removed = azimuthVerb("caches", {file, QStringLiteral("--remove-unused")});
        QVERIFY2(removed.out.contains("Removed 1 activation cache that the study does not need: " +
                                      QByteArray::number(static_cast<qulonglong>(bytes)) +
                                      " B are free again."),
                 removed.out.constData());
        QVERIFY2(removed.out.contains("notes.txt"), removed.out.constData());
        QVERIFY(!std::filesystem::exists(folder + "/unused.safetensors"));
        QVERIFY(std::filesystem::exists(folder + "/used.safetensors"));
        QVERIFY(std::filesystem::exists(folder + "/notes.txt"));
    }
};

QTEST_GUILESS_MAIN(StoreVerbsTest)
#include "store_verbs_test.moc"
