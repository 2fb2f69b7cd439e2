#include "widgets/chart/line_chart_view.h"

#include "widgets/numbers.h"

#include <cmath>
#include <QPainter>

namespace azimuth {

namespace {

double crisp(double at) { return std::floor(at) + 0.5; }

} // namespace

// Grid and axes under the lines: horizontal lines only, the x axis in `border` with 3 px ticks.
void LineChartView::drawBackground(QPainter* painter, const QRectF&) {
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing, false);
    painter->setFont(m_tokens.sans(11));
    const QFontMetricsF metrics(painter->font());
    const int fits = std::clamp(static_cast<int>(m_plot.height() / m_tokens.px(26)) + 1, 2, 5);
    for (const double tick : ticks(m_yAxis, m_yLow, m_yHigh, fits)) {
        const double y = crisp(place(m_xLow, tick).y());
        painter->setPen(m_tokens.line);
        painter->drawLine(QPointF(m_plot.left(), y), QPointF(m_plot.right(), y));
        painter->setPen(m_tokens.secondary);
        painter->drawText(QRectF(0, y - 10, m_plot.left() - 6, 20), Qt::AlignRight | Qt::AlignVCenter,
                          m_yAxis.text ? m_yAxis.text(tick) : formatTick(tick));
    }
    const double axis = crisp(m_plot.bottom());
    painter->setPen(m_tokens.border);
    painter->drawLine(QPointF(m_plot.left(), axis), QPointF(m_plot.right(), axis));
    double free = -1e9;
    for (const double tick : ticks(m_xAxis, m_xLow, m_xHigh, 8)) {
        const double x = crisp(place(tick, m_yLow).x());
        painter->setPen(m_tokens.border);
        painter->drawLine(QPointF(x, axis), QPointF(x, axis + 3));
        const QString text = m_xAxis.text ? m_xAxis.text(tick) : formatTick(tick);
        const double half = metrics.horizontalAdvance(text) / 2;
        if (x - half > free) {
            painter->setPen(m_tokens.secondary);
            painter->drawText(QRectF(x - half - 2, axis + 4, 2 * half + 4, m_tokens.px(14)), Qt::AlignCenter,
                              text);
            free = x + half + 6;
        }
    }
    painter->setPen(m_tokens.secondary);
    painter->drawText(
        QRectF(m_plot.left(), m_plot.bottom() + m_tokens.px(19), m_plot.width(), m_tokens.px(15)),
        Qt::AlignCenter, m_xAxis.title);
    painter->drawText(QRectF(0, 2, m_plot.left() - 6, m_tokens.px(14)), Qt::AlignRight | Qt::AlignVCenter,
                      m_yAxis.title);
    painter->restore();
}

void LineChartView::drawForeground(QPainter* painter, const QRectF&) {
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    paintMarkers(*painter);
    paintChosen(*painter);
    paintHere(*painter);
    painter->restore();
}

void LineChartView::paintMarkers(QPainter& painter) const {
    painter.setFont(m_tokens.sans(11));
    for (const ChartSeries& series : m_series) {
        const QColor colour = seriesColour(m_tokens, series);
        QPointF last;
        for (qsizetype i = 0; i < series.x.size(); ++i) {
            const QPointF at = place(series.x[i], series.y[i]);
            if (!std::isfinite(series.y[i]) || at.x() < m_plot.left() - 1 || at.x() > m_plot.right() + 1) {
                continue;
            }
            last = at;
            if (!series.markers) {
                continue;
            }
            if (series.shape ==
                LabelShape::normal) { // a ring is filled with the page, so that its line ends at it
                painter.setPen(QPen(colour, 1.5));
                painter.setBrush(m_tokens.base);
                painter.drawEllipse(at, 2.75, 2.75);
            } else {
                paintLabelShape(painter, series.shape, at, series.shape == LabelShape::garbled ? 8.7 : 7.5,
                                colour);
            }
        }
        if (series.labelled && !last.isNull()) {
            painter.setPen(colour);
            painter.drawText(QRectF(last.x() + 8, last.y() - 10, 200, 20), Qt::AlignLeft | Qt::AlignVCenter,
                             series.name);
        }
    }
}

