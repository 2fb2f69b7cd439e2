// GGUF reader: values and tensors read back, each rule of the format broken once, and damaged files by the
// thousand.
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/container/gguf_file.h"
#include "tests/core/checks.h"
#include "tests/core/container/gguf_builder.h"
#include "tests/core/container/sparse_file.h"

#include <limits>
#include <QTemporaryDir>
#include <QtTest>
#include <sys/stat.h>
#include <unistd.h>

using namespace azimuth;
using azimuth::test::bytesOf;
using azimuth::test::GgufBuilder;

namespace {

GgufBuilder sample() {
    GgufBuilder builder;
    builder.string("general.architecture", "llama");
    builder.entry("a.u8", GgufValueType::U8, GgufBuilder::raw(std::uint8_t{255}));
    builder.entry("a.i8", GgufValueType::I8, GgufBuilder::raw(std::int8_t{-128}));
    builder.entry("a.u16", GgufValueType::U16, GgufBuilder::raw(std::uint16_t{65535}));
    builder.entry("a.i16", GgufValueType::I16, GgufBuilder::raw(std::int16_t{-32768}));
    builder.u32("a.u32", 4'000'000'000u);
    builder.entry("a.i32", GgufValueType::I32, GgufBuilder::raw(std::int32_t{-2}));
    builder.entry("a.u64", GgufValueType::U64, GgufBuilder::raw(std::uint64_t{1} << 63));
    builder.entry("a.i64", GgufValueType::I64, GgufBuilder::raw(std::int64_t{-5}));
    builder.f32("a.f32", 0.5f);
    builder.entry("a.f64", GgufValueType::F64, GgufBuilder::raw(0.1));
    builder.boolean("a.bool", true);
    builder.strings("a.texts", {"one", "", "drei \xe2\x82\xac"});
    builder.numbers<float>("a.floats", GgufValueType::F32, {1.5f, -2.f});
    builder.numbers<std::int32_t>("a.ints", GgufValueType::I32, {-1, 7});
    builder.floats("first", {2, 3}, {0, 1, 2, 3, 4, 5});
    builder.tensor("second", GgufType::Q8_0, {2, 32}, std::string(68, '\1'));
    builder.tensor("third", GgufType{77}, {5, 7}, std::string(40, '\2'));
    return builder;
}

QString codeOf(const std::string& bytes) {
    try {
        GgufFile::parse(bytesOf(bytes), "file");
        return QStringLiteral("read");
    } catch (const Error& error) {
        return QString::fromStdString(error.code());
    }
}

QString messageOf(const std::string& bytes) {
    try {
        GgufFile::parse(bytesOf(bytes), "file");
    } catch (const Error& error) {
        return QString::fromStdString(error.message());
    }
    return QStringLiteral("read");
}

// Touches everything that a caller could: must not read outside of the bytes (the sanitizers look on).
void useEverything(const GgufFile& file) {
    std::uint64_t sum = 0;
    for (const auto& tensor : file.tensors())
        for (const auto byte : file.data(tensor))
            sum += static_cast<std::uint64_t>(byte);
    for (const auto& entry : file.entries())
        if (const auto* array = std::get_if<GgufArray>(&entry.value.value)) {
            if (array->elementType == GgufValueType::Text)
                for (const auto text : ggufTexts(*array))
                    for (const char c : text)
                        sum += static_cast<unsigned char>(c);
            else if (array->elementType == GgufValueType::F32 || array->elementType == GgufValueType::F64)
                sum += ggufNumbers(*array).size();
            else
                try {
                    sum += ggufIntegers(*array).size();
                } catch (const Error&) { // a u64 beyond 63 bits
                }
        }
    volatile auto kept = sum;
    (void)kept;
}

} // namespace

class TestGgufFile : public QObject {
    Q_OBJECT
private Q_SLOTS:
    // First: later tests raise the peak. Metadata of 300 MB that are really there: one text, an array of
    // numbers, an array of texts.
    void refusesHugeMetadata_data() {
        QTest::addColumn<QByteArray>("beginning");
        const auto row = [](const char* name, GgufValueType type, const std::string& value) {
            const auto raw = [](std::uint32_t number) { return GgufBuilder::raw(number); };
            const auto bytes = "GGUF" + raw(3) + GgufBuilder::raw(std::uint64_t{0}) +
                               GgufBuilder::raw(std::uint64_t{1}) + GgufBuilder::text("llama.long") +
                               raw(static_cast<std::uint32_t>(type)) + value;
            QTest::newRow(name) << QByteArray::fromStdString(bytes);
        };
        const auto array = [](GgufValueType element, std::uint64_t count) {
            return GgufBuilder::raw(static_cast<std::uint32_t>(element)) + GgufBuilder::raw(count);
        };
        row("text", GgufValueType::Text, GgufBuilder::raw(std::uint64_t{301'000'000}));
        row("numbers", GgufValueType::Array, array(GgufValueType::U8, 301'000'000));
        row("texts", GgufValueType::Array, array(GgufValueType::Text, 301'000'000 / 8));
    }
    void refusesHugeMetadata() {
        QFETCH(QByteArray, beginning);
        const QTemporaryDir folder;
        const auto path = folder.filePath(QStringLiteral("huge.gguf")).toStdString();
        QVERIFY(test::writeSparse(path, beginning.toStdString(), 302'000'000));
        const auto before = test::peakBytes();
        const auto message = checks::messageOf([&] { GgufFile::open(path); });
        const auto grown = test::peakBytes() - before;
        QVERIFY2(message.find("llama.long ends beyond the 100000000 bytes that a header may have.") !=
                     std::string::npos,
                 message.c_str());
        qInfo("%llu KiB more", static_cast<unsigned long long>(grown >> 10));
        QVERIFY(grown < (8 << 20));
    }

