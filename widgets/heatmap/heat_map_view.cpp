#include "widgets/heatmap/heat_map_view.h"

#include "core/base/error.h"
#include "widgets/numbers.h"

#include <QFontMetrics>
#include <QGuiApplication>
#include <QPointer>
#include <QThreadPool>

namespace azimuth {

namespace {

constexpr int titleHeight = 16;
constexpr int labelHeight = 18;
constexpr int gap = 8;

void check(const HeatMapData& data) {
    const auto expected = static_cast<std::size_t>(data.rows) * static_cast<std::size_t>(data.columns);
    const auto refuse = [&](const std::string& what, std::size_t found, std::size_t wanted) {
        throw Error("widget.shape",
                    data.name.toStdString() + ": " + what + ": expected " + std::to_string(wanted) +
                        ", found " + std::to_string(found),
                    "This is a defect of Azimuth; the log says where.");
    };
    if (data.rows < 0 || data.columns < 0 || (expected > 0 && !data.values)) {
        refuse("values", 0, expected);
    }
    for (const auto& values : {data.values, data.low, data.high}) {
        if (values && values->size() != expected) {
            refuse("values", values->size(), expected);
        }
    }
    if (!data.rowLabels.isEmpty() && data.rowLabels.size() != data.rows) {
        refuse("row labels", static_cast<std::size_t>(data.rowLabels.size()),
               static_cast<std::size_t>(data.rows));
    }
    if (!data.columnLabels.isEmpty() && data.columnLabels.size() != data.columns) {
        refuse("column labels", static_cast<std::size_t>(data.columnLabels.size()),
               static_cast<std::size_t>(data.columns));
    }
}

} // namespace

HeatMapView::HeatMapView(QWidget* parent) : QWidget(parent), m_tokens(lightTokens()) {
    installAccessibleGrids();
    setFocusPolicy(Qt::StrongFocus);
    setMouseTracking(true);
    setProperty("ownFocus", true);
    setAttribute(Qt::WA_OpaquePaintEvent, false);
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
}

void HeatMapView::setData(HeatMapData data) {
    check(data);
    const bool sameShape = data.rows == m_data.rows && data.columns == m_data.columns;
    m_data = std::move(data);
    setAccessibleName(tr("%1, %2 by %3").arg(m_data.name).arg(m_data.rows).arg(m_data.columns));
    if (!sameShape) {
        m_rowOrder.clear();
        m_columnOrder.clear();
        m_current = m_cursor = m_anchor = m_chosen = {-1, -1};
        m_history.clear();
        resetAxes();
    }
    m_hovered = {-1, -1};
    dataChanged();
    announceGridReset(this);
}

void HeatMapView::resetAxes() {
    m_rowAxis.setCount(shownRows());
    m_columnAxis.setCount(shownColumns());
    m_rowAxis.setOrder(m_transposed ? m_columnOrder : m_rowOrder);
    m_columnAxis.setOrder(m_transposed ? m_rowOrder : m_columnOrder);
    layOut();
    fitAxes();
}

void HeatMapView::dataChanged() {
    m_peaks.reset();
    startPeaks();
    layOut();
    changedView();
}

// A matrix that may be shown several cells to a pixel is halved in the background; until that is done the
// pixel shows the first of its cells.
void HeatMapView::startPeaks() {
    const int generation = ++m_generation;
    constexpr int worthwhile = 512;
    if (std::max(m_data.rows, m_data.columns) < worthwhile || m_data.empty()) {
        return;
    }
    QThreadPool::globalInstance()->start([view = QPointer<HeatMapView>(this), generation,
                                          values = mapValues(), rows = m_rowAxis, columns = m_columnAxis] {
        auto peaks = std::make_shared<const PeakPyramid>(buildPeaks(values, rows, columns));
        QMetaObject::invokeMethod(
            qApp,
            [view, generation, peaks] {
                if (view && view->m_generation == generation) {
                    view->m_peaks = peaks;
                    view->m_stale = true;
                    view->update();
                }
            },
            Qt::QueuedConnection);
    });
}

void HeatMapView::setScale(const ColourScale& scale) {
    if (!(scale == m_scale)) {
        m_scale = scale;
        m_stale = true;
        update();
    }
}

bool HeatMapView::setOrder(std::vector<int> rows, std::vector<int> columns) {
    MapAxis rowProbe, columnProbe;
    rowProbe.setCount(m_data.rows);
    columnProbe.setCount(m_data.columns);
    if (!rowProbe.setOrder(rows) || !columnProbe.setOrder(columns)) {
        return false;
    }
    m_rowOrder = std::move(rows);
    m_columnOrder = std::move(columns);
    m_rowAxis.setOrder(m_transposed ? m_columnOrder : m_rowOrder);
    m_columnAxis.setOrder(m_transposed ? m_rowOrder : m_columnOrder);
    dataChanged();
    return true;
}

void HeatMapView::setSquareCells(bool square) {
    if (square != m_square) {
        m_square = square;
        fit();
    }
}

void HeatMapView::setMaskBelowNull(bool mask) {
    m_mask = mask;
    update();
}

void HeatMapView::setCrosshairShown(bool shown) {
    m_crosshair = shown;
    update();
}

void HeatMapView::setCellText(bool shown) {
    m_cellText = shown;
    update();
}

void HeatMapView::setTransposed(bool transposed) {
    if (transposed != m_transposed) {
        m_transposed = transposed;
        m_history.clear();
        resetAxes();
        dataChanged();
    }
}

void HeatMapView::setLargestCell(int width, int height) {
    m_largestCell = {width, height};
    fit();
}

void HeatMapView::setCurrent(int row, int column) {
    const QPoint at(column < m_data.columns ? column : -1, row < m_data.rows ? row : -1);
    if (at != m_current) {
        m_current = at;
        layOut();
        update();
    }
}

void HeatMapView::setChosen(int row, int column) {
    m_chosen = {column, row};
    update();
}

QPoint HeatMapView::toData(int displayRow, int displayColumn) const {
    const int row = m_rowAxis.dataIndex(displayRow);
    const int column = m_columnAxis.dataIndex(displayColumn);
    return m_transposed ? QPoint(row, column) : QPoint(column, row);
}

QPoint HeatMapView::toDisplay(const QPoint& data) const {
    const QPoint shown = m_transposed ? data.transposed() : data;
    return {m_columnAxis.displayIndex(shown.x()), m_rowAxis.displayIndex(shown.y())};
}

QString HeatMapView::rowLabel(int displayRow) const {
    const int index = m_rowAxis.dataIndex(displayRow);
    const QStringList& labels = m_transposed ? m_data.columnLabels : m_data.rowLabels;
    return labels.isEmpty() ? QString::number(index) : labels[index];
}

QString HeatMapView::columnLabel(int displayColumn) const {
    const int index = m_columnAxis.dataIndex(displayColumn);
    const QStringList& labels = m_transposed ? m_data.rowLabels : m_data.columnLabels;
    return labels.isEmpty() ? QString::number(index) : labels[index];
}

QString HeatMapView::gridRowText(int row) const {
    return m_data.rowTitle + QLatin1Char(' ') +
           (m_data.rowLabels.isEmpty() ? QString::number(row) : m_data.rowLabels[row]);
}

QString HeatMapView::gridColumnText(int column) const {
    return m_data.columnTitle + QLatin1Char(' ') +
           (m_data.columnLabels.isEmpty() ? QString::number(column) : m_data.columnLabels[column]);
}

QString HeatMapView::cellText(int row, int column) const {
    const float value = m_data.at(row, column);
    QString text = gridRowText(row) + QStringLiteral(", ") + gridColumnText(column) + QStringLiteral(", ");
    if (std::isnan(value)) {
        const QString reason = m_data.reason ? m_data.reason(row, column) : QString();
        return text + tr("not measured") + (reason.isEmpty() ? QString() : QStringLiteral(", ") + reason);
    }
    const double number = static_cast<double>(value);
    text += m_data.valueName + QLatin1Char(' ') +
            (m_data.format ? m_data.format(number) : formatNumber(number, 4));
    if (m_data.low && m_data.high) {
        const auto at = static_cast<std::size_t>(row) * m_data.columns + column;
        text += QStringLiteral(", ") + formatRange(static_cast<double>((*m_data.low)[at]),
                                                   static_cast<double>((*m_data.high)[at]), 3);
    }
    return text;
}

MapValues HeatMapView::mapValues() const {
    const std::ptrdiff_t row = m_data.columns;
    return {m_data.values, m_transposed ? 1 : row, m_transposed ? row : 1};
}

// Gutters by the labels, then the map takes what is left; its size is the content's where that is smaller.
void HeatMapView::layOut() {
    const QFontMetrics metrics(m_tokens.sans(11, QFont::DemiBold));
    int widest = metrics.horizontalAdvance(QStringLiteral("00")) + 2 * 6;
    const QStringList& labels = m_transposed ? m_data.columnLabels : m_data.rowLabels;
    const QString longest = QString::number(std::max(0, shownRows() - 1));
    widest = std::max(widest, metrics.horizontalAdvance(longest) + 12);
    for (const QString& label : labels.size() <= 400 ? labels : QStringList()) {
        widest = std::max(widest, metrics.horizontalAdvance(label) + 12);
    }
    const QString& rowTitle = m_transposed ? m_data.columnTitle : m_data.rowTitle;
    const QString& columnTitle = m_transposed ? m_data.rowTitle : m_data.columnTitle;
    const int left =
        std::min(widest, width() / 3) + gap / 2 + (rowTitle.isEmpty() ? 0 : m_tokens.px(titleHeight));
    const int bottom = m_tokens.px(labelHeight) + (columnTitle.isEmpty() ? 4 : m_tokens.px(titleHeight));
    const QRect space(left, 4, std::max(0, width() - left - 4), std::max(0, height() - 4 - bottom - 2));
    m_columnAxis.setLength(static_cast<int>(space.width() * ratio()));
    m_rowAxis.setLength(static_cast<int>(space.height() * ratio()));
    m_map = QRect(space.topLeft(), QSize(qCeil(m_columnAxis.visibleLength() / ratio()),
                                         qCeil(m_rowAxis.visibleLength() / ratio())));
    m_stale = true;
}

void HeatMapView::fitAxes() {
    m_columnAxis.fit(static_cast<int>(m_largestCell.width() * ratio()));
    m_rowAxis.fit(static_cast<int>(m_largestCell.height() * ratio()));
    // One pixel stands for the same number of cells both ways, or the picture of peaks would not be one.
    const int per = std::max(m_rowAxis.cellsPerPixel(), m_columnAxis.cellsPerPixel());
    const int cell = std::min(m_rowAxis.cell(), m_columnAxis.cell());
    if (m_square || per > 1) {
        m_rowAxis.setZoom(cell, per);
        m_columnAxis.setZoom(cell, per);
    }
    layOut();
}

void HeatMapView::fit() {
    fitAxes();
    changedView();
}

QRect HeatMapView::mapRect() const { return m_map; }

int HeatMapView::contentBottom() const {
    const bool titled = !(m_transposed ? m_data.rowTitle : m_data.columnTitle).isEmpty();
    return m_map.bottom() + m_tokens.px(labelHeight) + (titled ? m_tokens.px(titleHeight) : 4) + 2;
}

QString HeatMapView::aggregation() const {
    const int per = std::max(m_rowAxis.cellsPerPixel(), m_columnAxis.cellsPerPixel());
    return per == 1 ? QString() : tr("%1 × %1 cells a pixel, the strongest shown").arg(per);
}

QRect HeatMapView::cellRect(const QPoint& display) const {
    if (display.x() < 0 || display.y() < 0) {
        return {};
    }
    const double pixels = ratio();
    const QRectF cell(QPointF(m_columnAxis.firstPixel(display.x()), m_rowAxis.firstPixel(display.y())) /
                          pixels,
                      QSizeF(m_columnAxis.cell(), m_rowAxis.cell()) / pixels);
    const QRectF placed = cell.translated(m_map.topLeft());
    return placed.intersects(m_map) ? placed.toAlignedRect() : QRect();
}

QRect HeatMapView::gridCellRect(int row, int column) const { return cellRect(toDisplay({column, row})); }

QPoint HeatMapView::gridCellAt(const QPoint& place) const {
    const QPointF inside = QPointF(place - m_map.topLeft()) * ratio();
    const int column = m_columnAxis.displayAt(static_cast<int>(std::floor(inside.x())));
    const int row = m_rowAxis.displayAt(static_cast<int>(std::floor(inside.y())));
    return row < 0 || column < 0 ? QPoint(-1, -1) : toData(row, column);
}

void HeatMapView::gridSelect(int row, int column) {
    setCurrent(row, column);
    Q_EMIT currentChanged(row, column);
}

void HeatMapView::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    layOut();
    changedView();
}

QSize HeatMapView::sizeHint() const { return {m_tokens.px(420), m_tokens.px(420)}; }

QSize HeatMapView::minimumSizeHint() const { return {m_tokens.px(160), m_tokens.px(120)}; }

void HeatMapView::picture() {
    if (!m_stale && m_picture.devicePixelRatio() == ratio()) {
        return;
    }
    const MapColours colours = mapColours(m_scale, m_tokens.hatch, m_tokens.hatchBase, ratio());
    m_picture = renderMap(mapValues(), m_rowAxis, m_columnAxis, colours, m_peaks.get());
    m_picture.setDevicePixelRatio(ratio());
    m_stale = false;
}

void HeatMapView::changedView() {
    m_stale = true;
    update();
    Q_EMIT viewChanged();
}

} // namespace azimuth
