#include "widgets/heatmap/heat_map.h"

#include "widgets/heatmap/map_readout.h"
#include "widgets/numbers.h"

#include <limits>

namespace azimuth {

namespace {

constexpr int barGap = 6;
constexpr int readoutGap = 6;
constexpr int smallestReadout = 512;

} // namespace

HeatMap::HeatMap(QWidget* parent)
    : QWidget(parent), m_view(new HeatMapView), m_bar(new ColourBar), m_readout(new MapReadout),
      m_tokens(lightTokens()) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Expanding);
    for (QWidget* part :
         {static_cast<QWidget*>(m_view), static_cast<QWidget*>(m_bar), static_cast<QWidget*>(m_readout)}) {
        part->setParent(this);
    }
    connect(m_view, &HeatMapView::currentChanged, this, &HeatMap::currentChanged);
    connect(m_view, &HeatMapView::currentChanged, this, &HeatMap::readOut);
    connect(m_view, &HeatMapView::cursorMoved, this, &HeatMap::readOut);
    connect(m_view, &HeatMapView::viewChanged, this, &HeatMap::follow);
    connect(m_view, &HeatMapView::hovered, this, [this](int row, int column) {
        m_hovered = {column, row};
        readOut();
        Q_EMIT hovered(row, column);
    });
    connect(m_bar, &ColourBar::rangeEdited, this, [this](const ColourRange& range) {
        setRange(range);
        Q_EMIT rangeChanged(range, false);
    });
    connect(m_bar, &ColourBar::automaticRequested, this, [this] {
        setAutomaticRange();
        Q_EMIT rangeChanged(scale().range, true);
    });
    readOut();
}

void HeatMap::setData(HeatMapData data) {
    m_view->setData(std::move(data));
    const HeatMapData& shown = m_view->data();
    m_bar->setValueName(shown.valueName);
    m_bar->setValues(shown.values ? std::span<const float>(*shown.values) : std::span<const float>());
    m_withinNull = -1;
    if (!std::isnan(shown.nullLimit) && shown.values) {
        std::size_t within = 0;
        std::size_t measured = 0;
        for (const float value : *shown.values) {
            measured += std::isnan(value) ? 0 : 1;
            within += std::abs(static_cast<double>(value)) < shown.nullLimit ? 1 : 0;
        }
        m_withinNull = measured ? static_cast<int>(std::lround(100.0 * static_cast<double>(within) /
                                                               static_cast<double>(measured)))
                                : -1;
    }
    m_hovered = {-1, -1};
    if (m_automatic) {
        chooseAutomatic();
    }
    readOut();
}

void HeatMap::setColourMap(const ColourMap& map) {
    m_map = &map;
    m_bar->setSymmetric(map.kind == ColourMapKind::diverging);
    if (m_automatic) {
        chooseAutomatic();
    } else {
        apply({m_map, scale().range});
    }
}

void HeatMap::setRangeRule(RangeRule rule) {
    m_rule = rule;
    setAutomaticRange();
}

void HeatMap::setRange(const ColourRange& range) {
    m_automatic = false;
    apply({m_map, range});
}

void HeatMap::setAutomaticRange() {
    m_automatic = true;
    chooseAutomatic();
}

void HeatMap::chooseAutomatic() {
    const auto& values = m_view->data().values;
    const RangeRule rule = m_map->kind == ColourMapKind::diverging ? RangeRule::symmetric : m_rule;
    apply({m_map, chooseRange(values ? std::span<const float>(*values) : std::span<const float>(), rule)});
}

void HeatMap::apply(const ColourScale& scale) {
    m_view->setScale(scale);
    m_bar->setScale(scale);
}

void HeatMap::setColourBarShown(bool shown) {
    m_barShown = shown;
    m_bar->setVisible(shown);
    arrange();
}

void HeatMap::setReadoutShown(bool shown) {
    m_readoutShown = shown;
    m_readout->setVisible(shown);
    arrange();
}

void HeatMap::setCurrent(int row, int column) {
    m_view->setCurrent(row, column);
    readOut();
}

QString HeatMap::readoutText() const { return m_readout->text(); }

