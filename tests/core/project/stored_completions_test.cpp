// Texts and token ids that stay in the file: the same as in memory, however the file lays them out, from many
// threads, and one clear error if the file changes below.
#include "core/project/project.h"
#include "core/project/read_file.h"
#include "core/project/stored_completions.h"
#include "tests/core/project/hostile_cases.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"

#include <atomic>
#include <fcntl.h>
#include <filesystem>
#include <hdf5.h>
#include <QtTest>
#include <random>
#include <sys/stat.h>
#include <thread>

using namespace azimuth;
using hostile::bytesOf;
using hostile::writeBytes;

namespace {

constexpr const char* textPath = "/completions/parts/p000001/text_utf8";
constexpr const char* idsPath = "/completions/parts/p000001/ids";

// Longer than a chunk, empty, of many scripts.
std::vector<Completion> rowsOf(std::size_t count) {
    auto rows = sample::completions(count, 200, 800);
    std::mt19937 random(7);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        if (i % 11 == 0)
            rows[i].text.clear();
        if (i % 13 == 0)
            rows[i].text += "\xE2\x88\x87\xF0\x9F\xA7\xAD";
        rows[i].ids.resize(i % 3 == 0 ? 0 : random() % 300, static_cast<std::int32_t>(random()));
    }
    rows[5].text.assign(700 << 10, 'x');
    rows[6].ids.assign(300000, -1);
    return rows;
}

std::string contentOf(hid_t file, const char* path, hid_t type, std::size_t bytes) {
    const hid_t id = H5Dopen2(file, path, H5P_DEFAULT);
    const hid_t space = H5Dget_space(id);
    std::string content(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)) * bytes, '\0');
    H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, content.data());
    H5Sclose(space);
    H5Dclose(id);
    return content;
}

using Filters = void (*)(hid_t);

// The column again with another layout; its values are the same.
void layOut(hid_t file, const char* path, hid_t type, std::size_t bytes, hsize_t chunk, Filters filters) {
    const auto content = contentOf(file, path, type, bytes);
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    if (chunk > 0)
        H5Pset_chunk(creation, 1, &chunk);
    filters(creation);
    hostile::replace(file, path, type, {content.size() / bytes}, content.data(), creation);
    H5Pclose(creation);
}

std::string difference(const CompletionTable& table, const std::vector<Completion>& rows) {
    if (table.size() != rows.size())
        return "sizes";
    for (std::size_t i = 0; i < rows.size(); ++i)
        if (table.text(i) != rows[i].text || table.ids(i) != rows[i].ids)
            return "row " + std::to_string(i);
    return {};
}

std::string codeOf(const std::function<void()>& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.code();
    }
    return {};
}

} // namespace

class StoredCompletionsTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void init();
    void theSameAsInMemory();
    void everyLayout_data();
    void everyLayout();
    void aChunkThatIsMissing();
    void manyThreads();
    void aSaveMovesThem();
    void aRewrittenColumn();
    void aTouchedFile();
    void aFileThatChangesBelow();

private:
    QTemporaryDir m_folder;
    std::string m_file;
    std::vector<Completion> m_rows;
};

void StoredCompletionsTest::init() {
    m_file = m_folder.filePath(QString::number(QRandomGenerator::global()->generate())).toStdString() + ".h5";
    m_rows = rowsOf(600);
    auto view = createProject(m_file, sample::study());
    view.completions = std::make_shared<const CompletionTable>(CompletionTable().with(m_rows));
    saveProject(m_file, view);
}

