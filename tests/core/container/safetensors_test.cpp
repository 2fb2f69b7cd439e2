// Safetensors: the writer against bytes of the Python package (safetensors.numpy.save), the reader against
// each broken rule.
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/container/safetensors.h"
#include "tests/core/checks.h"
#include "tests/core/container/sparse_file.h"

#include <cmath>
#include <cstring>
#include <functional>
#include <QTemporaryDir>
#include <QtTest>
#include <sys/stat.h>
#include <unistd.h>

using namespace azimuth;
using azimuth::checks::codeOf;
using azimuth::checks::messageOf;

namespace {

// save({"direction": arange(4, dtype=float32)})
constexpr const char* publishedDirection =
    "40000000000000007b22646972656374696f6e223a7b226474797065223a22463332222c227368617065223a5b345d2c22646174"
    "615f"
    "6f666673657473223a5b302c31365d7d7d20000000000000803f0000004000004040";

// save({"b": int32 [[1,2],[3,4]], "a": float64 [1.5], "c": uint8 [7], "é\"\n": float32 of shape (0, 3), "s":
// float16 1.0 of shape ()}, metadata={"key": "value €/\"\x01"})
constexpr const char* publishedMixture = "48010000000000007b225f5f6d657461646174615f5f223a7b226b6579223a22766"
                                         "16c756520e282ac2f5c225c7530303031227d2c2261223a7b"
                                         "226474797065223a22463634222c227368617065223a5b315d2c22646174615f6f6"
                                         "66673657473223a5b302c385d7d2c22c3a95c225c6e223a7b"
                                         "226474797065223a22463332222c227368617065223a5b302c335d2c22646174615"
                                         "f6f666673657473223a5b382c385d7d2c2262223a7b226474"
                                         "797065223a22493332222c227368617065223a5b322c325d2c22646174615f6f666"
                                         "673657473223a5b382c32345d7d2c2273223a7b2264747970"
                                         "65223a22463136222c227368617065223a5b5d2c22646174615f6f6666736574732"
                                         "23a5b32342c32365d7d2c2263223a7b226474797065223a22"
                                         "5538222c227368617065223a5b315d2c22646174615f6f666673657473223a5b323"
                                         "62c32375d7d7d202020202020000000000000f83f01000000"
                                         "020000000300000004000000003c07";

std::string fromHex(const char* hex) { return QByteArray::fromHex(hex).toStdString(); }

std::string fileOf(const std::string& header, const std::string& data) {
    const std::uint64_t size = header.size();
    return std::string(reinterpret_cast<const char*>(&size), 8) + header + data;
}

SafetensorsFile parse(const std::string& bytes) {
    return SafetensorsFile::parse(std::as_bytes(std::span(bytes.data(), bytes.size())), "file");
}

} // namespace

class TestSafetensors : public QObject {
    Q_OBJECT

    std::string path() const { return m_folder.filePath(QStringLiteral("a.safetensors")).toStdString(); }
    QTemporaryDir m_folder;

private Q_SLOTS:
    // First: later tests raise the peak. The header is as long as the file says, and all of it is there.
    void refusesA300MegabyteHeader() {
        constexpr std::uint64_t header = 301'000'000;
        const auto size = std::string(reinterpret_cast<const char*>(&header), 8);
        QVERIFY(test::writeSparse(path(), size + "{\"a\":\"", header + 8));
        const auto before = test::peakBytes();
        const auto message = checks::messageOf([&] { SafetensorsFile::open(path()); });
        const auto grown = test::peakBytes() - before;
        QVERIFY2(
            message.find("it claims a header of 301000000 bytes, the file has 301000000 more and 100000000 "
                         "are allowed.") != std::string::npos,
            message.c_str());
        qInfo("%llu KiB more", static_cast<unsigned long long>(grown >> 10));
        QVERIFY(grown < (8 << 20));
        QVERIFY(QFile::remove(QString::fromStdString(path())));
    }

    void writesTheBytesOfThePackage() {
        const float direction[] = {0, 1, 2, 3};
        SafetensorsWriter writer(path(), {{"direction", DType::F32, {4}}});
        writer.append("direction", std::span<const float>(direction, 1));
        writer.append("direction", std::span<const float>(direction + 1, 3));
        QVERIFY(!QFile::exists(QString::fromStdString(path()))); // nothing before finish()
        writer.finish();
        QCOMPARE(readFile(path(), 1000), fromHex(publishedDirection));
    }