    void readsValues() {
        const auto bytes = sample().bytes();
        const auto file = GgufFile::parse(bytesOf(bytes), "file");
        QCOMPARE(file.version(), 3u);
        QCOMPARE(file.entries().size(), std::size_t{15});
        QCOMPARE(*file.text("general.architecture"), std::string("llama"));
        QCOMPARE(*file.integer("a.u8", 0, 1000), 255);
        QCOMPARE(*file.integer("a.i8", -1000, 1000), -128);
        QCOMPARE(*file.integer("a.u16", 0, 100000), 65535);
        QCOMPARE(*file.integer("a.i16", -100000, 1000), -32768);
        QCOMPARE(*file.integer("a.u32", 0, std::int64_t{1} << 40), std::int64_t{4'000'000'000});
        QCOMPARE(*file.integer("a.i32", -10, 10), -2);
        QCOMPARE(*file.integer("a.i64", -10, 10), -5);
        QCOMPARE(*file.number("a.f32"), 0.5);
        QCOMPARE(*file.number("a.f64"), 0.1);
        QCOMPARE(*file.number("a.i32"), -2.0);
        QVERIFY(*file.boolean("a.bool"));
        const std::vector<std::string_view> texts{"one", "", "drei \xe2\x82\xac"};
        QVERIFY(*file.texts("a.texts") == texts);
        QVERIFY((*file.floats("a.floats") == std::vector<float>{1.5f, -2.f}));
        QVERIFY((*file.integers("a.ints") == std::vector<std::int64_t>{-1, 7}));
        QVERIFY(!file.integer("missing", 0, 1) && !file.number("missing") && !file.boolean("missing") &&
                !file.text("missing") && !file.texts("missing") && !file.find("missing"));
    }

    void refusesOtherTypes() {
        const auto bytes = sample().bytes();
        const auto file = GgufFile::parse(bytesOf(bytes), "file");
        QVERIFY_THROWS_EXCEPTION(Error, file.integer("a.f32", 0, 10));
        QVERIFY_THROWS_EXCEPTION(Error, file.integer("a.u64", 0, std::numeric_limits<std::int64_t>::max()));
        QVERIFY_THROWS_EXCEPTION(Error, file.integer("a.u8", 0, 254));
        QVERIFY_THROWS_EXCEPTION(Error, file.integer("a.bool", 0, 10));
        QVERIFY_THROWS_EXCEPTION(Error, file.boolean("a.u8"));
        QVERIFY_THROWS_EXCEPTION(Error, file.text("a.u8"));
        QVERIFY_THROWS_EXCEPTION(Error, file.texts("a.floats"));
        QVERIFY_THROWS_EXCEPTION(Error, file.floats("a.texts"));
        QVERIFY_THROWS_EXCEPTION(Error, file.integers("a.floats"));
        try {
            file.integer("a.u8", 0, 254);
        } catch (const Error& error) {
            QCOMPARE(error.code(), std::string("gguf.metadata"));
            QCOMPARE(error.message(), std::string("file: a.u8: is 255, allowed are 0 to 254."));
        }
    }

    void placesTensors() {
        const auto bytes = sample().bytes();
        const auto file = GgufFile::parse(bytesOf(bytes), "file");
        QCOMPARE(file.tensors().size(), std::size_t{3});
        const auto& first = *file.findTensor("first");
        QVERIFY((first.shape == std::vector<std::int64_t>{2, 3}));
        QCOMPARE(first.bytes, std::uint64_t{24});
        QCOMPARE(first.offset % 32, std::uint64_t{0});
        float values[6];
        std::memcpy(values, file.data(first).data(), sizeof values);
        QCOMPARE(values[5], 5.f);
        const auto& second = *file.findTensor("second");
        QCOMPARE(second.offset, first.offset + 32);
        QCOMPARE(second.bytes, std::uint64_t{68});
        const auto& third = *file.findTensor("third"); // listed although nobody knows its type
        QCOMPARE(ggufTypeName(third.type), std::string("type 77"));
        QCOMPARE(third.bytes, std::uint64_t{64}); // to the end of the file, padding included
        QVERIFY(!file.findTensor("fourth"));
    }

    void readsAFileAndNoticesChange() {
        QTemporaryDir folder;
        const auto path = folder.filePath(QStringLiteral("a.gguf")).toStdString();
        writeFileAtomically(path, sample().bytes());
        const auto file = GgufFile::open(path);
        QCOMPARE(file.tensors().size(), std::size_t{3});
        file.mapping()->checkUnchanged();
        file.mapping()->announce(file.data(file.tensors()[0]));
        file.mapping()->release(file.mapping()->bytes());
        QCOMPARE(static_cast<char>(file.mapping()->bytes()[0]), 'G'); // comes back from the file
        QCOMPARE(::truncate(path.c_str(), 4096 * 4), 0);
        try {
            file.mapping()->checkUnchanged();
            QFAIL("the change was not seen");
        } catch (const Error& error) {
            QCOMPARE(error.code(), std::string("file.changed"));
        }
        QVERIFY_THROWS_EXCEPTION(Error, GgufFile::open(folder.path().toStdString()));
        QVERIFY_THROWS_EXCEPTION(Error, GgufFile::open(path + ".none"));
        const auto pipe = folder.filePath(QStringLiteral("pipe")).toStdString();
        QCOMPARE(::mkfifo(pipe.c_str(), 0600), 0);
        QVERIFY_THROWS_EXCEPTION(Error, GgufFile::open(pipe)); // at once, not when a writer comes
        writeFileAtomically(path, "");
        QVERIFY_THROWS_EXCEPTION(Error, GgufFile::open(path));
    }

    void refusesEachBrokenRule_data() {
        QTest::addColumn<QByteArray>("bytes");
        QTest::addColumn<QString>("code");
        QTest::addColumn<QString>("part");
        const auto add = [](const char* name, const std::string& bytes, const char* code, const char* part) {
            QTest::newRow(name) << QByteArray(bytes.data(), static_cast<qsizetype>(bytes.size()))
                                << QString::fromLatin1(code) << QString::fromLatin1(part);
        };
        const auto with = [](const std::function<void(GgufBuilder&)>& change) {
            auto builder = sample();
            change(builder);
            return builder.bytes();
        };
        constexpr auto lie = std::uint64_t{1} << 63;
        add("empty", "", "gguf.syntax", "magic");
        add("other magic", "PK\3\4" + std::string(100, '\0'), "gguf.magic", "expected is \"GGUF\"");
        add("version 1", with([](auto& b) { b.version = 1; }), "gguf.version", "version 1");
        add("version 4", with([](auto& b) { b.version = 4; }), "gguf.version", "version 4");
        add("big-endian", with([](auto& b) { b.version = 0x03000000; }), "gguf.version", "big-endian");
        add("2^63 tensors", with([](auto& b) { b.tensorCount = lie; }), "gguf.syntax",
            "9223372036854775808 tensors");
        add("2^63 keys", with([](auto& b) { b.entryCount = lie; }), "gguf.syntax",
            "9223372036854775808 metadata keys");
        add("one key too many", with([](auto& b) { b.entryCount += 1; }), "gguf.syntax", "");
        add("one tensor too many", with([](auto& b) { b.tensorCount = 4; }), "gguf.syntax", "");
        add("key twice", with([](auto& b) { b.u32("a.u8", 1); }), "gguf.syntax", "a.u8 is there twice");
        add("empty key", with([](auto& b) { b.u32("", 1); }), "gguf.syntax", "empty");
        add("long key", with([](auto& b) { b.u32(std::string(70'000, 'k'), 1); }), "gguf.syntax",
            "70000 bytes");
        add("bool 2", with([](auto& b) { b.entry("x", GgufValueType::Bool, "\2"); }), "gguf.syntax",
            "bool is 2");
        add("value type 13", with([](auto& b) { b.entry("x", GgufValueType{13}, "1234"); }), "gguf.syntax",
            "type 13");
        add("element type 99", with([](auto& b) { b.array("x", GgufValueType{99}, 1, "1234"); }),
            "gguf.syntax", "99");
        add("nested array", with([](auto& b) { b.array("x", GgufValueType::Array, 1, "1234"); }),
            "gguf.syntax", "array of arrays");
        for (const auto type : {GgufValueType::U8, GgufValueType::F64, GgufValueType::Text})
            add(("2^63 elements " + std::string(ggufValueTypeName(type))).c_str(),
                with([&](auto& b) { b.array("x", type, lie, ""); }), "gguf.syntax",
                "9223372036854775808 elements");
        add("text of 2^64 - 1",
            with([](auto& b) { b.entry("x", GgufValueType::Text, std::string(8, '\xff')); }), "gguf.syntax",
            "18446744073709551615");
        add("alignment 24", with([](auto& b) { b.u32("general.alignment", 24); }), "gguf.syntax",
            "power of two");
        add("alignment 0", with([](auto& b) { b.u32("general.alignment", 0); }), "gguf.metadata",
            "general.alignment");
        add("alignment 2 MiB", with([](auto& b) { b.u32("general.alignment", 2u << 20); }), "gguf.metadata",
            "1048576");
        add("alignment as text", with([](auto& b) { b.string("general.alignment", "32"); }), "gguf.metadata",
            "string");
        add("tensor twice", with([](auto& b) { b.floats("first", {1}, {1}); }), "gguf.syntax",
            "first is there twice");
        add("no name", with([](auto& b) { b.floats("", {1}, {1}); }), "gguf.syntax", "empty");
        add("extent 0", with([](auto& b) { b.floats("x", {0, 4}, {}); }), "gguf.syntax", "extent 0");
        add("extent -1", with([](auto& b) { b.floats("x", {-1, 4}, {}); }), "gguf.syntax", "extent -1");
        add("five axes", with([](auto& b) { b.floats("x", {1, 1, 1, 1, 1}, {1}); }), "gguf.syntax", "5 axes");
        add("no axes", with([](auto& b) { b.floats("x", {}, {1}); }), "gguf.syntax", "0 axes");
        add("elements overflow", with([](auto& b) {
                b.floats("x", {1LL << 32, 1LL << 32}, {1});
            }),
            "gguf.syntax", "beyond 64 bits");
        add("bytes overflow", with([](auto& b) {
                b.floats("x", {1LL << 31, 1LL << 31}, {1});
            }),
            "gguf.syntax", "");
        add("larger than the file", with([](auto& b) {
                b.floats("x", {1000, 1000}, {1});
            }),
            "gguf.syntax", "needs 4000000 bytes");
        add("half a block", with([](auto& b) {
                b.tensor("x", GgufType::Q4_K, {4, 255}, "");
            }),
            "gguf.syntax", "blocks of 256");
    }

    void refusesEachBrokenRule() {
        QFETCH(QByteArray, bytes);
        QFETCH(QString, code);
        QFETCH(QString, part);
        const auto text = bytes.toStdString();
        QCOMPARE(codeOf(text), code);
        QVERIFY2(messageOf(text).contains(part), qPrintable(messageOf(text)));
    }

    void refusesHolesAndOverlap() {
        auto builder = sample();
        const auto bytes = builder.bytes();
        const auto second = bytes.find("second");
        const auto offsetAt = second + 6 + 4 + 2 * 8 + 4;
        for (const std::uint64_t offset :
             {std::uint64_t{0}, std::uint64_t{31}, std::uint64_t{64}, ~std::uint64_t{31}}) {
            auto changed = bytes;
            std::memcpy(changed.data() + offsetAt, &offset, 8);
            QCOMPARE(codeOf(changed), QStringLiteral("gguf.syntax"));
        }
    }

    void theArrayOf2To63ElementsIn43Bytes() {
        const auto bytes = "GGUF" + GgufBuilder::raw(3u) + GgufBuilder::raw(std::uint64_t{0}) +
                           GgufBuilder::raw(std::uint64_t{1}) + GgufBuilder::raw(std::uint64_t{1}) + "k" +
                           GgufBuilder::raw(9u) + GgufBuilder::raw(0u) +
                           GgufBuilder::raw(std::uint64_t{1} << 63);
        QCOMPARE(bytes.size(), std::size_t{49});
        QCOMPARE(codeOf(bytes), QStringLiteral("gguf.syntax"));
        QCOMPARE(codeOf(bytes.substr(0, 43)), QStringLiteral("gguf.syntax"));
    }

    // Every prefix is refused: the last tensor of a known type ends at the last byte.
    void refusesEveryTruncation() {
        GgufBuilder builder;
        builder.string("general.architecture", "llama");
        builder.strings("a.texts", {"one", "two"});
        builder.numbers<float>("a.floats", GgufValueType::F32, {1.5f, -2.f});
        builder.floats("first", {2, 3}, {0, 1, 2, 3, 4, 5});
        builder.floats("second", {8}, {0, 1, 2, 3, 4, 5, 6, 7});
        const auto bytes = builder.bytes();
        QCOMPARE(codeOf(bytes), QStringLiteral("read"));
        for (std::size_t size = 0; size < bytes.size(); ++size) {
            const std::vector<char> exact(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size));
            try {
                GgufFile::parse(std::as_bytes(std::span(exact)), "file");
                QFAIL(qPrintable(QStringLiteral("read at %1 of %2 bytes").arg(size).arg(bytes.size())));
            } catch (const Error& error) {
                QVERIFY(!error.message().empty());
            }
        }
    }

    // Every single bit of the header flipped: an error, or a file whose every part lies inside.
    void survivesEveryBitFlip() {
        const auto builder = sample();
        const auto bytes = builder.bytes();
        int refused = 0;
        for (std::size_t bit = 0; bit < builder.headerBytes * 8; ++bit) {
            std::vector<char> changed(bytes.begin(), bytes.end());
            changed[bit / 8] = static_cast<char>(changed[bit / 8] ^ (1 << (bit % 8)));
            try {
                useEverything(GgufFile::parse(std::as_bytes(std::span(changed)), "file"));
            } catch (const Error&) {
                ++refused;
            }
        }
        QVERIFY(refused > 1000);
    }

    // Random bytes over random places of the header.
    void survivesNoise() {
        const auto builder = sample();
        const auto bytes = builder.bytes();
        std::uint64_t state = 88172645463325252u;
        const auto random = [&] {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            return state;
        };
        for (int round = 0; round < 4000; ++round) {
            std::vector<char> changed(bytes.begin(),
                                      bytes.end() - static_cast<std::ptrdiff_t>(random() % 100));
            for (std::uint64_t i = 0; i < 1 + random() % 12; ++i) {
                const auto value = random();
                const auto at = random() % builder.headerBytes;
                std::memcpy(changed.data() + at, &value,
                            std::min<std::size_t>(1 + value % 8, builder.headerBytes - at));
            }
            try {
                useEverything(GgufFile::parse(std::as_bytes(std::span(changed)), "file"));
            } catch (const Error&) {
            }
        }
    }

    void namesTypes() {
        QCOMPARE(ggufTypeName(GgufType::Q4_K), std::string("Q4_K"));
        QCOMPARE(ggufTypeName(GgufType{31}), std::string("type 31"));
        QCOMPARE(ggufFileTypeName(15), std::string("Q4_K_M"));
        QCOMPARE(ggufFileTypeName(999), std::string());
        QVERIFY(!ggufBlock(GgufType{5}));
    }
};

QTEST_APPLESS_MAIN(TestGgufFile)
#include "gguf_file_test.moc"
