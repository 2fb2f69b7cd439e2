// Projects of a newer program, which this one may open: what it does not know survives its saves.
#include "core/project/project.h"
#include "core/project/user_block.h"
#include "core/project/validate.h"

#include "tests/core/checks.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"

#include <bit>
#include <cmath>
#include <fstream>
#include <functional>
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

hid_t fixedText(std::size_t bytes) {
    const hid_t type = H5Tcopy(H5T_C_S1);
    H5Tset_size(type, bytes);
    H5Tset_strpad(type, H5T_STR_NULLPAD);
    return type;
}

void attribute(hid_t object, const char* name, hid_t type, const void* value) {
    const hid_t space = H5Screate(H5S_SCALAR);
    if (H5Aexists(object, name) > 0)
        H5Adelete(object, name);
    const hid_t id = H5Acreate2(object, name, type, space, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(id, type, value);
    H5Aclose(id);
    H5Sclose(space);
}

template <class T>
void column(hid_t file, const std::string& path, hid_t type, const std::vector<T>& values,
            hsize_t width = 1) {
    std::vector<hsize_t> extents{values.size() / width};
    if (width > 1)
        extents.push_back(width);
    const hid_t space = H5Screate_simple(static_cast<int>(extents.size()), extents.data(), nullptr);
    const hid_t id = H5Dcreate2(file, path.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT, H5P_DEFAULT);
    H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
    const hid_t text = fixedText(2);
    attribute(id, "units", text, "s\0");
    attribute(id, "description", text, "d\0");
    H5Tclose(text);
    H5Dclose(id);
    H5Sclose(space);
}

void group(hid_t file, const char* path) {
    const hid_t creation = H5Pcreate(H5P_GROUP_CREATE);
    H5Pset_link_phase_change(creation, 65535, 0);
    H5Pset_link_creation_order(creation, H5P_CRT_ORDER_TRACKED);
    H5Gclose(H5Gcreate2(file, path, H5P_DEFAULT, creation, H5P_DEFAULT));
    H5Pclose(creation);
}

// On the group or dataset at a path.
void numberAt(hid_t file, const char* path, const char* name, std::uint32_t value) {
    const hid_t id = H5Oopen(file, path, H5P_DEFAULT);
    attribute(id, name, H5T_STD_U32LE, &value);
    H5Oclose(id);
}

template <class T> std::vector<T> valuesOf(const std::string& path, const std::string& place, hid_t type) {
    std::vector<T> values;
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t id = H5Dopen2(file, place.c_str(), H5P_DEFAULT);
    if (id >= 0) {
        const hid_t space = H5Dget_space(id);
        values.resize(static_cast<std::size_t>(H5Sget_simple_extent_npoints(space)));
        H5Dread(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data());
        H5Sclose(space);
        H5Dclose(id);
    }
    H5Fclose(file);
    return values;
}

std::vector<std::string> textsOf(const std::string& path, const std::string& column) {
    const auto bytes = valuesOf<char>(path, column + "_utf8", H5T_NATIVE_CHAR);
    const auto offsets = valuesOf<std::uint64_t>(path, column + "_offsets", H5T_NATIVE_UINT64);
    std::vector<std::string> texts;
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
        texts.emplace_back(bytes.begin() + static_cast<std::ptrdiff_t>(offsets[i]),
                           bytes.begin() + static_cast<std::ptrdiff_t>(offsets[i + 1]));
    return texts;
}

std::uint32_t numberOf(const std::string& path, const std::string& place, const char* name) {
    std::uint32_t value = 0;
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
    const hid_t id = H5Aopen_by_name(file, place.c_str(), name, H5P_DEFAULT, H5P_DEFAULT);
    if (id >= 0) {
        H5Aread(id, H5T_NATIVE_UINT32, &value);
        H5Aclose(id);
    }
    H5Fclose(file);
    return value;
}

constexpr double three[] = {0.25, -1, 3e300};

// What a program of another century might add.
void additions(hid_t file) {
    column<double>(file, "/labels/confidence", H5T_IEEE_F64LE, {three[0], three[1], three[2]});
    column<std::uint64_t>(file, "/labels/serial", H5T_STD_U64LE, {7, ~std::uint64_t{0}, 9});
    column<char>(file, "/labels/remark_utf8", H5T_STD_U8LE, {'a', 'b', 'c', 'd', 'e'});
    column<std::uint64_t>(file, "/labels/remark_offsets", H5T_STD_U64LE, {0, 2, 2, 5});
    column<std::int32_t>(file, "/labels/tags", H5T_STD_I32LE, {1, 2, 3});
    column<std::uint64_t>(file, "/labels/tags_offsets", H5T_STD_U64LE, {0, 0, 3, 3});
    column<std::uint8_t>(file, "/labels/key2", H5T_STD_U8LE, {1, 2, 3, 4, 5, 6}, 2);
    const hid_t grade = H5Tenum_create(H5T_STD_U8LE);
    for (const auto& [name, value] : {std::pair("none", 0), std::pair("good", 1)}) {
        const auto byte = static_cast<std::uint8_t>(value);
        H5Tenum_insert(grade, name, &byte);
    }
    column<std::uint8_t>(file, "/labels/grade", grade, {1, 0, 1});
    H5Tclose(grade);
    numberAt(file, "/labels", "table_version", 5);
    numberAt(file, "/labels", "scale", 17);
    std::vector<double> entropy;
    for (int i = 0; i < 12; ++i)
        entropy.push_back(i / 8.0);
    column<double>(file, "/completions/parts/p000001/entropy", H5T_IEEE_F64LE, entropy);
    column<double>(file, "/completions/index/quality", H5T_IEEE_F64LE, entropy);
    group(file, "/circuits");
    group(file, "/circuits/edges");
    column<std::uint64_t>(file, "/circuits/edges/from", H5T_STD_U64LE, {1, 2, 3, 4});
    numberAt(file, "/circuits/edges", "n_rows", 4);
    numberAt(file, "/", "laboratory", 42);
}

} // namespace

class NewerTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }

    // The sample project as a newer program leaves it.
    std::string newer(const char* name, const std::function<void(hid_t)>& change) const {
        const auto file = path(name);
        auto view = sample::fullView();
        view.labels.resize(3); // as many as the columns that are added have rows
        view.uuid = createProject(file, *view.study).uuid;
        saveProject(file, view);
        auto block = readUserBlock(file);
        block.formatVersion = 99;
        block.minimumReader = formatVersion;
        block.creator = "Azimuth 40.1";
        const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
        H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110);
        const hid_t id = H5Fopen(file.c_str(), H5F_ACC_RDWR, access);
        H5Pclose(access);
        change(id);
        numberAt(id, "/", "format_version", 99);
        numberAt(id, "/", "min_reader_version", formatVersion);
        H5Fclose(id);
        writeBytes(file, resigned(bytesOf(file), block));
        return file;
    }

    static ProjectView withMore(ProjectView view, const std::string& name) {
        auto label = *view.labels[0];
        label.rater = name;
        label.source = Label::Source::Human;
        view.labels.push_back(std::make_shared<const Label>(label));
        auto row = view.completions->row(0);
        row.key = sample::digestOf(name);
        view.completions = std::make_shared<const CompletionTable>(view.completions->with({row}));
        return view;
    }

    static std::size_t dropsOf(const ProjectView& view) {
        std::size_t count = 0;
        for (const auto& record : view.provenance)
            count += record.action == droppedAction;
        return count;
    }