    void writesAMixtureInAnyOrder() {
        SafetensorsWriter writer(path(),
                                 {{"b", DType::I32, {2, 2}},
                                  {"a", DType::F64, {1}},
                                  {"c", DType::U8, {1}},
                                  {"\xc3\xa9\"\n", DType::F32, {0, 3}},
                                  {"s", DType::F16, {}}},
                                 {{"key", "value \xe2\x82\xac/\"\x01"}});
        const std::int32_t b[] = {1, 2, 3, 4};
        const double a = 1.5;
        const std::uint8_t c = 7;
        const std::uint16_t s = 0x3c00;
        writer.append("c", std::span(&c, 1));
        writer.append("b", std::span<const std::int32_t>(b, 3));
        writer.append("s", std::span(&s, 1));
        writer.append("a", std::span(&a, 1));
        writer.append("b", std::span<const std::int32_t>(b + 3, 1));
        writer.finish();
        QCOMPARE(readFile(path(), 1000), fromHex(publishedMixture));
    }

    void readsTheMixture() {
        const auto bytes = fromHex(publishedMixture);
        const auto file = parse(bytes);
        QCOMPARE(file.tensors().size(), std::size_t{5});
        QVERIFY((file.integers("b") == std::vector<std::int64_t>{1, 2, 3, 4}));
        QVERIFY((file.integers("c") == std::vector<std::int64_t>{7}));
        QVERIFY((file.floats("a", {1}) == std::vector<float>{1.5f}));
        QVERIFY((file.floats("s", {}) == std::vector<float>{1.f}));
        QVERIFY(file.floats("\xc3\xa9\"\n", {-1, 3}).empty());
        QCOMPARE(file.metadata().at("key"), std::string("value \xe2\x82\xac/\"\x01"));
        QCOMPARE(messageOf([&] { file.floats("a", {2}); }),
                 std::string("file: a: expected [2], file has [1]."));
        QCOMPARE(codeOf([&] { file.floats("b", {2, 2}); }), std::string("safetensors.tensor"));
        QCOMPARE(codeOf([&] { file.integers("a"); }), std::string("safetensors.tensor"));
        QCOMPARE(messageOf([&] { file.at("d"); }), std::string("file: there is no tensor named d."));
        QVERIFY(!file.find("d"));
    }

    void readsFromAFile() {
        writeFileAtomically(path(), fromHex(publishedDirection));
        const auto file = SafetensorsFile::open(path());
        QVERIFY((file.floats("direction", {-1}) == std::vector<float>{0, 1, 2, 3}));
        QCOMPARE(::truncate(path().c_str(), 70), 0);
        QCOMPARE(codeOf([&] { file.floats("direction", {-1}); }), std::string("file.changed"));
    }

    void readsBfloat() {
        const auto bytes = fileOf(R"({"x":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}})",
                                  std::string("\x80\x3f\x40\xc0", 4));
        QVERIFY((parse(bytes).floats("x", {2}) == std::vector<float>{1.f, -3.f}));
    }

