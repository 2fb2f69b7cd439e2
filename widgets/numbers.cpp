#include "widgets/numbers.h"

#include "core/base/units.h"

#include <cmath>

namespace azimuth {

namespace {

QString withMinus(QString text) {
    if (text.startsWith(QLatin1Char('-'))) {
        bool zero = true;
        for (const QChar c : text) {
            zero = zero && !(c >= QLatin1Char('1') && c <= QLatin1Char('9'));
        }
        text.remove(0, 1);
        if (!zero) {
            text.prepend(QChar(0x2212));
        }
    }
    return text;
}

QString special(double value) {
    if (std::isnan(value)) {
        return {};
    }
    return value > 0 ? QStringLiteral("∞") : QStringLiteral("−∞");
}

} // namespace

QString formatNumber(double value, int significant) {
    return std::isfinite(value) ? QString::fromStdString(numberText(value, significant)) : special(value);
}

QString formatFixed(double value, int decimals) {
    return std::isfinite(value) ? withMinus(QString::number(value, 'f', decimals)) : special(value);
}

QString formatRange(double low, double high, int decimals) {
    return formatFixed(low, decimals) + QStringLiteral(" to ") + formatFixed(high, decimals);
}

QString formatPercent(double fraction) {
    return std::isfinite(fraction) ? QString::fromStdString(percentText(fraction)) : QString();
}

std::vector<double> niceTicks(double low, double high, int most) {
    if (!(low < high) || !std::isfinite(low) || !std::isfinite(high)) {
        return {};
    }
    const double raw = (high - low) / std::max(1, most - 1);
    double power = std::pow(10.0, std::floor(std::log10(raw)));
    for (;; power *= 10) {
        for (const double factor : {1.0, 2.0, 2.5, 5.0}) {
            const double step = power * factor;
            const double first = std::ceil(low / step - 1e-9);
            const double last = std::floor(high / step + 1e-9);
            if (last - first + 1 <= most) {
                std::vector<double> ticks;
                for (double i = first; i <= last; ++i) {
                    ticks.push_back(i * step);
                }
                return ticks;
            }
        }
    }
}

QString formatTick(double tick) {
    for (int decimals = 0; decimals < 9; ++decimals) {
        const double scaled = std::abs(tick) * std::pow(10.0, decimals);
        if (std::abs(scaled - std::round(scaled)) <= 1e-6 * scaled + 1e-9) {
            return std::round(scaled) == 0 ? QStringLiteral("0") : formatFixed(tick, decimals);
        }
    }
    return formatNumber(tick);
}

} // namespace azimuth
