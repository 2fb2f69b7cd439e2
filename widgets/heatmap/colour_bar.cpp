#include "widgets/heatmap/colour_bar.h"

#include "widgets/numbers.h"

#include <limits>
#include <QKeyEvent>
#include <QMouseEvent>
#include <QPainter>

namespace azimuth {

namespace {

constexpr int barLeft = 8;
constexpr int barWidth = 14;
constexpr int histogramLeft = barLeft + 17;
constexpr int histogramWidth = 24;
constexpr int labelsLeft = barLeft + 46;
constexpr std::size_t mostCounted = 65536;

} // namespace

ColourBar::ColourBar(QWidget* parent)
    : QWidget(parent), m_tokens(lightTokens()), m_histogram(bins, 0),
      m_mark(std::numeric_limits<double>::quiet_NaN()) {
    setFocusPolicy(Qt::StrongFocus);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Expanding);
    setToolTip(tr("Drag a triangle to change the range; double click for the automatic range"));
    describe();
}

void ColourBar::describe() {
    setAccessibleName(
        tr("Colour bar, %1, %2 to %3")
            .arg(m_valueName, formatNumber(m_scale.range.low), formatNumber(m_scale.range.high)));
}

void ColourBar::setScale(const ColourScale& scale) {
    m_scale = scale;
    count();
    describe();
    update();
}

void ColourBar::setValueName(const QString& name) {
    m_valueName = name;
    describe();
}

void ColourBar::setValues(std::span<const float> values) {
    m_values.clear();
    const std::size_t step = values.size() / mostCounted + 1;
    for (std::size_t i = 0; i < values.size(); i += step) {
        if (std::isfinite(values[i])) {
            m_values.push_back(values[i]);
        }
    }
    count();
    update();
}

void ColourBar::count() {
    std::fill(m_histogram.begin(), m_histogram.end(), 0);
    const double width = m_scale.range.high - m_scale.range.low;
    for (const float value : m_values) {
        const double at = (static_cast<double>(value) - m_scale.range.low) / width * bins;
        if (at >= 0 && at <= bins) {
            ++m_histogram[static_cast<std::size_t>(std::min(bins - 1, static_cast<int>(at)))];
        }
    }
}

void ColourBar::setMark(double value) {
    m_mark = value;
    update();
}

void ColourBar::setBarRange(int top, int height) {
    m_top = top;
    m_height = std::max(1, height);
    update();
}

void ColourBar::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    updateGeometry();
    update();
}

QSize ColourBar::sizeHint() const { return {labelsLeft + m_tokens.px(34), m_tokens.px(160)}; }

QRect ColourBar::bar() const { return {barLeft, m_top, barWidth, m_height}; }

int ColourBar::yOf(double value) const {
    const double at = (value - m_scale.range.low) / (m_scale.range.high - m_scale.range.low);
    return m_top + static_cast<int>(std::lround(m_height * (1 - std::clamp(at, 0.0, 1.0))));
}

double ColourBar::valueAt(int y) const {
    const ColourRange& range = m_dragged == Limit::none ? m_scale.range : m_dragFrom;
    return range.low + (range.high - range.low) * (1 - static_cast<double>(y - m_top) / m_height);
}