    void refusesEachBrokenRule_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QString>("part");
        const auto add = [](const char* name, const std::string& bytes, const char* part,
                            const char* code = "safetensors.syntax") {
            QTest::newRow(name) << QByteArray(bytes.data(), static_cast<qsizetype>(bytes.size()))
                                << QString::fromLatin1(code) << QString::fromLatin1(part);
        };
        const std::string x = R"("x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
        const std::string four(4, '\0'), eight(8, '\0');
        add("empty", "", "0 bytes");
        add("header beyond the file", std::string(8, '\x7f'), "claims a header of");
        add("header of 2^64 - 1", std::string(8, '\xff') + "{}", "18446744073709551615");
        add("no brace", fileOf(" {}", ""), "begin with {");
        add("no header", fileOf("", ""), "begin with {");
        add("list", fileOf("[]", ""), "begin with {");
        add("half of the JSON", fileOf("{\"x\":", ""), "", "json.syntax");
        add("name twice", fileOf("{" + x + "," + x + "}", four), "x", "json.duplicate");
        add("deep", fileOf("{\"x\":" + std::string(100, '[') + std::string(100, ']') + "}", ""), "",
            "json.depth");
        add("entry is a number", fileOf(R"({"x":1})", ""), "expected are dtype");
        add("no shape", fileOf(R"({"x":{"dtype":"F32","data_offsets":[0,4]}})", four), "expected are dtype");
        add("one key too many",
            fileOf(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"y":1}})", four),
            "expected are dtype");
        add("unknown dtype", fileOf(R"({"x":{"dtype":"F33","shape":[1],"data_offsets":[0,4]}})", four),
            "F33");
        add("dtype 4", fileOf(R"({"x":{"dtype":4,"shape":[1],"data_offsets":[0,4]}})", four), "dtype 4");
        add("extent -1", fileOf(R"({"x":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", four), "-1");
        add("extent 1.5", fileOf(R"({"x":{"dtype":"F32","shape":[1.5],"data_offsets":[0,4]}})", four), "1.5");
        add("extent 2^63",
            fileOf(R"({"x":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}})", four),
            "63 bits");
        add("product overflow",
            fileOf(R"({"x":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", ""),
            "impossible");
        add("wrong size", fileOf(R"({"x":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}})", four),
            "needs 8 bytes, the header gives 4");
        add("half a byte", fileOf(R"({"x":{"dtype":"F4","shape":[3],"data_offsets":[0,1]}})", "a"),
            "impossible");
        add("end before begin", fileOf(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,0]}})", four),
            "before its begin");
        add("three offsets", fileOf(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4,8]}})", four),
            "two numbers");
        add("hole", fileOf(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}})", eight),
            "begins at 4, expected is 0");
        add("overlap", fileOf("{" + x + R"(,"y":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", eight),
            "begins at 2, expected is 4");
        add("same place", fileOf("{" + x + R"(,"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})", four),
            "begins at 0, expected is 4");
        add("too little data", fileOf("{" + x + "}", "abc"), "take 4 bytes, the file has 3");
        add("too much data", fileOf("{" + x + "}", "abcde"), "take 4 bytes, the file has 5");
        add("metadata is a number", fileOf(R"({"__metadata__":{"a":1}})", ""), "__metadata__");
        add("metadata is a list", fileOf(R"({"__metadata__":["a"]})", ""), "__metadata__");
        add("not UTF-8", fileOf("{\"\xff\":1}", ""), "", "json.utf8");
    }

    void refusesEachBrokenRule() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, code);
        QFETCH(QString, part);
        const auto text = bytes.toStdString();
        QCOMPARE(codeOf([&] { parse(text); }), code.toStdString());
        QVERIFY2(messageOf([&] { parse(text); }).find(part.toStdString()) != std::string::npos,
                 messageOf([&] { parse(text); }).c_str());
    }

    void refusesEveryTruncationAndSurvivesEveryBitFlip() {
        const auto bytes = fromHex(publishedMixture);
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            QVERIFY_THROWS_EXCEPTION(Error, SafetensorsFile::parse(std::as_bytes(std::span(exact)), "file"));
        }
        int refused = 0;
        for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
            std::vector<char> changed(bytes.begin(), bytes.end());
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
            try {
                const auto file = SafetensorsFile::parse(std::as_bytes(std::span(changed)), "file");
                for (const auto& tensor : file.tensors())
                    for (const auto byte : file.data(tensor))
                        refused += byte == std::byte{0xee} ? 0 : 0; // every byte is read
            } catch (const Error&) {
                ++refused;
            }
        }
        QVERIFY(refused > 1000);
    }

    void refusesWrongDeclarations() {
        using Declarations = std::vector<SafetensorsDeclaration>;
        const auto declare = [&](const Declarations& tensors,
                                 const std::map<std::string, std::string>& metadata = {}) {
            return codeOf([&] { SafetensorsWriter writer(path() + ".new", tensors, metadata); });
        };
        const std::string code = "safetensors.declaration";
        QCOMPARE(declare({{"x", DType::F32, {1}}, {"x", DType::F32, {1}}}), code);
        QCOMPARE(declare({{"x", DType::F32, {-1}}}), code);
        QCOMPARE(declare({{"x", DType::F32, {1LL << 40, 1LL << 40}}}), code);
        QCOMPARE(declare({{"__metadata__", DType::F32, {1}}}), code);
        QCOMPARE(declare({{"", DType::F32, {1}}}), code);
        QCOMPARE(declare({{"\xff", DType::F32, {1}}}), code);
        QCOMPARE(declare({{"x", DType::F32, {1}}}, {{"key", "\xff"}}), code);
        QVERIFY(!QFile::exists(QString::fromStdString(path() + ".new")));

        SafetensorsWriter writer(path() + ".new", {{"x", DType::U8, {2}}});
        const std::uint8_t three[] = {1, 2, 3};
        QCOMPARE(codeOf([&] { writer.append("x", std::span<const std::uint8_t>(three)); }),
                 std::string("safetensors.overflow"));
        QCOMPARE(codeOf([&] { writer.append("y", std::span<const std::uint8_t>(three)); }), code);
        QCOMPARE(codeOf([&] { writer.finish(); }), std::string("safetensors.incomplete"));
        QVERIFY(!QFile::exists(QString::fromStdString(path() + ".new")));
    }

    void namesEveryDtype() {
        for (int i = 0; i <= static_cast<int>(DType::U64); ++i)
            QVERIFY(dtypeFromName(dtypeName(static_cast<DType>(i))) == static_cast<DType>(i));
        QCOMPARE(dtypeBits(DType::BF16), 16u);
        QVERIFY(!dtypeFromName("f32"));
    }
};

QTEST_APPLESS_MAIN(TestSafetensors)
#include "safetensors_test.moc"
