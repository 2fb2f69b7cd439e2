#include "widgets/chart/line_chart_view.h"

#include "core/base/error.h"
#include "widgets/numbers.h"

#include <algorithm>
#include <cmath>
#include <QAreaSeries>
#include <QChart>
#include <QGraphicsLayout>
#include <QKeyEvent>
#include <QLineSeries>
#include <QMouseEvent>
#include <QValueAxis>
#include <set>

namespace azimuth {

namespace {

constexpr double seriesWidth = 1.75;
constexpr double bandOpacity = 0.16;

// Okabe and Ito 2008, without the yellow that no white page carries.
const QColor categories[] = {QColor(0x00, 0x72, 0xB2), QColor(0xD5, 0x5E, 0x00), QColor(0x00, 0x9E, 0x73),
                             QColor(0xCC, 0x79, 0xA7), QColor(0xE6, 0x9F, 0x00), QColor(0x56, 0xB4, 0xE9)};

void check(const ChartSeries& series) {
    const qsizetype expected = series.x.size();
    for (const qsizetype found : {series.y.size(), series.low.isEmpty() ? expected : series.low.size(),
                                  series.high.isEmpty() ? expected : series.high.size()}) {
        if (found != expected || series.low.isEmpty() != series.high.isEmpty()) {
            throw Error("widget.shape",
                        "Series " + series.name.toStdString() + ": expected " + std::to_string(expected) +
                            " values, found " + std::to_string(found),
                        "This is a defect of Azimuth; the log says where.");
        }
    }
}

// At most the first, smallest, largest and last point of each pixel column.
QList<QPointF> thinned(const QList<QPointF>& points, double low, double high, double pixels) {
    if (static_cast<double>(points.size()) <= 4 * pixels || !(high > low)) {
        return points;
    }
    QList<QPointF> kept;
    for (qsizetype from = 0; from < points.size();) {
        const auto column = [&](qsizetype i) {
            return std::floor((points[i].x() - low) / (high - low) * pixels);
        };
        qsizetype to = from;
        qsizetype least = from;
        qsizetype most = from;
        while (to < points.size() && column(to) == column(from)) {
            least = points[to].y() < points[least].y() ? to : least;
            most = points[to].y() > points[most].y() ? to : most;
            ++to;
        }
        for (const qsizetype i : std::set<qsizetype>{from, least, most, to - 1}) {
            kept.append(points[i]);
        }
        from = to;
    }
    return kept;
}

// Runs of points without NaN.
QList<QList<QPointF>> runs(const QList<double>& x, const QList<double>& y) {
    QList<QList<QPointF>> runs;
    bool open = false;
    for (qsizetype i = 0; i < x.size(); ++i) {
        if (!std::isfinite(x[i]) || !std::isfinite(y[i])) {
            open = false;
            continue;
        }
        if (!open) {
            runs.append(QList<QPointF>());
            open = true;
        }
        runs.last().append({x[i], y[i]});
    }
    return runs;
}

void widen(double& low, double& high, const QList<double>& values) {
    for (const double value : values) {
        if (std::isfinite(value)) {
            low = std::min(low, value);
            high = std::max(high, value);
        }
    }
}

} // namespace

QColor seriesColour(const Tokens& tokens, const ChartSeries& series) {
    switch (series.tone) {
    case ChartSeries::Tone::coherent:
        return tokens.coherent;
    case ChartSeries::Tone::garbled:
        return tokens.garbled;
    case ChartSeries::Tone::normal:
        return tokens.normal;
    case ChartSeries::Tone::category:
        return categories[static_cast<std::size_t>(series.category) % std::size(categories)];
    case ChartSeries::Tone::ink:
        break;
    }
    return tokens.ink;
}

LineChartView::LineChartView(QWidget* parent) : QChartView(parent), m_tokens(lightTokens()) {
    installAccessibleGrids();
    chart()->setAnimationOptions(QChart::NoAnimation);
    chart()->setBackgroundVisible(false);
    chart()->setPlotAreaBackgroundVisible(false);
    chart()->legend()->hide();
    chart()->setMargins(QMargins(0, 0, 0, 0));
    chart()->layout()->setContentsMargins(0, 0, 0, 0);
    setRenderHint(QPainter::Antialiasing);
    setFrameShape(QFrame::NoFrame);
    setViewportUpdateMode(QGraphicsView::FullViewportUpdate);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setVerticalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    setFocusPolicy(Qt::StrongFocus);
    viewport()->setAutoFillBackground(false);
    setBackgroundBrush(Qt::NoBrush);
}

LineChartView::~LineChartView() = default;

void LineChartView::setData(const QString& name, QList<ChartSeries> series, ChartAxis x, ChartAxis y) {
    for (const ChartSeries& each : series) {
        check(each);
    }
    m_series = std::move(series);
    m_xAxis = std::move(x);
    m_yAxis = std::move(y);
    setAccessibleName(tr("%1, %n series", nullptr, static_cast<int>(m_series.size())).arg(name));
    rebuild();
    announceGridReset(this);
}

QList<double> LineChartView::ticks(const ChartAxis& axis, double low, double high, int most) const {
    if (!axis.ticks.isEmpty()) {
        return axis.ticks;
    }
    const auto found = niceTicks(low, high, most);
    return {found.begin(), found.end()};
}

void LineChartView::rebuild() {
    const auto fitted = [](const ChartAxis& axis, double& low, double& high) {
        if (axis.range) {
            low = axis.range->first;
            high = axis.range->second;
        } else if (!(low < high)) {
            const double middle = std::isfinite(low) ? low : 0.5;
            low = middle - 0.5;
            high = middle + 0.5;
        }
    };
    constexpr double far = std::numeric_limits<double>::infinity();
    m_xLow = m_yLow = far;
    m_xHigh = m_yHigh = -far;
    for (const ChartSeries& series : m_series) {
        widen(m_xLow, m_xHigh, series.x);
        widen(m_yLow, m_yHigh, series.y);
        widen(m_yLow, m_yHigh, series.low);
        widen(m_yLow, m_yHigh, series.high);
    }
    fitted(m_xAxis, m_xLow, m_xHigh);
    fitted(m_yAxis, m_yLow, m_yHigh);
    if (!m_yAxis.range) { // out to the next round values
        const auto round = niceTicks(m_yLow, m_yHigh, 5);
        if (round.size() >= 2) {
            const double step = round[1] - round[0];
            m_yLow = std::floor(m_yLow / step + 1e-9) * step;
            m_yHigh = std::ceil(m_yHigh / step - 1e-9) * step;
        }
    }
    layOut();
    chart()->removeAllSeries();
    for (QAbstractAxis* axis : chart()->axes()) {
        chart()->removeAxis(axis);
        delete axis;
    }
    for (const auto& [orientation, low, high] :
         {std::tuple{Qt::AlignBottom, m_xLow, m_xHigh}, std::tuple{Qt::AlignLeft, m_yLow, m_yHigh}}) {
        auto* axis = new QValueAxis;
        axis->setRange(low, high);
        axis->setVisible(false);
        chart()->addAxis(axis, orientation);
    }
    for (const ChartSeries& series : m_series) {
        addBand(series);
    }
    for (const ChartSeries& series : m_series) {
        addLine(series);
    }
    viewport()->update();
}

void LineChartView::attach(QAbstractSeries* series) {
    chart()->addSeries(series);
    for (QAbstractAxis* axis : chart()->axes()) {
        series->attachAxis(axis);
    }
}

void LineChartView::addBand(const ChartSeries& series) {
    if (series.low.isEmpty()) {
        return;
    }
    const auto lows = runs(series.x, series.low);
    const auto highs = runs(series.x, series.high);
    QColor fill = seriesColour(m_tokens, series);
    fill.setAlphaF(static_cast<float>(bandOpacity));
    for (qsizetype i = 0; i < std::min(lows.size(), highs.size()); ++i) {
        auto* lower = new QLineSeries;
        auto* upper = new QLineSeries;
        lower->replace(thinned(lows[i], m_xLow, m_xHigh, m_plot.width()));
        upper->replace(thinned(highs[i], m_xLow, m_xHigh, m_plot.width()));
        auto* band = new QAreaSeries(upper, lower);
        lower->setParent(band);
        upper->setParent(band);
        band->setPen(Qt::NoPen);
        band->setBrush(fill);
        attach(band);
    }
}

void LineChartView::addLine(const ChartSeries& series) {
    QPen pen(seriesColour(m_tokens, series), seriesWidth, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin);
    if (series.dashed) {
        pen.setCapStyle(Qt::FlatCap);
        pen.setDashPattern({4 / seriesWidth, 3 / seriesWidth});
    }
    for (const QList<QPointF>& points : runs(series.x, series.y)) {
        auto* line = new QLineSeries;
        line->replace(thinned(points, m_xLow, m_xHigh, m_plot.width()));
        line->setPen(pen);
        attach(line);
    }
}

void LineChartView::layOut() {
    const QFontMetricsF metrics(m_tokens.sans(11));
    double left = metrics.horizontalAdvance(QStringLiteral("100"));
    for (const double tick : ticks(m_yAxis, m_yLow, m_yHigh, 5)) {
        left =
            std::max(left, metrics.horizontalAdvance(m_yAxis.text ? m_yAxis.text(tick) : formatTick(tick)));
    }
    double right = 12;
    for (const ChartSeries& series : m_series) {
        right = std::max(right, series.labelled ? metrics.horizontalAdvance(series.name) + 16 : 0);
    }
    const bool above = m_tagged || !m_chosenWords.isEmpty() || !m_yAxis.title.isEmpty();
    const double top = above ? m_tokens.px(22) : 8;
    const double bottom = m_tokens.px(m_xAxis.title.isEmpty() ? 20 : 36);
    m_plot = QRectF(left + 8, top, std::max(10.0, width() - left - 8 - right),
                    std::max(10.0, height() - top - bottom));
    chart()->setPlotArea(m_plot);
}

QPointF LineChartView::place(double x, double y) const {
    return {m_plot.left() + (x - m_xLow) / (m_xHigh - m_xLow) * m_plot.width(),
            m_plot.bottom() - (y - m_yLow) / (m_yHigh - m_yLow) * m_plot.height()};
}

void LineChartView::setHere(double x) {
    m_here = x;
    viewport()->update();
}

void LineChartView::setHereTagged(bool tagged) {
    m_tagged = tagged;
    layOut();
    viewport()->update();
}

void LineChartView::setChosen(double x, const QString& words) {
    m_chosen = x;
    m_chosenWords = std::isfinite(x) ? words : QString();
    layOut();
    viewport()->update();
}

void LineChartView::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    rebuild();
    updateGeometry();
}