void StoredCompletionsTest::theSameAsInMemory() {
    const auto view = openProject(m_file);
    QCOMPARE(difference(*view.completions, m_rows), std::string());
    QCOMPARE(view.completions->row(17).logProbability, m_rows[17].logProbability);
    QCOMPARE(view.completions->row(17).jobId, m_rows[17].jobId);
    QVERIFY(view.completions->sourceOf(0, 600) != nullptr);
    std::string texts, ids; // chunks are compressed by our own hand: HDF5 must read them, checksums and all
    for (const auto& row : m_rows) {
        texts += row.text;
        ids.append(reinterpret_cast<const char*>(row.ids.data()), row.ids.size() * 4);
    }
    const hid_t file = H5Fopen(m_file.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    QVERIFY(contentOf(file, textPath, H5T_STD_U8LE, 1) == texts);
    QVERIFY(contentOf(file, idsPath, H5T_STD_I32LE, 4) == ids);
    H5Fclose(file);
}

void StoredCompletionsTest::everyLayout_data() {
    QTest::addColumn<int>("chunk");
    QTest::addColumn<Filters>("filters");
    QTest::newRow("in one piece") << 0 << Filters([](hid_t) {});
    QTest::newRow("chunks without filters") << 1000 << Filters([](hid_t) {});
    QTest::newRow("checksums") << 999 << Filters([](hid_t list) { H5Pset_fletcher32(list); });
    QTest::newRow("deflate") << 4096 << Filters([](hid_t list) { H5Pset_deflate(list, 9); });
    QTest::newRow("shuffle, deflate, checksum") << 5001 << Filters([](hid_t list) {
        H5Pset_shuffle(list);
        H5Pset_deflate(list, 1);
        H5Pset_fletcher32(list);
    });
    QTest::newRow("checksum, deflate") << 5001 << Filters([](hid_t list) {
        H5Pset_fletcher32(list);
        H5Pset_deflate(list, 1);
    });
}

void StoredCompletionsTest::everyLayout() {
    QFETCH(int, chunk);
    QFETCH(Filters, filters);
    const auto block = readUserBlock(m_file);
    const hid_t file = H5Fopen(m_file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    layOut(file, textPath, H5T_STD_U8LE, 1, static_cast<hsize_t>(chunk), filters);
    layOut(file, idsPath, H5T_STD_I32LE, 4, static_cast<hsize_t>(chunk), filters);
    H5Fclose(file);
    writeBytes(m_file, resigned(bytesOf(m_file), block));
    QCOMPARE(difference(*openProject(m_file).completions, m_rows), std::string());
}

void StoredCompletionsTest::aChunkThatIsMissing() {
    const auto block = readUserBlock(m_file);
    const hid_t file = H5Fopen(m_file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const auto bytes = contentOf(file, textPath, H5T_STD_U8LE, 1).size();
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 1 << 20;
    H5Pset_chunk(creation, 1, &chunk);
    hostile::replace(file, textPath, H5T_STD_U8LE, {bytes}, nullptr, creation);
    H5Pclose(creation);
    H5Fclose(file);
    writeBytes(m_file, resigned(bytesOf(m_file), block));
    QCOMPARE(codeOf([&] { openProject(m_file); }), std::string("project.content"));
}

void StoredCompletionsTest::manyThreads() {
    const auto view = openProject(m_file);
    std::atomic<int> wrong = 0;
    std::vector<std::thread> threads;
    for (unsigned seed = 0; seed < 4; ++seed)
        threads.emplace_back([&, seed] {
            std::mt19937 random(seed);
            for (int i = 0; i < 2000; ++i) {
                const auto row = random() % m_rows.size();
                wrong += view.completions->text(row) != m_rows[row].text;
                wrong += view.completions->ids(row) != m_rows[row].ids;
            }
        });
    for (auto& thread : threads)
        thread.join();
    QCOMPARE(wrong.load(), 0);
}

void StoredCompletionsTest::aSaveMovesThem() {
    auto view = openProject(m_file);
    const auto opened = view.completions->sourceOf(0, 600);
    view = saveProject(m_file, view);
    QVERIFY(view.completions->sourceOf(0, 600) != opened);
    auto more = sample::completions(700, 3, 9);
    more.erase(more.begin(), more.begin() + 600);
    view.completions = std::make_shared<const CompletionTable>(view.completions->with(more));
    view = saveProject(m_file, view);
    QVERIFY(view.completions->sourceOf(0, 700) != nullptr);
    auto all = m_rows;
    all.insert(all.end(), more.begin(), more.end());
    std::filesystem::remove(m_file); // the open file is enough
    std::filesystem::remove_all(m_file + ".d");
    QCOMPARE(difference(*view.completions, all), std::string());
}

// Another text with a checksum of its own is not the one that was opened.
void StoredCompletionsTest::aRewrittenColumn() {
    const auto view = openProject(m_file);
    const hid_t file = H5Fopen(m_file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
    const hid_t id = H5Dopen2(file, textPath, H5P_DEFAULT);
    auto content = contentOf(file, textPath, H5T_STD_U8LE, 1);
    for (auto& byte : content)
        byte = static_cast<char>(byte ^ 1);
    H5Dwrite(id, H5T_NATIVE_UINT8, H5S_ALL, H5S_ALL, H5P_DEFAULT, content.data());
    H5Dclose(id);
    H5Fclose(file);
    int refused = 0;
    for (std::size_t i = 0; i < m_rows.size(); ++i)
        try {
            QVERIFY(view.completions->text(i) == m_rows[i].text);
        } catch (const Error& error) {
            QCOMPARE(error.code(), std::string("project.content"));
            ++refused;
        }
    QVERIFY(refused > 0);
}

// A backup program sets a time, or adds at the end: the texts are as they were, and can be saved elsewhere.
void StoredCompletionsTest::aTouchedFile() {
    const auto view = openProject(m_file);
    const int descriptor = ::open(m_file.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
    QCOMPARE(::write(descriptor, "x", 1), ssize_t{1});
    ::close(descriptor);
    QCOMPARE(difference(*view.completions, m_rows), std::string());
    QCOMPARE(codeOf([&] { openProject(m_file); }), std::string("project.damaged"));
    const auto copy = m_file + ".copy.h5";
    saveProjectAs(copy, view, m_file);
    QCOMPARE(difference(*openProject(copy).completions, m_rows), std::string());
}

void StoredCompletionsTest::aFileThatChangesBelow() {
    const auto view = openProject(m_file);
    struct stat before {};
    ::stat(m_file.c_str(), &before);
    auto bytes = bytesOf(m_file);
    for (std::size_t i = 8192; i + 8192 < bytes.size(); i += 64)
        bytes[i] = static_cast<char>(~bytes[i]);
    const int descriptor = ::open(m_file.c_str(), O_WRONLY | O_CLOEXEC);
    QCOMPARE(::pwrite(descriptor, bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
    const timespec times[2] = {before.st_atim, before.st_mtim}; // as if nothing had been
    QCOMPARE(::futimens(descriptor, times), 0);
    QCOMPARE(codeOf([&] { view.completions->text(100); }), std::string("project.content"));
    QCOMPARE(codeOf([&] { view.completions->ids(100); }), std::string("project.content"));
    QCOMPARE(::ftruncate(descriptor, 4096), 0);
    QCOMPARE(::futimens(descriptor, times), 0);
    QVERIFY(!codeOf([&] { view.completions->text(400); }).empty());
    QCOMPARE(view.completions->head(100).jobId, m_rows[100].jobId); // what is in memory stays
    ::close(descriptor);
}

QTEST_GUILESS_MAIN(StoredCompletionsTest)
#include "stored_completions_test.moc"
