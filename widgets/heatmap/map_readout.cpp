#include "widgets/heatmap/map_readout.h"

#include <QFontMetrics>
#include <QPainter>

namespace azimuth {

MapReadout::MapReadout(QWidget* parent) : QWidget(parent), m_tokens(lightTokens()) {
    setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
}

void MapReadout::setContent(const QString& site, QList<Part> parts, const QString& end) {
    m_site = site;
    m_parts = std::move(parts);
    m_end = end;
    setAccessibleName(text());
    update();
}

QString MapReadout::text() const {
    QStringList words{m_site};
    for (const Part& part : m_parts) {
        words.append((part.caption + QLatin1Char(' ') + part.value).trimmed());
    }
    words.append(m_end);
    words.removeAll(QString());
    return words.join(QStringLiteral(", "));
}

void MapReadout::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    updateGeometry();
    update();
}

QSize MapReadout::sizeHint() const { return {m_tokens.px(300), m_tokens.px(24)}; }

void MapReadout::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    painter.setRenderHint(QPainter::Antialiasing);
    painter.setPen(m_tokens.line);
    painter.setBrush(m_tokens.alternate);
    painter.drawRoundedRect(QRectF(rect()).adjusted(0.5, 0.5, -0.5, -0.5), 4, 4);

    const QFont plain = m_tokens.sans(12);
    const QFont strong = m_tokens.sans(12, QFont::DemiBold);
    const QFontMetrics metrics(plain);
    const QFontMetrics strongMetrics(strong);
    int needed = 10 + metrics.horizontalAdvance(m_site) + 16;
    for (const Part& part : m_parts) {
        needed += (part.caption.isEmpty() ? 0 : metrics.horizontalAdvance(part.caption) + 4) +
                  (part.strong ? strongMetrics : metrics).horizontalAdvance(part.value) + 16;
    }
    // Where not everything fits, the words at the right end go first.
    const int endWidth = metrics.horizontalAdvance(m_end);
    const bool endShown = !m_end.isEmpty() && needed + endWidth + 10 <= width();
    int x = 10;
    const int limit = width() - 10 - (endShown ? endWidth + 16 : 0);
    const auto draw = [&](const QString& text, const QFont& font, const QColor& colour, int after) {
        const int width = QFontMetrics(font).horizontalAdvance(text);
        if (text.isEmpty() || x >= limit) {
            return;
        }
        painter.setFont(font);
        painter.setPen(colour);
        const QString shown = QFontMetrics(font).elidedText(text, Qt::ElideRight, limit - x);
        painter.drawText(QRect(x, 0, limit - x, height()), Qt::AlignLeft | Qt::AlignVCenter, shown);
        x += width + after;
    };
    draw(m_site, m_tokens.sans(12, QFont::Medium), m_tokens.here, 16);
    for (const Part& part : m_parts) {
        const int whole = (part.caption.isEmpty() ? 0 : metrics.horizontalAdvance(part.caption) + 4) +
                          (part.strong ? strongMetrics : metrics).horizontalAdvance(part.value);
        if (x > 10 + metrics.horizontalAdvance(m_site) + 16 && x + whole > limit) {
            break; // a part is shown whole or not at all
        }
        draw(part.caption, plain, m_tokens.secondary, 4);
        draw(part.value, part.strong ? strong : plain, m_tokens.text, 16);
    }
    if (endShown) {
        painter.setFont(plain);
        painter.setPen(m_tokens.secondary);
        painter.drawText(rect().adjusted(0, 0, -10, 0), Qt::AlignRight | Qt::AlignVCenter, m_end);
    }
}

} // namespace azimuth