QSize LineChartView::sizeHint() const { return {m_tokens.px(320), m_tokens.px(160)}; }

QSize LineChartView::minimumSizeHint() const { return {m_tokens.px(140), m_tokens.px(80)}; }

void LineChartView::resizeEvent(QResizeEvent* event) {
    QChartView::resizeEvent(event);
    layOut();
    const bool thins = std::any_of(m_series.begin(), m_series.end(), [this](const ChartSeries& series) {
        return static_cast<double>(series.x.size()) > 4 * m_plot.width();
    });
    if (thins) {
        rebuild();
    }
}

QList<double> LineChartView::xValues() const {
    std::set<double> values;
    for (const ChartSeries& series : m_series) {
        values.insert(series.x.begin(), series.x.end());
    }
    return {values.begin(), values.end()};
}

void LineChartView::select(double x) {
    setHere(x);
    const QPoint cursor = gridCursor();
    announceGridCursor(this, cursor.y(), cursor.x());
    Q_EMIT xSelected(x);
}

void LineChartView::mousePressEvent(QMouseEvent* event) {
    const QList<double> values = xValues();
    if (event->button() != Qt::LeftButton || values.isEmpty() ||
        !m_plot.adjusted(-8, -m_tokens.px(22), 8, 8).contains(event->position())) {
        QChartView::mousePressEvent(event);
        return;
    }
    const auto distance = [&](double x) { return std::abs(place(x, m_yLow).x() - event->position().x()); };
    select(*std::min_element(values.begin(), values.end(),
                             [&](double a, double b) { return distance(a) < distance(b); }));
}

