// Simulated precisions against numpy, bit for bit: the SHA-256 of what it computes from the same matrices
// (simulated_precision_fixture.json, made by tests/peers/make_simulated_precision_fixture.py).
#include "core/base/json.h"
#include "core/base/sha256.h"
#include "core/engine/checkpoint/checkpoint.h"
#include "core/engine/checkpoint/identity.h"
#include "core/engine/checkpoint/simulated_precision.h"
#include "tests/core/checks.h"
#include "tests/core/engine/checkpoint/tiny_folder.h"

#include <QTemporaryDir>
#include <QtTest>
#include <set>

using namespace azimuth;
using azimuth::checks::codeOf;

namespace {

std::vector<float> valuesOf(std::uint64_t state, std::size_t rows, std::size_t columns) {
    std::vector<float> values(rows * columns);
    for (std::size_t i = 0; i < values.size(); ++i) {
        state ^= state << 13, state ^= state >> 7, state ^= state << 17;
        const auto word = static_cast<std::int64_t>(state >> 32) - (std::int64_t{1} << 31);
        values[i] = static_cast<float>(word) / static_cast<float>(1 << 29);
        if (i / columns % 3 == 1)
            values[i] *= 0.001f;
        if (i / columns % 5 == 2)
            values[i] = 0;
    }
    return values;
}

std::string digestOf(std::vector<float> values) {
    for (auto& value : values)
        value += 0.f; // one zero
    return toHex(sha256(std::as_bytes(std::span(values))));
}

} // namespace

class TestSimulatedPrecision : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void equalsNumpy() {
        const auto fixture = readJsonFile(QFINDTESTDATA("simulated_precision_fixture.json").toStdString());
        std::uint64_t seed = 77;
        for (const auto& row : fixture["matrices"]) {
            const auto height = row["shape"][0].get<std::size_t>(), width = row["shape"][1].get<std::size_t>();
            const auto values = valuesOf(seed++, height, width);
            QCOMPARE(digestOf(values), row["values"].get<std::string>());
            for (const auto precision : {Precision::Int8RtnRow, Precision::Int4RtnG64, Precision::Nf4B64}) {
                auto rounded = values;
                simulate(precision, static_cast<std::int64_t>(width), rounded);
                QVERIFY2(digestOf(rounded) == row[toString(precision)].get<std::string>(),
                         qPrintable(QStringLiteral("%1 of %2 x %3")
                                        .arg(QString::fromStdString(toString(precision)))
                                        .arg(height)
                                        .arg(width)));
            }
        }
        for (std::size_t i = 0; i < 16; ++i) // the published codebook is the one the paper defines
            QVERIFY(std::fabs(double{nf4Codebook[i]} - fixture["codebook"][i].get<double>()) < 1e-6);
    }

    void keepsItsBounds() {
        const auto values = valuesOf(5, 40, 192);
        auto int8 = values, int4 = values, nf4 = values;
        simulate(Precision::Int8RtnRow, 192, int8);
        simulate(Precision::Int4RtnG64, 192, int4);
        simulate(Precision::Nf4B64, 192, nf4);
        for (std::size_t row = 0; row < 40; ++row) {
            const auto part = std::span(values).subspan(row * 192, 192);
            float largest = 0;
            for (const float value : part)
                largest = std::max(largest, std::fabs(value));
            std::set<float> levels;
            for (std::size_t i = 0; i < 192; ++i) {
                const auto at = row * 192 + i;
                QVERIFY(std::fabs(int8[at] - values[at]) <= largest / 254 * 1.0001f);
                QVERIFY(std::fabs(int4[at] - values[at]) <= 2 * largest / 15 * 1.0001f);
                QVERIFY(std::fabs(nf4[at] - values[at]) <= 0.1520f * largest);
                if (i < 64)
                    levels.insert(int4[at]);
            }
            QVERIFY(levels.size() <= 16);
        }
    }

    void doesNotChangeWhatIsRounded() {
        for (const auto precision : {Precision::Int8RtnRow, Precision::Nf4B64}) {
            auto once = valuesOf(9, 8, 128);
            simulate(precision, 128, once);
            auto twice = once;
            simulate(precision, 128, twice);
            QVERIFY(std::ranges::equal(once, twice, [](float a, float b) { return std::fabs(a - b) <= 1e-6f; }));
        }
        QCOMPARE(codeOf([] { simulate(Precision::Fp32, 1, {}); }), std::string("checkpoint.precision"));
    }

    void roundsTheLinearLayersOfACheckpoint() {
        const QTemporaryDir folder;
        const auto path = folder.filePath(QStringLiteral("tiny")).toStdString();
        test::tinyLlama("model.", false).write(path);
        const auto plain = Checkpoint::open(path).loadAll(at::kFloat);
        DigestCache cache(folder.filePath(QStringLiteral("digests.json")).toStdString());
        std::set<std::string> identities;
        for (const auto precision :
             {Precision::Fp32, Precision::Int8RtnRow, Precision::Int4RtnG64, Precision::Nf4B64}) {
            const auto checkpoint = Checkpoint::open(path, precision);
            QCOMPARE(scalarType(precision), at::kFloat);
            const auto weights = checkpoint.loadAll(at::kFloat);
            QCOMPARE(weights.size(), plain.size());
            std::size_t rounded = 0;
            for (const auto& [name, tensor] : weights) {
                const auto count = static_cast<std::size_t>(tensor.numel());
                const auto& before = plain.at(name);
                std::vector<float> expected(before.const_data_ptr<float>(),
                                            before.const_data_ptr<float>() + count);
                if (precision != Precision::Fp32 && tensor.dim() == 2 && name.starts_with("blocks.")) {
                    simulate(precision, tensor.sizes().back(), expected);
                    ++rounded;
                }
                const std::span<const float> values(tensor.const_data_ptr<float>(), count);
                QVERIFY2(std::ranges::equal(values, expected), name.c_str());
            }
            QCOMPARE(rounded, std::size_t(precision == Precision::Fp32 ? 0 : 14));
            const auto model = describe(checkpoint, precision, cache);
            QVERIFY(identities.insert(model.identity).second);
            QCOMPARE(model.memoryBytes, static_cast<std::uint64_t>(4 * model.parameters));
        }
        const auto checkpoint = Checkpoint::open(path, Precision::Nf4B64);
        QCOMPARE(codeOf([&] { checkpoint.loadAll(at::kBFloat16); }), std::string("checkpoint.precision"));
    }
};

QTEST_APPLESS_MAIN(TestSimulatedPrecision)
#include "simulated_precision_test.moc"
