// How numbers are written in the window: a minus sign that is one, ranges with "to", fixed significant
// digits.
#pragma once

#include <QString>
#include <vector>

namespace azimuth {

// `significant` digits (3 in tables, 4 in readouts), no exponent from 1e-4 to 1e7; "−" for negative
// numbers; "not a number" never appears: NaN is an empty text, the infinities "∞" and "−∞".
QString formatNumber(double value, int significant = 3);
// `decimals` places after the point: columns whose points line up.
QString formatFixed(double value, int decimals);
// "0.50 to 0.89"
QString formatRange(double low, double high, int decimals);
// A fraction as "97 %", rounded to whole percent.
QString formatPercent(double fraction);

// 3 to `most` round values inside [low, high] (steps 1, 2, 2.5 or 5 times a power of ten), ascending; 0
// among them where the range holds it. Empty unless low < high.
std::vector<double> niceTicks(double low, double high, int most = 5);
// A tick with just the decimals that it needs: "0", "0.5", "−1", "0.25".
QString formatTick(double tick);

} // namespace azimuth