void LineChartView::keyPressEvent(QKeyEvent* event) {
    const int step = event->key() == Qt::Key_Right ? 1 : event->key() == Qt::Key_Left ? -1 : 0;
    const QList<double> values = xValues();
    if (step == 0 || values.isEmpty()) {
        QChartView::keyPressEvent(event);
        return;
    }
    const auto at = std::isfinite(m_here)
                        ? std::lower_bound(values.begin(), values.end(), m_here) - values.begin()
                        : (step > 0 ? -1 : values.size());
    select(values[std::clamp<qsizetype>(at + step, 0, values.size() - 1)]);
}

int LineChartView::gridColumns() const { return static_cast<int>(xValues().size()); }

QString LineChartView::gridColumnText(int column) const {
    const double x = xValues().at(column);
    return (m_xAxis.title + QLatin1Char(' ') + (m_xAxis.text ? m_xAxis.text(x) : formatTick(x))).trimmed();
}

QString LineChartView::gridCellText(int row, int column) const {
    const ChartSeries& series = m_series[row];
    const qsizetype i = series.x.indexOf(xValues().at(column));
    QString text = series.name + QStringLiteral(", ") + gridColumnText(column) + QStringLiteral(", ");
    if (i < 0 || !std::isfinite(series.y[i])) {
        return text + tr("not measured");
    }
    text += formatNumber(series.y[i], 4);
    return series.low.isEmpty() ? text
                                : text + QStringLiteral(", ") + formatNumber(series.low[i], 3) +
                                      QStringLiteral(" to ") + formatNumber(series.high[i], 3);
}

QRect LineChartView::gridCellRect(int row, int column) const {
    const double x = xValues().at(column);
    const qsizetype i = m_series[row].x.indexOf(x);
    return i < 0 || !std::isfinite(m_series[row].y[i])
               ? QRect()
               : QRectF(place(x, m_series[row].y[i]) - QPointF(4, 4), QSizeF(8, 8)).toAlignedRect();
}

QPoint LineChartView::gridCellAt(const QPoint& at) const {
    for (int row = 0; row < gridRows(); ++row) {
        for (int column = 0; column < gridColumns(); ++column) {
            if (gridCellRect(row, column).contains(at)) {
                return {column, row};
            }
        }
    }
    return {-1, -1};
}

QPoint LineChartView::gridCursor() const {
    const qsizetype column = std::isfinite(m_here) ? xValues().indexOf(m_here) : -1;
    return column < 0 || m_series.isEmpty() ? QPoint(-1, -1) : QPoint(static_cast<int>(column), 0);
}

void LineChartView::gridSelect(int, int column) { select(xValues().at(column)); }

} // namespace azimuth
