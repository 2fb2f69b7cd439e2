#include "widgets/data_table.h"

#include <QHeaderView>
#include <QKeyEvent>
#include <QPainter>

namespace azimuth {

namespace {

constexpr int padding = 8;
constexpr int numberWidth = 44;
constexpr int iconSize = 16;
constexpr int progressWidth = 90;

// Header sections whose text is aligned as their column is; Qt's header ignores the model where a sheet
// is set.
class TableHeader : public QHeaderView {
public:
    explicit TableHeader(QWidget* parent) : QHeaderView(Qt::Horizontal, parent) {
        setHighlightSections(false);
        setSectionsClickable(true);
    }

protected:
    void paintSection(QPainter* painter, const QRect& rect, int section) const override {
        const Tokens& tokens = static_cast<const DataTable*>(parentWidget())->tokens();
        painter->fillRect(rect, tokens.base);
        painter->fillRect(QRect(rect.left(), rect.bottom(), rect.width(), 1), tokens.line);
        const QVariant given = model()->headerData(section, orientation(), Qt::TextAlignmentRole);
        const Qt::Alignment alignment =
            given.isValid() ? Qt::Alignment(given.toInt()) : Qt::Alignment(Qt::AlignLeft | Qt::AlignVCenter);
        painter->setFont(tokens.sans(12, QFont::Medium));
        painter->setPen(tokens.secondary);
        const QRect text = rect.adjusted(padding, 0, -padding, -1);
        const QString words = model()->headerData(section, orientation()).toString();
        painter->drawText(text, static_cast<int>(alignment | Qt::AlignVCenter),
                          painter->fontMetrics().elidedText(words, Qt::ElideRight, text.width()));
        if (isSortIndicatorShown() && sortIndicatorSection() == section) {
            const QString chevron = sortIndicatorOrder() == Qt::AscendingOrder
                                        ? QStringLiteral("chevron-up")
                                        : QStringLiteral("chevron-down");
            const int after = alignment & Qt::AlignRight
                                  ? text.right() - painter->fontMetrics().horizontalAdvance(words) - 14
                                  : text.left() + painter->fontMetrics().horizontalAdvance(words) + 2;
            painter->save();
            const QPointF centre(after + 6, rect.center().y());
            painter->translate(centre);
            painter->rotate(chevron == QStringLiteral("chevron-up") ? 180 : 0);
            paintIcon(*painter, QStringLiteral("chevron-down"), QRectF(-6, -6, 12, 12), 12, tokens.secondary);
            painter->restore();
        }
    }
};

} // namespace

TableDelegate::TableDelegate(DataTable* table) : QStyledItemDelegate(table), m_table(table) {}

QSize TableDelegate::sizeHint(const QStyleOptionViewItem&, const QModelIndex& index) const {
    const Tokens& tokens = m_table->tokens();
    const QFontMetrics metrics(tokens.sans(13));
    int width = metrics.horizontalAdvance(index.data().toString()) + 2 * padding;
    const QString suffix = index.data(SuffixRole).toString();
    width += suffix.isEmpty() ? 0 : metrics.horizontalAdvance(suffix) + 6;
    width += index.data(StateRole).isValid() ? iconSize + 6 : 0;
    width += index.data(ValueRole).isValid() ? 120 : 0;
    width += index.data(ProgressRole).isValid() ? progressWidth + 16 : 0;
    return {width, tokens.px(26)};
}

void TableDelegate::paint(QPainter* painter, const QStyleOptionViewItem& option,
                          const QModelIndex& index) const {
    painter->save();
    paintGround(*painter, option, index);
    paintContent(*painter, option.rect.adjusted(padding, 0, -padding, -1), index);
    const bool cursor = m_table->m_keyboard && m_table->hasFocus() && m_table->currentIndex() == index;
    if (cursor) {
        painter->setRenderHint(QPainter::Antialiasing, false);
        painter->setPen(QPen(m_table->tokens().accent, 2, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
        painter->drawRect(option.rect.adjusted(1, 1, -1, -2));
    }
    painter->restore();
}

void TableDelegate::paintGround(QPainter& painter, const QStyleOptionViewItem& option,
                                const QModelIndex& index) const {
    const Tokens& tokens = m_table->tokens();
    const QRect& cell = option.rect;
    const bool selected = option.state.testFlag(QStyle::State_Selected);
    const bool hovered = index.row() == m_table->hoveredRow();
    painter.fillRect(cell, selected ? tokens.accentTint : hovered ? tokens.hover : tokens.base);
    painter.fillRect(QRect(cell.left(), cell.bottom(), cell.width(), 1), tokens.line);
    if (index.column() == 0 && index.data(HereRole).toBool()) {
        painter.fillRect(QRect(cell.left(), cell.top(), 3, cell.height() - 1), tokens.here);
    }
}

void TableDelegate::paintContent(QPainter& painter, const QRect& cell, const QModelIndex& index) const {
    const Tokens& tokens = m_table->tokens();
    QRect left = cell;
    const QVariant label = index.data(LabelRole);
    if (label.isValid()) {
        const auto shape = static_cast<LabelShape>(label.toInt());
        const QSize size = labelChipSize(tokens, shape);
        paintLabelChip(painter, tokens, shape, {left.left(), left.center().y() - size.height() / 2 + 1});
        return;
    }
    const QVariant state = index.data(StateRole);
    if (state.isValid()) {
        const auto kind = static_cast<State>(state.toInt());
        paintIcon(painter, stateIcon(kind), QRectF(left.left(), left.top(), iconSize, left.height()),
                  iconSize, stateColour(tokens, kind));
        left.setLeft(left.left() + iconSize + 6);
    }
    painter.setFont(tokens.sans(13, index.data(ChosenRole).toBool() ? QFont::DemiBold : QFont::Normal));
    painter.setPen(index.data(MutedRole).toBool() ? tokens.secondary : tokens.text);
    const QFontMetrics metrics = painter.fontMetrics();
    const QString text = index.data().toString();
    const QVariant measured = index.data(ValueRole);
    if (measured.isValid()) {
        const QRect number(left.right() - tokens.px(numberWidth) + 1, left.top(), tokens.px(numberWidth),
                           left.height());
        paintWhisker(painter, tokens,
                     QRectF(left.left() - 4, left.top(), left.width() - number.width() + 4, left.height()),
                     measured.value<MeasuredValue>(), tokens.coherent);
        painter.drawText(number, Qt::AlignRight | Qt::AlignVCenter, text);
        return;
    }
    const QVariant given = index.data(Qt::TextAlignmentRole);
    const bool right = given.isValid() && Qt::Alignment(given.toInt()).testFlag(Qt::AlignRight);
    const QString suffix = index.data(SuffixRole).toString();
    if (right && suffix.isEmpty()) {
        painter.drawText(left, Qt::AlignRight | Qt::AlignVCenter,
                         metrics.elidedText(text, Qt::ElideLeft, left.width()));
        return;
    }
    const QString shown = metrics.elidedText(text, Qt::ElideRight, left.width());
    painter.drawText(left, Qt::AlignLeft | Qt::AlignVCenter, shown);
    left.setLeft(left.left() + metrics.horizontalAdvance(shown));
    const QVariant progress = index.data(ProgressRole);
    if (progress.isValid()) {
        const QRectF bar(left.left() + 8, left.center().y() - 1.5, progressWidth, 4);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.line);
        painter.drawRoundedRect(bar, 2, 2);
        painter.setBrush(tokens.accent);
        painter.drawRoundedRect(
            QRectF(bar.topLeft(), QSizeF(bar.width() * qBound(0.0, progress.toDouble(), 1.0), 4)), 2, 2);
        left.setLeft(static_cast<int>(bar.right()) + 8);
    }
    if (!suffix.isEmpty() && left.width() > 12) {
        painter.setFont(tokens.sans(13));
        painter.setPen(tokens.secondary);
        left.setLeft(left.left() + 4);
        painter.drawText(left, Qt::AlignLeft | Qt::AlignVCenter,
                         metrics.elidedText(suffix, Qt::ElideRight, left.width()));
    }
}

DataTable::DataTable(const QString& accessibleName, QWidget* parent)
    : QTableView(parent), m_tokens(lightTokens()) {
    setAccessibleName(accessibleName);
    setItemDelegate(new TableDelegate(this));
    setHorizontalHeader(new TableHeader(this));
    setShowGrid(false);
    setSelectionBehavior(SelectRows);
    setSelectionMode(SingleSelection);
    setEditTriggers(NoEditTriggers);
    setMouseTracking(true);
    setWordWrap(false);
    setHorizontalScrollMode(ScrollPerPixel);
    setVerticalScrollMode(ScrollPerPixel);
    setTabKeyNavigation(false);
    verticalHeader()->hide();
    horizontalHeader()->setStretchLastSection(true);
    setTokens(m_tokens);
    connect(this, &QTableView::doubleClicked, this,
            [this](const QModelIndex& index) { Q_EMIT rowActivated(index.row()); });
}

void DataTable::setModel(QAbstractItemModel* model) {
    QTableView::setModel(model);
    if (model) {
        connect(model, &QAbstractItemModel::modelReset, this, &DataTable::updateGeometry);
        connect(model, &QAbstractItemModel::rowsInserted, this, &DataTable::updateGeometry);
        connect(model, &QAbstractItemModel::rowsRemoved, this, &DataTable::updateGeometry);
    }
    updateGeometry();
}

void DataTable::setDensity(Density density) {
    m_density = density;
    setTokens(m_tokens);
}

void DataTable::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    const int height = tokens.px(static_cast<int>(m_density));
    verticalHeader()->setMinimumSectionSize(height);
    verticalHeader()->setDefaultSectionSize(height);
    verticalHeader()->setSectionResizeMode(QHeaderView::Fixed);
    horizontalHeader()->setFixedHeight(tokens.px(26));
    updateGeometry();
    viewport()->update();
}

void DataTable::setFitsRows(bool fits) {
    m_fitsRows = fits;
    setSizePolicy(QSizePolicy::Expanding, fits ? QSizePolicy::Fixed : QSizePolicy::Expanding);
    setVerticalScrollBarPolicy(fits ? Qt::ScrollBarAlwaysOff : Qt::ScrollBarAsNeeded);
    updateGeometry();
}

QSize DataTable::sizeHint() const {
    if (!m_fitsRows || !model()) {
        return QTableView::sizeHint();
    }
    const int rows = model()->rowCount() * verticalHeader()->defaultSectionSize();
    return {QTableView::sizeHint().width(), rows + horizontalHeader()->height()};
}

QSize DataTable::minimumSizeHint() const {
    return m_fitsRows ? QSize(QTableView::minimumSizeHint().width(), sizeHint().height())
                      : QTableView::minimumSizeHint();
}

void DataTable::setHovered(int row) {
    if (row != m_hovered) {
        m_hovered = row;
        viewport()->update();
    }
}

bool DataTable::viewportEvent(QEvent* event) {
    if (event->type() == QEvent::MouseMove) {
        setHovered(rowAt(static_cast<QMouseEvent*>(event)->pos().y()));
    } else if (event->type() == QEvent::Leave) {
        setHovered(-1);
    } else if (event->type() == QEvent::MouseButtonPress) {
        m_keyboard = false;
    }
    return QTableView::viewportEvent(event);
}

void DataTable::keyPressEvent(QKeyEvent* event) {
    const bool plain = event->modifiers() == Qt::NoModifier || event->modifiers() == Qt::KeypadModifier;
    if ((event->key() == Qt::Key_Return || event->key() == Qt::Key_Enter) && plain &&
        currentIndex().isValid() && (state() != EditingState || hasFocus())) { // not the editor's
        Q_EMIT rowActivated(currentIndex().row());
        return;
    }
    m_keyboard = true;
    QTableView::keyPressEvent(event);
    viewport()->update();
}

void DataTable::focusInEvent(QFocusEvent* event) {
    m_keyboard = event->reason() == Qt::TabFocusReason || event->reason() == Qt::BacktabFocusReason ||
                 event->reason() == Qt::ShortcutFocusReason;
    if (m_keyboard && !currentIndex().isValid() && model() && model()->rowCount() > 0) {
        setCurrentIndex(model()->index(0, 0));
    }
    QTableView::focusInEvent(event);
    viewport()->update();
}

} // namespace azimuth
