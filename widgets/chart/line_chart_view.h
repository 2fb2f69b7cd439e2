// Lines over a shared x axis: dose-response curves, profiles over k. For the screen only: exported
// figures come from core/figure. Qt Charts draws lines and bands; grid, axes, markers and the Selection
// are painted over and under it.
//   Bands are 16 % of the series' colour; markers have the label's shape; a NaN breaks the line. More
//   points than pixels are thinned to the extremes of each pixel column. `here` is the selected x (a
//   line, an open dot on every series, a tag); `chosen` a small accent triangle. Click or Left and Right
//   select the next x of the series. No animation. GUI thread.
#pragma once

#include "widgets/accessible_grid.h"
#include "widgets/icons.h"
#include "widgets/themed.h"

#include <functional>
#include <limits>
#include <optional>
#include <QChartView>
#include <QList>

namespace azimuth {

struct ChartSeries {
    enum class Tone { ink, coherent, garbled, normal, category };
    QString name;
    QList<double> x, y;      // as many; x ascending
    QList<double> low, high; // of the band, or both empty
    Tone tone = Tone::ink;
    int category = 0; // Okabe-Ito colour, for Tone::category
    bool markers = false;
    LabelShape shape = LabelShape::coherent; // of the markers
    bool dashed = false;
    bool labelled = false; // its name beside its last point
};

struct ChartAxis {
    QString title; // x: under the axis; y: above it, short ("%")
    std::optional<std::pair<double, double>>
        range;                           // otherwise the data's, bands included, widened to round ticks
    QList<double> ticks;                 // otherwise 3 to 5 round values
    std::function<QString(double)> text; // otherwise formatTick
};

QColor seriesColour(const Tokens& tokens, const ChartSeries& series);

class LineChartView : public QChartView, public Themed, public AccessibleGrid {
    Q_OBJECT
public:
    explicit LineChartView(QWidget* parent = nullptr);
    ~LineChartView() override;

    // Throws Error widget.shape if a series' lists differ in length. name: the accessible name.
    void setData(const QString& name, QList<ChartSeries> series, ChartAxis x, ChartAxis y);
    const QList<ChartSeries>& series() const { return m_series; }

    double here() const { return m_here; }
    void setHere(double x);                         // NaN for none
    void setHereTagged(bool tagged);                // the x in a magenta tag above the line
    void setChosen(double x, const QString& words); // "chosen, 15"; NaN for none

    // Device-independent pixels of the viewport.
    QRectF plotRect() const { return m_plot; }
    QPointF place(double x, double y) const;

    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

    int gridRows() const override { return static_cast<int>(m_series.size()); }
    int gridColumns() const override;
    QString gridCellText(int row, int column) const override;
    QString gridRowText(int row) const override { return m_series[row].name; }
    QString gridColumnText(int column) const override;
    QRect gridCellRect(int row, int column) const override;
    QPoint gridCellAt(const QPoint& place) const override;
    QPoint gridCursor() const override;
    QPoint gridSelected() const override { return gridCursor(); }
    void gridSelect(int row, int column) override;

Q_SIGNALS:
    void xSelected(double x); // by the user; `here` is moved already

protected:
    void drawBackground(QPainter* painter, const QRectF& rect) override;
    void drawForeground(QPainter* painter, const QRectF& rect) override;
    void resizeEvent(QResizeEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    void rebuild();
    void layOut();
    void addBand(const ChartSeries& series);
    void addLine(const ChartSeries& series);
    void attach(QAbstractSeries* series);
    QList<double> xValues() const;
    QList<double> ticks(const ChartAxis& axis, double low, double high, int most) const;
    void select(double x);
    void paintMarkers(QPainter& painter) const;
    void paintHere(QPainter& painter) const;
    void paintChosen(QPainter& painter) const;

    Tokens m_tokens;
    QList<ChartSeries> m_series;
    ChartAxis m_xAxis, m_yAxis;
    double m_xLow = 0, m_xHigh = 1, m_yLow = 0, m_yHigh = 1;
    double m_here = std::numeric_limits<double>::quiet_NaN();
    double m_chosen = std::numeric_limits<double>::quiet_NaN();
    QString m_chosenWords;
    bool m_tagged = false;
    QRectF m_plot;
};

// "● coherent ◆ garbled ○ normal" as drawn shapes, right-aligned, for the line above a chart.
class ChartLegend : public QWidget, public Themed {
    Q_OBJECT
public:
    explicit ChartLegend(QWidget* parent = nullptr);
    void setSeries(const QList<ChartSeries>& series);
    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QList<ChartSeries> m_series; // names, tones and shapes only
    Tokens m_tokens;
};

} // namespace azimuth
