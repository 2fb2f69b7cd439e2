// Damaged files are refused by their digest; files that were changed and signed again are refused by the
// strict reader, and validate says where.
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/project/validate.h"

#include "tests/core/checks.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <hdf5.h>
#include <QtTest>

using namespace azimuth;
using checks::codeOf;

namespace {

std::string bytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}
void writeBytes(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// Replaces a dataset by one with these values.
void replace(hid_t file, const char* path, hid_t type, std::vector<hsize_t> extents, const void* values,
             hid_t creation = H5P_DEFAULT) {
    H5Ldelete(file, path, H5P_DEFAULT);
    const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
    const hid_t id = H5Dcreate2(file, path, type, space, H5P_DEFAULT, creation, H5P_DEFAULT);
    if (values)
        H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Dclose(id);
    H5Sclose(space);
}

// Writes into a dataset as it is.
void overwrite(hid_t file, const char* path, const void* values) {
    const hid_t id = H5Dopen2(file, path, H5P_DEFAULT);
    const hid_t type = H5Dget_type(id);
    H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values);
    H5Tclose(type);
    H5Dclose(id);
}

struct Case {
    const char* name;
    const char* place; // where validate has to see it
    std::function<void(hid_t)> change;
    bool opens = false; // what only validation refuses
};

void dataOutside(hid_t file) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_external(creation, "/etc/hostname", 0, 24);
    replace(file, "/labels/time", H5T_IEEE_F64LE, {3}, nullptr, creation);
    H5Pclose(creation);
}

void claimsTooMuch(hid_t file) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 65536;
    H5Pset_chunk(creation, 1, &chunk);
    replace(file, "/completions/parts/p000001/text_utf8", H5T_STD_U8LE, {hsize_t{1} << 40}, nullptr,
            creation);
    H5Pclose(creation);
}

void hugeChunk(hid_t file) {
    const hid_t creation = H5Pcreate(H5P_DATASET_CREATE);
    const hsize_t chunk = 3;
    H5Pset_chunk(creation, 1, &chunk);
    H5Pset_scaleoffset(creation, H5Z_SO_INT, 0);
    const std::int64_t values[3] = {1, 2, 3};
    replace(file, "/models/blocks", H5T_STD_I64LE, {3}, values, creation);
    H5Pclose(creation);
}

void variableStrings(hid_t file) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, H5T_VARIABLE);
    const char* values[3] = {"a", "b", "c"};
    replace(file, "/labels/judge", type, {3}, values);
    H5Tclose(type);
}

const std::vector<Case>& cases() {
    static const std::uint64_t falling[] = {0, 9, 3, 4}, beyond[] = {0, 0, 0, 1u << 30};
    static const std::uint8_t manyVerdicts[] = {0, 7, 1};
    static const std::int32_t floats[] = {1, 2, 3};
    static const double two[] = {1, 2};
    static const std::uint64_t noSuchRow[] = {1, 1, 1, 1, 1, 1, 99}, zeroId[] = {0, 2};
    static const std::uint32_t farRow[12] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 4000000000u};
    static const std::int64_t wide[] = {16, 1 << 21}, farChoice[] = {4, -1};
    static const std::vector<Case> list{
        {"offsets that fall", "/labels/rater",
         [](hid_t f) { overwrite(f, "/labels/rater_offsets", falling); }},
        {"offsets beyond the data", "/labels/rater",
         [](hid_t f) { overwrite(f, "/labels/rater_offsets", beyond); }},
        {"an enumeration value without a name", "/labels/verdict",
         [](hid_t f) { overwrite(f, "/labels/verdict", manyVerdicts); }},
        {"another type", "/labels/time",
         [](hid_t f) { replace(f, "/labels/time", H5T_STD_I32LE, {3}, floats); }},
        {"another length", "/labels/time",
         [](hid_t f) { replace(f, "/labels/time", H5T_IEEE_F64LE, {2}, two); }},
        {"a missing column", "/labels/time", [](hid_t f) { H5Ldelete(f, "/labels/time", H5P_DEFAULT); }},
        {"a missing table", "/labels", [](hid_t f) { H5Ldelete(f, "/labels", H5P_DEFAULT); }},
        {"a soft link", "/labels/time",
         [](hid_t f) {
             H5Ldelete(f, "/labels/time", H5P_DEFAULT);
             H5Lcreate_soft("/jobs/seconds", f, "/labels/time", H5P_DEFAULT, H5P_DEFAULT);
         }},
        {"external data", "/labels/time", dataOutside},
        {"variable-length strings", "/labels/judge", variableStrings},
        {"a filter that is not allowed", "/models/blocks", hugeChunk},
        {"a size of a terabyte", "/completions/parts/p000001/text", claimsTooMuch},
        {"a row of nothing", "/arms/interventions/arms_id",
         [](hid_t f) { replace(f, "/arms/interventions/arms_id", H5T_STD_U64LE, {7}, noSuchRow); }},
        {"an id of zero", "/banks/index/id", [](hid_t f) { overwrite(f, "/banks/index/id", zeroId); }},
        {"a row beyond its part", "", [](hid_t f) { overwrite(f, "/completions/index/row", farRow); }},
        {"a width that no model has", "", [](hid_t f) { overwrite(f, "/banks/index/width", wide); }},
        {"a choice beyond the points", "", [](hid_t f) { overwrite(f, "/calibrations/chosen", farChoice); }},
        {"a missing tensor", "", [](hid_t f) { H5Ldelete(f, "/banks/tensors/b000002", H5P_DEFAULT); }},
        {"a second name of an object", "/zz",
         [](hid_t f) { H5Lcreate_hard(f, "/labels", f, "/zz", H5P_DEFAULT, H5P_DEFAULT); }, true},
    };
    return list;
}

} // namespace

class HostileTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }
    std::string m_project;

    // The sample project, changed and signed again.
    std::string changed(const std::function<void(hid_t)>& change) const {
        const auto file = path("changed.h5");
        writeBytes(file, bytesOf(m_project));
        const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDWR, H5P_DEFAULT);
        if (id < 0)
            throw Error("test", "cannot open " + file, "");
        change(id);
        H5Fclose(id);
        writeBytes(file, resigned(bytesOf(file), readUserBlock(m_project)));
        return file;
    }

private Q_SLOTS:
    void initTestCase();
    void soundFilesAreSound();
    void unchangedButSignedAgainOpens();
    void changesAreFound_data();
    void changesAreFound();
    void unknownColumnIsANoteAndOpens();
    void damagedFilesAreNotParsed();
    void smallTruncationsAndFlipsAreRefused();
};

void HostileTest::initTestCase() {
    m_project = path("project.h5");
    auto view = sample::fullView();
    view.uuid = createProject(m_project, *view.study).uuid;
    saveProject(m_project, view);
}

void HostileTest::soundFilesAreSound() {
    const auto project = validateFile(m_project);
    for (const auto& finding : project.findings)
        qInfo("%s %s", finding.place.c_str(), finding.text.c_str());
    QVERIFY(project.sound());
    QVERIFY(project.findings.empty());
    QCOMPARE(project.tables.size(), std::size_t{20});
    QCOMPARE(QString::fromStdString(project.kind), QStringLiteral("project"));
    QCOMPARE(project.generation, 2u);
    const auto shard = path("shard.h5");
    publishShard(shard, sample::jobResult(), {});
    const auto validation = validateFile(shard);
    QVERIFY(validation.findings.empty());
    QVERIFY(toJson(validation)["sound"].get<bool>());
    const auto empty = path("empty.h5");
    createProject(empty, sample::smallestStudy());
    QVERIFY(validateFile(empty).findings.empty());
}

void HostileTest::unchangedButSignedAgainOpens() {
    const auto file = changed([](hid_t) {});
    QCOMPARE(QString::fromStdString(sample::difference(openProject(m_project), openProject(file))),
             QString());
}

void HostileTest::changesAreFound_data() {
    QTest::addColumn<int>("index");
    for (std::size_t i = 0; i < cases().size(); ++i)
        QTest::addRow("%s", cases()[i].name) << static_cast<int>(i);
}

void HostileTest::changesAreFound() {
    QFETCH(int, index);
    const auto& one = cases()[static_cast<std::size_t>(index)];
    const auto file = changed(one.change);
    const auto before = bytesOf(file);
    const auto code = codeOf([&] { openProject(file); });
    QCOMPARE(QString::fromStdString(code),
             one.opens ? QStringLiteral("nothing was thrown") : QStringLiteral("project.content"));
    const auto validation = validateFile(file);
    QVERIFY(!validation.sound());
    const bool placed =
        std::any_of(validation.findings.begin(), validation.findings.end(), [&](const Finding& finding) {
            return finding.severity == Finding::Severity::Problem && finding.place.rfind(one.place, 0) == 0;
        });
    for (const auto& finding : validation.findings)
        if (!placed)
            qInfo("%s: %s", finding.place.c_str(), finding.text.c_str());
    QVERIFY(placed);
    QVERIFY(bytesOf(file) == before);
}

void HostileTest::unknownColumnIsANoteAndOpens() {
    const double values[3] = {1, 2, 3};
    const auto file =
        changed([&](hid_t f) { replace(f, "/labels/confidence", H5T_IEEE_F64LE, {3}, values); });
    QCOMPARE(openProject(file).labels.size(), std::size_t{3});
    const auto validation = validateFile(file);
    QVERIFY(validation.sound());
    QVERIFY(!validation.findings.empty());
    QCOMPARE(QString::fromStdString(validation.findings.back().place), QStringLiteral("/labels/confidence"));
}

void HostileTest::damagedFilesAreNotParsed() {
    auto bytes = bytesOf(m_project);
    bytes[bytes.size() / 3] = static_cast<char>(bytes[bytes.size() / 3] ^ 4);
    const auto file = path("damaged.h5");
    writeBytes(file, bytes);
    const auto validation = validateFile(file);
    QVERIFY(!validation.sound());
    QCOMPARE(validation.findings.size(), std::size_t{1});
    QVERIFY(validation.tables.empty());
    QVERIFY(!validateFile(path("none.h5")).sound());
}

void HostileTest::smallTruncationsAndFlipsAreRefused() {
    const auto bytes = bytesOf(m_project);
    const auto file = path("mutant.h5");
    QRandomGenerator random(20260314);
    for (int i = 0; i < 120; ++i) {
        auto mutant = bytes;
        if (i % 3 == 0)
            mutant.resize(random.bounded(static_cast<quint32>(bytes.size())));
        else
            for (int flips = 0; flips <= i % 5; ++flips) {
                auto& byte = mutant[random.bounded(static_cast<quint32>(bytes.size()))];
                byte = static_cast<char>(byte ^ (1 << random.bounded(8)));
            }
        if (mutant == bytes)
            continue;
        writeBytes(file, mutant);
        const auto code = codeOf([&] { openProject(file); });
        QVERIFY2(code.rfind("project.", 0) == 0, code.c_str());
    }
}

QTEST_GUILESS_MAIN(HostileTest)
#include "hostile_test.moc"
