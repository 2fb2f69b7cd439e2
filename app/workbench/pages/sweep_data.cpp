#include "app/workbench/pages/sweep_data.h"

#include "app/workbench/words.h"
#include "core/results/rates.h"
#include "widgets/numbers.h"

#include <algorithm>
#include <limits>
#include <QObject>
#include <set>

namespace azimuth {
namespace {

struct Counts {
    double alpha;
    std::int64_t coherent, garbled, normal, n;
};

void append(ChartSeries& series, double alpha, const Rate& rate) {
    const bool measured = rate.n > 0;
    const double nan = std::numeric_limits<double>::quiet_NaN();
    series.x << alpha;
    series.y << (measured ? rate.value * 100 : nan);
    series.low << (measured ? rate.low * 100 : nan);
    series.high << (measured ? rate.high * 100 : nan);
}

} // namespace

SweepTable SweepTable::of(const Calibration& calibration) {
    SweepTable table;
    std::set<std::int64_t> ks;
    std::set<double> strengths;
    for (const auto& point : calibration.points) {
        ks.insert(point.k);
        strengths.insert(point.gridStrength);
    }
    table.ks.assign(ks.begin(), ks.end());
    table.strengths.assign(strengths.begin(), strengths.end());
    table.points.assign(ks.size() * strengths.size(), -1);
    for (std::size_t i = 0; i < calibration.points.size(); ++i) {
        const auto& point = calibration.points[i];
        const auto row = std::distance(ks.begin(), ks.find(point.k));
        const auto column = std::distance(strengths.begin(), strengths.find(point.gridStrength));
        table.points[static_cast<std::size_t>(row) * strengths.size() + static_cast<std::size_t>(column)] =
            static_cast<int>(i);
    }
    return table;
}

int SweepTable::nearestRow(std::int64_t k) const {
    int best = -1;
    for (std::size_t i = 0; i < ks.size(); ++i)
        if (best < 0 || std::abs(ks[i] - k) < std::abs(ks[static_cast<std::size_t>(best)] - k))
            best = static_cast<int>(i);
    return best;
}

QList<ChartSeries> doseResponse(const Calibration& calibration, std::int64_t k) {
    std::vector<Counts> rows;
    if (calibration.controlN > 0)
        rows.push_back({0, calibration.controlCoherent, calibration.controlGarbled,
                        calibration.controlN - calibration.controlCoherent - calibration.controlGarbled,
                        calibration.controlN});
    for (const auto& point : calibration.points)
        if (point.k == k)
            rows.push_back({point.alpha, point.coherent, point.garbled, point.normal, point.n});
    std::sort(rows.begin(), rows.end(), [](const Counts& a, const Counts& b) { return a.alpha < b.alpha; });

    ChartSeries coherent, garbled, normal;
    coherent.name = labelWord(LabelShape::coherent);
    garbled.name = labelWord(LabelShape::garbled);
    normal.name = labelWord(LabelShape::normal);
    coherent.tone = ChartSeries::Tone::coherent;
    garbled.tone = ChartSeries::Tone::garbled;
    normal.tone = ChartSeries::Tone::normal;
    coherent.shape = LabelShape::coherent;
    garbled.shape = LabelShape::garbled;
    normal.shape = LabelShape::normal;
    normal.dashed = true;
    for (auto* series : {&coherent, &garbled, &normal})
        series->markers = true;
    for (const auto& row : rows) {
        append(coherent, row.alpha, rateOf(row.coherent, row.n));
        append(garbled, row.alpha, rateOf(row.garbled, row.n));
        append(normal, row.alpha, rateOf(row.normal, row.n));
    }
    return {coherent, garbled, normal};
}

HeatMapData sweepMap(const Calibration& calibration, const SweepTable& table, StrengthUnit unit) {
    HeatMapData data;
    data.rows = static_cast<int>(table.ks.size());
    data.columns = static_cast<int>(table.strengths.size());
    const auto nan = std::numeric_limits<float>::quiet_NaN();
    const auto cells = table.points.size();
    std::vector<float> values(cells, nan), low(cells, nan), high(cells, nan);
    QStringList sites, reasons;
    for (std::size_t i = 0; i < cells; ++i) {
        if (table.points[i] < 0) {
            sites << words::siteText(table.ks[i / table.strengths.size()]);
            reasons << QObject::tr("not in the sweep");
            continue;
        }
        const auto& point = calibration.points[static_cast<std::size_t>(table.points[i])];
        sites << QObject::tr("%1, %2").arg(words::siteText(point.k), formatNumber(point.alpha));
        reasons << QObject::tr("not measured yet");
        if (point.n == 0)
            continue;
        const Rate rate = rateOf(point.coherent, point.n);
        values[i] = static_cast<float>(rate.value);
        low[i] = static_cast<float>(rate.low);
        high[i] = static_cast<float>(rate.high);
    }
    data.values = std::make_shared<const std::vector<float>>(std::move(values));
    data.low = std::make_shared<const std::vector<float>>(std::move(low));
    data.high = std::make_shared<const std::vector<float>>(std::move(high));
    for (const auto k : table.ks)
        data.rowLabels << QString::number(k);
    for (const double strength : table.strengths)
        data.columnLabels << formatTick(strength);
    data.rowTitle = QObject::tr("k");
    data.columnTitle = unit == StrengthUnit::Alpha ? QObject::tr("strength")
                                                   : QObject::tr("strength, %1").arg(unitText(unit, -1));
    data.valueName = QObject::tr("coherent");
    data.format = [](double value) { return formatPercent(value); };
    const int columns = data.columns;
    data.site = [sites, columns](int row, int column) { return sites.value(row * columns + column); };
    data.reason = [reasons, columns](int row, int column) { return reasons.value(row * columns + column); };
    return data;
}

QString unitText(StrengthUnit unit, std::int64_t k) {
    const QString site = k < 0 ? QStringLiteral("R[k]") : words::siteText(k);
    switch (unit) {
    case StrengthUnit::Alpha:
        break;
    case StrengthUnit::RawNorm:
        return QObject::tr("× raw norm of %1").arg(site);
    case StrengthUnit::MedianNorm:
        return QObject::tr("× median norm of %1").arg(site);
    }
    return {};
}

} // namespace azimuth