void ColourBar::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    const QRect colours = bar();
    for (int y = 0; y < colours.height(); ++y) {
        const auto index = static_cast<std::size_t>(255 - std::min(255, y * 256 / colours.height()));
        const Rgb& rgb = m_scale.map->table[index];
        painter.fillRect(colours.left(), colours.top() + y, barWidth, 1,
                         QColor(rgb.red, rgb.green, rgb.blue));
    }
    QColor ground = m_tokens.border;
    ground.setAlphaF(0.55F);
    const int most = std::max(1, *std::max_element(m_histogram.begin(), m_histogram.end()));
    for (int i = 0; i < bins; ++i) {
        const int number = m_histogram[static_cast<std::size_t>(i)];
        const int bottom = colours.top() + colours.height() - i * colours.height() / bins;
        const int top = colours.top() + colours.height() - (i + 1) * colours.height() / bins;
        if (number > 0) {
            const int length = std::max(1, histogramWidth * number / most);
            painter.fillRect(histogramLeft, top, length, std::max(1, bottom - top - 1), ground);
        }
    }

    painter.setFont(m_tokens.sans(11));
    const QFontMetrics metrics(painter.font());
    const auto ticks = niceTicks(m_scale.range.low, m_scale.range.high, std::clamp(m_height / 60 + 1, 3, 5));
    for (const double tick : ticks) {
        const int y = yOf(tick);
        painter.fillRect(colours.right() + 1, y, 3, 1, m_tokens.border);
        painter.setPen(m_tokens.secondary);
        const int middle = std::clamp(y, m_top + 5, m_top + m_height - 4);
        painter.drawText(QRect(labelsLeft, middle - 10, width() - labelsLeft, 20),
                         Qt::AlignLeft | Qt::AlignVCenter, formatTick(tick));
    }

    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(Qt::NoPen);
    painter.setBrush(hasFocus() ? m_tokens.accent : m_tokens.secondary);
    for (const int y : {colours.top(), colours.top() + colours.height()}) {
        painter.drawPolygon(
            QPolygonF{QPointF(barLeft - 1, y), QPointF(barLeft - 7, y - 5), QPointF(barLeft - 7, y + 5)});
    }
    if (std::isfinite(m_mark)) {
        const int y = yOf(m_mark);
        painter.setRenderHint(QPainter::Antialiasing, false);
        painter.fillRect(barLeft - 2, y - 2, barWidth + 4, 4, m_tokens.base);
        painter.fillRect(barLeft - 2, y - 1, barWidth + 4, 2, m_tokens.here);
    }
}

void ColourBar::moveLimit(Limit limit, double to) {
    ColourRange range = m_scale.range;
    if (m_symmetric) {
        const double size = std::abs(to);
        range = {-size, size};
    } else {
        (limit == Limit::low ? range.low : range.high) = to;
    }
    if (!(range.low < range.high) || !std::isfinite(range.low) || !std::isfinite(range.high)) {
        return;
    }
    m_scale.range = range;
    count();
    describe();
    update();
    Q_EMIT rangeEdited(range);
}

void ColourBar::mousePressEvent(QMouseEvent* event) {
    const QRect colours = bar();
    const int toTop = std::abs(event->pos().y() - colours.top());
    const int toBottom = std::abs(event->pos().y() - colours.top() - colours.height());
    if (event->button() == Qt::LeftButton && std::min(toTop, toBottom) <= 12) {
        m_dragFrom = m_scale.range;
        m_dragged = toTop < toBottom ? Limit::high : Limit::low;
    }
}

// The dragged limit is where the pointer is: pulled towards the middle the range narrows, outwards it widens.
void ColourBar::mouseMoveEvent(QMouseEvent* event) {
    if (m_dragged != Limit::none) {
        moveLimit(m_dragged, valueAt(event->pos().y()));
    }
}

void ColourBar::mouseReleaseEvent(QMouseEvent*) { m_dragged = Limit::none; }

void ColourBar::mouseDoubleClickEvent(QMouseEvent*) { Q_EMIT automaticRequested(); }

void ColourBar::keyPressEvent(QKeyEvent* event) {
    const int direction = event->key() == Qt::Key_Up ? 1 : event->key() == Qt::Key_Down ? -1 : 0;
    if (direction != 0) {
        const double step = direction * 0.01 * (m_scale.range.high - m_scale.range.low);
        if (event->modifiers().testFlag(Qt::ControlModifier)) {
            moveLimit(Limit::low, m_scale.range.low + step);
        } else {
            moveLimit(Limit::high, m_scale.range.high + step);
        }
    } else if (event->key() == Qt::Key_Home) {
        Q_EMIT automaticRequested();
    } else {
        QWidget::keyPressEvent(event);
    }
}

} // namespace azimuth
