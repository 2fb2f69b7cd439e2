// 16-bit floats against their definition: sign, exponent and fraction put together with ldexp.
#include "core/container/half.h"

#include <bit>
#include <cmath>
#include <QtTest>

using namespace azimuth;

namespace {

double valueOf(std::uint16_t half) {
    const double sign = half & 0x8000 ? -1 : 1;
    const int exponent = (half >> 10) & 31, fraction = half & 1023;
    return sign * (exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024 + fraction, exponent - 25));
}

} // namespace

class TestHalf : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void widensEveryHalf() {
        for (std::uint32_t bits = 0; bits < 65536; ++bits) {
            const auto half = static_cast<std::uint16_t>(bits);
            const float value = halfToFloat(half);
            QCOMPARE(std::signbit(value), (half & 0x8000) != 0);
            if ((half & 0x7c00) != 0x7c00)
                QVERIFY2(static_cast<double>(value) == valueOf(half), qPrintable(QString::number(half, 16)));
            else if (half & 1023)
                QVERIFY(std::isnan(value));
            else
                QVERIFY(std::isinf(value));
        }
    }

    // The nearest of the two neighbours; the even one where both are as near. Exponents around every
    // boundary.
    void roundsToTheNearestBfloat() {
        for (std::uint32_t high = 0; high < 65536; high += 7)
            for (const std::uint32_t low : {0u, 1u, 0x7fffu, 0x8000u, 0x8001u, 0xffffu}) {
                const auto value = std::bit_cast<float>(high << 16 | low);
                const auto rounded = floatToBfloat(value);
                if (std::isnan(value)) {
                    QVERIFY(std::isnan(bfloatToFloat(rounded)));
                    continue;
                }
                if (std::isinf(value)) {
                    QCOMPARE(bfloatToFloat(rounded), value);
                    continue;
                }
                const auto below = static_cast<std::uint16_t>(high),
                           above = static_cast<std::uint16_t>(high + 1);
                const auto magnitude = [](std::uint16_t bits) { // infinity counts as the next power of two
                    return (bits & 0x7fff) == 0x7f80 ? std::ldexp(1.0, 128)
                                                     : std::fabs(double{bfloatToFloat(bits)});
                };
                const double toBelow = std::fabs(double{value}) - magnitude(below);
                const double toAbove = magnitude(above) - std::fabs(double{value});
                const auto expected =
                    toBelow < toAbove || (toBelow == toAbove && below % 2 == 0) ? below : above;
                QCOMPARE(rounded, expected);
            }
    }
};

QTEST_APPLESS_MAIN(TestHalf)
#include "half_test.moc"