void LineChartView::paintHere(QPainter& painter) const {
    if (!std::isfinite(m_here) || m_here < m_xLow || m_here > m_xHigh) {
        return;
    }
    const double x = crisp(place(m_here, m_yLow).x());
    painter.setRenderHint(QPainter::Antialiasing, false);
    painter.setPen(m_tokens.here);
    painter.drawLine(QPointF(x, m_tagged ? m_plot.top() - 4 : m_plot.top()), QPointF(x, m_plot.bottom()));
    painter.setRenderHint(QPainter::Antialiasing);
    for (const ChartSeries& series : m_series) {
        const qsizetype i = series.x.indexOf(m_here);
        if (i >= 0 && std::isfinite(series.y[i])) {
            painter.setPen(QPen(m_tokens.here, 1.5));
            painter.setBrush(m_tokens.base);
            painter.drawEllipse(QPointF(x, place(m_here, series.y[i]).y()), 3, 3);
        }
    }
    if (m_tagged) {
        const QString text = m_xAxis.text ? m_xAxis.text(m_here) : formatTick(m_here);
        painter.setFont(m_tokens.sans(11, QFont::DemiBold));
        const double width = std::max(26.0, QFontMetricsF(painter.font()).horizontalAdvance(text) + 12);
        const QRectF tag(std::clamp(x - width / 2, 0.0, std::max(0.0, this->width() - width)), 1, width,
                         m_tokens.px(17));
        painter.setPen(Qt::NoPen);
        painter.setBrush(m_tokens.here);
        painter.drawRoundedRect(tag, 2, 2);
        painter.setPen(m_tokens.base);
        painter.drawText(tag, Qt::AlignCenter, text);
    }
}

void LineChartView::paintChosen(QPainter& painter) const {
    if (!std::isfinite(m_chosen) || m_chosen < m_xLow || m_chosen > m_xHigh) {
        return;
    }
    const double x = place(m_chosen, m_yLow).x();
    const double y = m_plot.top() - 3;
    painter.setPen(Qt::NoPen);
    painter.setBrush(m_tokens.accent);
    painter.drawPolygon(QPolygonF{QPointF(x, y), QPointF(x - 4, y - 5), QPointF(x + 4, y - 5)});
    painter.setPen(m_tokens.accent);
    painter.setFont(m_tokens.sans(11, QFont::Medium));
    const double width = QFontMetricsF(painter.font()).horizontalAdvance(m_chosenWords);
    const bool left = x - 8 - width > m_plot.left() - 20;
    painter.drawText(QRectF(left ? x - 8 - width : x + 8, 1, width + 1, m_tokens.px(17)), Qt::AlignVCenter,
                     m_chosenWords);
}

ChartLegend::ChartLegend(QWidget* parent) : QWidget(parent), m_tokens(lightTokens()) {
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
}

void ChartLegend::setSeries(const QList<ChartSeries>& series) {
    m_series = series;
    QStringList names;
    for (const ChartSeries& each : series) {
        names.append(each.name);
    }
    setAccessibleName(tr("Legend: %1").arg(names.join(QStringLiteral(", "))));
    updateGeometry();
    update();
}

void ChartLegend::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    updateGeometry();
    update();
}

QSize ChartLegend::sizeHint() const {
    const QFontMetrics metrics(m_tokens.sans(12));
    int width = 0;
    for (const ChartSeries& series : m_series) {
        width += 10 + 5 + metrics.horizontalAdvance(series.name) + 12;
    }
    return {std::max(0, width - 12), m_tokens.px(18)};
}

void ChartLegend::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setFont(m_tokens.sans(12));
    const QFontMetrics metrics(painter.font());
    double x = 0;
    for (const ChartSeries& series : m_series) {
        const QColor colour = seriesColour(m_tokens, series);
        paintLabelShape(painter, series.shape, QPointF(x + 5, height() / 2.0), 10, colour);
        painter.setPen(colour);
        const int width = metrics.horizontalAdvance(series.name);
        painter.drawText(QRectF(x + 15, 0, width + 1, height()), Qt::AlignVCenter | Qt::AlignLeft,
                         series.name);
        x += 15 + width + 12;
    }
}

} // namespace azimuth
