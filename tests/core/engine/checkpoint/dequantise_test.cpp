// Block dequantisation against the gguf package: the SHA-256 of the package's values for the same random
// blocks (dequantise_fixture.json, made by tests/peers/make_dequantise_fixture.py). One bit wrong in 600
// blocks is seen.
#include "core/base/json.h"
#include "core/base/sha256.h"
#include "core/container/half.h"
#include "core/engine/checkpoint/dequantise.h"
#include "tests/core/checks.h"

#include <limits>
#include <QtTest>

using namespace azimuth;
using azimuth::checks::codeOf;

namespace {

// The generator of the fixture's script.
std::vector<std::byte> randomBytes(std::uint64_t seed, std::size_t count) {
    std::vector<std::byte> out(count);
    for (auto& byte : out) {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        byte = static_cast<std::byte>(seed >> 32 & 0xff);
    }
    return out;
}

struct Row {
    const char* name;
    GgufType type;
    std::vector<std::size_t> halves; // byte offsets inside a block
};

const std::vector<Row> rows{
    {"F16", GgufType::F16, {0}},      {"BF16", GgufType::BF16, {0}},    {"Q4_0", GgufType::Q4_0, {0}},
    {"Q4_1", GgufType::Q4_1, {0, 2}}, {"Q5_0", GgufType::Q5_0, {0}},    {"Q5_1", GgufType::Q5_1, {0, 2}},
    {"Q8_0", GgufType::Q8_0, {0}},    {"Q4_K", GgufType::Q4_K, {0, 2}}, {"Q5_K", GgufType::Q5_K, {0, 2}},
    {"Q6_K", GgufType::Q6_K, {208}},  {"Q2_K", GgufType::Q2_K, {80, 82}}, {"Q3_K", GgufType::Q3_K, {108}},
};

std::vector<std::byte> blocksOf(const Row& row, std::size_t count) {
    const auto size = ggufBlock(row.type)->bytes;
    auto bytes = randomBytes(1000 + static_cast<std::uint64_t>(row.type), count * size);
    for (std::size_t block = 0; block < count; ++block)
        for (const auto at : row.halves)
            bytes[block * size + at + 1] &= std::byte{0xbf};
    return bytes;
}

} // namespace

class TestDequantise : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void equalsThePackage_data() {
        QTest::addColumn<int>("index");
        for (std::size_t i = 0; i < rows.size(); ++i)
            QTest::newRow(rows[i].name) << static_cast<int>(i);
    }

    void equalsThePackage() {
        QFETCH(int, index);
        const auto& row = rows[static_cast<std::size_t>(index)];
        const auto fixture = readJsonFile(QFINDTESTDATA("dequantise_fixture.json").toStdString());
        const auto blocks = fixture["blocks"].get<std::size_t>();
        std::vector<float> values(blocks * ggufBlock(row.type)->elements);
        dequantise(row.type, blocksOf(row, blocks), values);
        QCOMPARE(toHex(sha256(std::as_bytes(std::span(values)))),
                 fixture["types"][row.name].get<std::string>());
    }

    // Reads and writes exactly its blocks, from any address: what lies around stays as it was (and sanitizers
    // look on).
    void staysInsideItsBlocks() {
        for (const auto& row : rows) {
            const auto block = *ggufBlock(row.type);
            for (std::size_t count = 0; count < 4; ++count) {
                const auto aligned = blocksOf(row, count);
                std::vector<std::byte> shifted(aligned.size() + 1);
                std::ranges::copy(aligned, shifted.begin() + 1);
                std::vector<float> plain(count * block.elements), guarded(count * block.elements + 2, -7.f);
                dequantise(row.type, aligned, plain);
                dequantise(row.type, std::span(shifted).subspan(1),
                           std::span(guarded).subspan(1, count * block.elements));
                QCOMPARE(guarded.front(), -7.f);
                QCOMPARE(guarded.back(), -7.f);
                QVERIFY(std::ranges::equal(plain, std::span(guarded).subspan(1, plain.size())));
            }
        }
    }

    void copiesFloats() {
        const std::vector<float> values{1.f, -2.5f, 1e-40f};
        std::vector<float> out(3);
        dequantise(GgufType::F32, std::as_bytes(std::span(values)), out);
        QVERIFY(out == values);
    }

    void refusesSizesAndTypes() {
        std::vector<std::byte> bytes(1000);
        std::vector<float> values(256);
        QCOMPARE(codeOf([&] { dequantise(GgufType::Q4_K, std::span(bytes).first(143), values); }),
                 std::string("checkpoint.size"));
        QCOMPARE(codeOf([&] { dequantise(GgufType::Q4_K, std::span(bytes).first(145), values); }),
                 std::string("checkpoint.size"));
        QCOMPARE(codeOf([&] {
                     dequantise(GgufType::Q4_K, std::span(bytes).first(144), std::span(values).first(255));
                 }),
                 std::string("checkpoint.size"));
        for (const auto type : {GgufType::Q8_K, GgufType::I32, GgufType{16}, GgufType{23}, GgufType{77}}) {
            QCOMPARE(codeOf([&] { dequantise(type, bytes, values); }), std::string("checkpoint.type"));
            QVERIFY(!canDequantise(type));
        }
        QVERIFY(azimuth::checks::messageOf([&] {
                    dequantise(GgufType{16}, bytes, values);
                }).find("IQ2_XXS") != std::string::npos);
    }

    void findsWhatIsNotFinite() {
        for (const std::size_t size : {1u, 7u, 16u, 33u, 1000u})
            for (const float bad :
                 {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                  std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::quiet_NaN()})
                for (std::size_t at = 0; at < size; at += 1 + size / 5) {
                    std::vector<float> values(size, -std::numeric_limits<float>::max());
                    QVERIFY(allFinite(values));
                    values[at] = bad;
                    QVERIFY(!allFinite(values));
                }
        QVERIFY(allFinite({}));
    }

    void addsAndRounds() {
        std::vector<float> values(100);
        for (std::size_t i = 0; i < values.size(); ++i)
            values[i] = static_cast<float>(i) / 7;
        const auto before = values;
        addToAll(values, -1);
        std::vector<std::uint16_t> rounded(values.size());
        roundToBfloat(values, rounded.data());
        for (std::size_t i = 0; i < values.size(); ++i) {
            QCOMPARE(values[i], before[i] - 1);
            QCOMPARE(rounded[i], floatToBfloat(values[i]));
        }
    }
};

QTEST_APPLESS_MAIN(TestDequantise)
#include "dequantise_test.moc"