private Q_SLOTS:
    void whatIsNotKnownSurvivesTwoSaves() {
        const auto file = newer("newer.h5", additions);
        QVERIFY(validateFile(file).sound());
        auto view = saveProject(file, withMore(openProject(file), "first"));
        view = saveProject(file, withMore(view, "second"));
        QCOMPARE(dropsOf(view), std::size_t{0});
        const auto block = readUserBlock(file);
        QCOMPARE(block.formatVersion, 99u);
        QCOMPARE(block.minimumReader, formatVersion);
        QCOMPARE(numberOf(file, "/", "format_version"), 99u);
        QCOMPARE(numberOf(file, "/", "laboratory"), 42u);
        QCOMPARE(numberOf(file, "/labels", "table_version"), 5u);
        QCOMPARE(numberOf(file, "/labels", "scale"), 17u);
        const auto confidence = valuesOf<double>(file, "/labels/confidence", H5T_NATIVE_DOUBLE);
        QCOMPARE(confidence.size(), std::size_t{5});
        QVERIFY(std::equal(three, three + 3, confidence.begin()));
        QVERIFY(std::isnan(confidence[3]) && std::isnan(confidence[4]));
        QCOMPARE(valuesOf<std::uint64_t>(file, "/labels/serial", H5T_NATIVE_UINT64),
                 (std::vector<std::uint64_t>{7, ~std::uint64_t{0}, 9, 0, 0}));
        QCOMPARE(textsOf(file, "/labels/remark"), (std::vector<std::string>{"ab", "", "cde", "", ""}));
        QCOMPARE(valuesOf<std::int32_t>(file, "/labels/tags", H5T_NATIVE_INT32),
                 (std::vector<std::int32_t>{1, 2, 3}));
        QCOMPARE(valuesOf<std::uint64_t>(file, "/labels/tags_offsets", H5T_NATIVE_UINT64),
                 (std::vector<std::uint64_t>{0, 0, 3, 3, 3, 3}));
        QCOMPARE(valuesOf<std::uint8_t>(file, "/labels/key2", H5T_NATIVE_UINT8),
                 (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 0, 0, 0, 0}));
        QCOMPARE(valuesOf<std::uint64_t>(file, "/circuits/edges/from", H5T_NATIVE_UINT64),
                 (std::vector<std::uint64_t>{1, 2, 3, 4}));
        for (const char* place : {"/completions/parts/p000001/entropy", "/completions/index/quality"}) {
            const auto values = valuesOf<double>(file, place, H5T_NATIVE_DOUBLE);
            QCOMPARE(values.size(), std::size_t{14});
            QCOMPARE(values[11], 11 / 8.0);
            QVERIFY(std::isnan(values[13]));
        }
        const auto validation = validateFile(file);
        for (const auto& finding : validation.findings)
            QVERIFY2(finding.severity == Finding::Severity::Note, finding.text.c_str());
        QCOMPARE(openProject(file).labels.size(), std::size_t{5});
        // and into a copy
        const auto copy = path("copy.h5");
        saveProjectAs(copy, openProject(file), file);
        QCOMPARE(readUserBlock(copy).formatVersion, 99u);
        QCOMPARE(textsOf(copy, "/labels/remark"), (std::vector<std::string>{"ab", "", "cde", "", ""}));
    }

    void rowsAreFoundAgainWhereverTheyLie() {
        const auto file = newer("moved.h5", additions);
        auto view = openProject(file);
        std::swap(view.labels[0], view.labels[2]); // rows of another project came between
        auto middle = *view.labels[1];
        middle.rater = "new";
        view.labels.insert(view.labels.begin() + 1, std::make_shared<const Label>(middle));
        QCOMPARE(dropsOf(saveProject(file, view)), std::size_t{0});
        QCOMPARE(textsOf(file, "/labels/remark"), (std::vector<std::string>{"cde", "", "", "ab"}));
        QCOMPARE(valuesOf<std::uint64_t>(file, "/labels/serial", H5T_NATIVE_UINT64),
                 (std::vector<std::uint64_t>{9, 0, ~std::uint64_t{0}, 7}));
        view = openProject(file);
        view.labels.erase(view.labels.begin(), view.labels.begin() + 3); // those that stay keep theirs
        QCOMPARE(dropsOf(saveProject(file, view)), std::size_t{0});
        QCOMPARE(textsOf(file, "/labels/remark"), (std::vector<std::string>{"ab"}));
    }

    void whatCannotBeTracedIsDroppedAndTold() {
        const auto file = newer("dropped.h5", [](hid_t f) {
            column<double>(f, "/figures/size", H5T_IEEE_F64LE, {1, 2});
            column<double>(f, "/figures/depth", H5T_IEEE_F64LE, {1, 2});
            numberAt(f, "/figures", "table_version", 3);
            column<double>(f, "/labels/confidence", H5T_IEEE_F64LE, {1, 2, 3});
            column<double>(f, "/jobs/cost", H5T_IEEE_F64LE, {1, 2, 3}); // of two rows
        });
        auto view = openProject(file);
        view.figures[0].specification = "{\"range\":[0,2]}";
        view = saveProject(file, view);
        QCOMPARE(dropsOf(view), std::size_t{3});
        QCOMPARE(numberOf(file, "/figures", "table_version"), 1u);
        QVERIFY(valuesOf<double>(file, "/figures/size", H5T_NATIVE_DOUBLE).empty());
        QCOMPARE(valuesOf<double>(file, "/labels/confidence", H5T_NATIVE_DOUBLE),
                 (std::vector<double>{1, 2, 3}));
        const auto again = openProject(file);
        QCOMPARE(dropsOf(again), std::size_t{3});
        const auto& record = again.provenance.back();
        QVERIFY(record.details.find("\"generation\":\"2\"") != std::string::npos);
        std::vector<std::string> objects;
        for (const auto& one : again.provenance)
            if (one.action == droppedAction)
                objects.push_back(one.object);
        std::sort(objects.begin(), objects.end());
        QCOMPARE(objects, (std::vector<std::string>{"/figures/depth", "/figures/size", "/jobs/cost"}));
        QCOMPARE(dropsOf(saveProject(file, again)), std::size_t{3}); // once
        QVERIFY(!valuesOf<double>(m_folder.path().toStdString() + "/dropped.h5.d/prev/dropped.2.h5",
                                  "/figures/size", H5T_NATIVE_DOUBLE)
                     .empty());
    }

    void whatIsOutsideTheProfileStaysOut() {
        const auto file = newer("profile.h5", [](hid_t f) {
            additions(f);
            const hid_t type = H5Tcopy(H5T_C_S1);
            H5Tset_size(type, H5T_VARIABLE);
            column<const char*>(f, "/circuits/names", type, {"a", "b"});
            const char* word = "x";
            attribute(f, "variable", type, &word);
            H5Tclose(type);
            H5Lcreate_soft("/labels", f, "/shortcut", H5P_DEFAULT, H5P_DEFAULT);
        });
        const auto view = saveProject(file, openProject(file));
        QVERIFY(dropsOf(view) >= 2);
        QVERIFY(valuesOf<std::uint64_t>(file, "/circuits/edges/from", H5T_NATIVE_UINT64).empty());
        QCOMPARE(textsOf(file, "/labels/remark"), (std::vector<std::string>{"ab", "", "cde"}));
        QVERIFY(validateFile(file).sound());
    }

    void aWordThatIsNotKnownIsOneSentence() {
        const auto file = newer("word.h5", [](hid_t f) {
            const hid_t type = H5Tenum_create(H5T_STD_U8LE);
            std::uint8_t value = 0;
            for (const char* name : {"coherent", "garbled", "normal", "hedging"}) {
                H5Tenum_insert(type, name, &value);
                ++value;
            }
            H5Ldelete(f, "/labels/verdict", H5P_DEFAULT);
            column<std::uint8_t>(f, "/labels/verdict", type, {0, 3, 1});
            H5Tclose(type);
        });
        const auto before = bytesOf(file);
        QCOMPARE(codeOf([&] { openProject(file); }), std::string("project.newer"));
        const auto message = messageOf([&] { openProject(file); });
        QVERIFY2(message.find("was written by Azimuth 40.1 in format 99 and says \"hedging\" in "
                              "/labels/verdict") != std::string::npos,
                 message.c_str());
        QVERIFY(bytesOf(file) == before);
    }
};

QTEST_GUILESS_MAIN(NewerTest)
#include "newer_test.moc"