void HeatMap::readOut() {
    const HeatMapData& data = m_view->data();
    const QPoint cursor = m_view->hasFocus() ? m_view->cursor() : QPoint(-1, -1);
    const QPoint at = m_hovered.x() >= 0 ? m_hovered : cursor.x() >= 0 ? cursor : m_view->current();
    QString end = m_view->aggregation();
    if (end.isEmpty() && m_withinNull >= 0) {
        end = tr("%1 % within null").arg(m_withinNull);
    }
    if (at.x() < 0 || at.y() < 0 || data.empty()) {
        m_bar->setMark(std::numeric_limits<double>::quiet_NaN());
        m_readout->setContent({}, {{tr("Point at a cell to read it"), {}, false}}, end);
        return;
    }
    const int row = at.y();
    const int column = at.x();
    const auto label = [](const QStringList& labels, int i) {
        return labels.isEmpty() ? QString::number(i) : labels[i];
    };
    const QString site =
        data.site ? data.site(row, column)
                  : label(data.rowLabels, row) + QStringLiteral(" × ") + label(data.columnLabels, column);
    const auto value = static_cast<double>(data.at(row, column));
    QList<MapReadout::Part> parts;
    if (std::isnan(value)) {
        const QString reason = data.reason ? data.reason(row, column) : QString();
        parts.append({tr("not measured"), reason, false});
    } else {
        parts.append({data.valueName, data.format ? data.format(value) : formatNumber(value, 4), true});
        if (data.low && data.high) {
            const auto index = static_cast<std::size_t>(row) * data.columns + column;
            const auto low = static_cast<double>((*data.low)[index]);
            const auto high = static_cast<double>((*data.high)[index]);
            parts.append({tr("95 %"),
                          data.format ? tr("%1 to %2").arg(data.format(low), data.format(high))
                                      : formatRange(low, high, 3),
                          false});
        }
        if (!std::isnan(data.nullLimit)) {
            parts.append({tr("null"), QStringLiteral("±") + formatNumber(data.nullLimit, 2), false});
        }
        if (!data.sampleSize.isEmpty()) {
            parts.append({{}, data.sampleSize, false});
        }
    }
    m_bar->setMark(value);
    m_readout->setContent(site, parts, end);
}

// The map takes what bar and readout leave; they then move up to the cells, whose size is a whole number
// of pixels.
void HeatMap::arrange() {
    const int barWidth = m_barShown ? m_bar->sizeHint().width() + barGap : 0;
    const int readoutHeight = m_readoutShown ? m_readout->sizeHint().height() + readoutGap : 0;
    m_view->setGeometry(0, 0, std::max(0, width() - barWidth), std::max(0, height() - readoutHeight));
    follow();
}

void HeatMap::follow() {
    const QRect map = m_view->mapRect();
    m_bar->setGeometry(map.right() + barGap, 0, m_bar->sizeHint().width(), m_view->height());
    m_bar->setBarRange(map.top(), map.height());
    const int right = m_barShown ? m_bar->geometry().right() : map.right();
    const int readoutWidth = std::min(width(), std::max(right + 1, m_tokens.px(smallestReadout)));
    const int top = std::min(m_view->contentBottom() + readoutGap, height() - m_readout->sizeHint().height());
    m_readout->setGeometry(0, top, readoutWidth, m_readout->sizeHint().height());
    readOut();
}

void HeatMap::resizeEvent(QResizeEvent* event) {
    QWidget::resizeEvent(event);
    arrange();
}

QSize HeatMap::sizeHint() const {
    return m_view->sizeHint() +
           QSize(m_barShown ? m_bar->sizeHint().width() : 0, m_readoutShown ? m_tokens.px(28) : 0);
}

QSize HeatMap::minimumSizeHint() const {
    return m_view->minimumSizeHint() +
           QSize(m_barShown ? m_bar->sizeHint().width() : 0, m_readoutShown ? m_tokens.px(28) : 0);
}

void HeatMap::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    m_view->setTokens(tokens);
    m_bar->setTokens(tokens);
    m_readout->setTokens(tokens);
    arrange();
}

} // namespace azimuth
