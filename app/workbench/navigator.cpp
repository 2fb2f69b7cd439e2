#include "app/workbench/navigator.h"

#include "app/workbench/elided_label.h"
#include "app/workbench/page.h"
#include "widgets/icons.h"

#include <algorithm>
#include <QLabel>
#include <QPainter>
#include <QStyledItemDelegate>
#include <QVBoxLayout>

namespace azimuth {

namespace {
enum Role { IdRole = Qt::UserRole, IconRole, CountRole, GroupStartRole };
}

class Navigator::Delegate : public QStyledItemDelegate {
public:
    using QStyledItemDelegate::QStyledItemDelegate;
    Tokens tokens;
    bool iconsOnly = false;

    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex& index) const override {
        return {100, tokens.px(30) + (index.data(GroupStartRole).toBool() ? 17 : 0)};
    }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        painter->save();
        QRect row = option.rect;
        if (index.data(GroupStartRole).toBool()) {
            painter->fillRect(QRect(row.left() + 12, row.top() + 8, row.width() - 24, 1), tokens.line);
            row.setTop(row.top() + 17);
        }
        const bool current = option.state & QStyle::State_Selected;
        if (current)
            painter->fillRect(row, tokens.accentTint);
        else if (option.state & QStyle::State_MouseOver)
            painter->fillRect(row, tokens.hover);
        if (current)
            painter->fillRect(QRect(row.left(), row.top(), 3, row.height()), tokens.accent);
        const int iconLeft = iconsOnly ? row.left() : row.left() + 12;
        paintIcon(*painter, index.data(IconRole).toString(),
                  QRectF(iconLeft, row.top(), iconsOnly ? row.width() : 16, row.height()), 16,
                  current ? tokens.accent : tokens.secondary);
        if (!iconsOnly) {
            painter->setFont(tokens.sans(13, current ? QFont::DemiBold : QFont::Normal));
            painter->setPen(tokens.text);
            painter->drawText(row.adjusted(38, 0, -12, 0), Qt::AlignVCenter | Qt::AlignLeft,
                              index.data(Qt::DisplayRole).toString());
            painter->setFont(tokens.sans(12));
            painter->setPen(tokens.secondary);
            painter->drawText(row.adjusted(38, 0, -12, 0), Qt::AlignVCenter | Qt::AlignRight,
                              index.data(CountRole).toString());
        }
        if (option.state & QStyle::State_HasFocus && option.state & QStyle::State_KeyboardFocusChange) {
            painter->setPen(QPen(tokens.accent, 2));
            painter->drawRect(row.adjusted(4, 3, -4, -3));
        }
        painter->restore();
    }
};

class Navigator::MemoryBar : public QWidget {
public:
    using QWidget::QWidget;
    Tokens tokens;
    double fraction = -1;

protected:
    void paintEvent(QPaintEvent*) override {
        QPainter painter(this);
        painter.setRenderHint(QPainter::Antialiasing);
        painter.setPen(Qt::NoPen);
        painter.setBrush(tokens.line);
        painter.drawRoundedRect(rect(), 2, 2);
        if (fraction <= 0)
            return;
        painter.setBrush(tokens.accent);
        painter.drawRoundedRect(QRectF(0, 0, width() * std::min(fraction, 1.0), height()), 2, 2);
    }
};

Navigator::Navigator(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("navigator"));
    setProperty("surface", QStringLiteral("chrome"));
    setAttribute(Qt::WA_StyledBackground);
    setAccessibleName(tr("Pages"));
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);

    m_head = new QWidget(this);
    auto* headRow = new QHBoxLayout(m_head);
    headRow->setContentsMargins(12, 4, 12, 4);
    headRow->setSpacing(10);
    m_headIcon = new QLabel(m_head);
    auto* headLayout = new QVBoxLayout;
    headLayout->setSpacing(0);
    m_name = new ElidedLabel({}, Qt::ElideRight, m_head);
    m_line = new ElidedLabel({}, Qt::ElideRight, m_head);
    m_line->setProperty("role", QStringLiteral("caption"));
    headLayout->addWidget(m_name);
    headLayout->addWidget(m_line);
    headRow->addWidget(m_headIcon);
    headRow->addLayout(headLayout, 1);
    layout->addWidget(m_head);
    layout->addWidget(makeRule(this));

    m_list = new QListWidget(this);
    m_list->setObjectName(QStringLiteral("navigatorList"));
    m_list->setAccessibleName(tr("Pages"));
    m_list->setFrameShape(QFrame::NoFrame);
    m_list->setMouseTracking(true);
    m_list->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_list->viewport()->setAutoFillBackground(false);
    m_delegate = new Delegate(m_list);
    m_list->setItemDelegate(m_delegate);
    layout->addSpacing(6);
    layout->addWidget(m_list, 1);

    m_foot = new QWidget(this);
    auto* footLayout = new QVBoxLayout(m_foot);
    footLayout->setContentsMargins(12, 8, 12, 10);
    footLayout->setSpacing(6);
    auto* footRow = new QHBoxLayout;
    m_device = new ElidedLabel({}, Qt::ElideRight, m_foot);
    m_memory = new QLabel(m_foot);
    m_memory->setProperty("role", QStringLiteral("caption"));
    m_deviceIcon = new QLabel(m_foot);
    footRow->setSpacing(10);
    footRow->addWidget(m_deviceIcon);
    footRow->addWidget(m_device, 1);
    footRow->addWidget(m_memory);
    m_bar = new MemoryBar(m_foot);
    m_bar->setFixedHeight(4);
    footLayout->addLayout(footRow);
    footLayout->addWidget(m_bar);
    layout->addWidget(makeRule(this));
    layout->addWidget(m_foot);

    connect(m_list, &QListWidget::currentItemChanged, this, [this](QListWidgetItem* item) {
        if (item)
            Q_EMIT pageRequested(item->data(IdRole).toString());
    });
}

void Navigator::addPage(Page* page, int group) {
    const bool start =
        !m_pages.empty() && m_list->item(m_list->count() - 1)->data(GroupStartRole + 1).toInt() != group;
    auto* item = new QListWidgetItem(page->title(), m_list);
    item->setData(IdRole, page->id());
    item->setData(IconRole, page->icon());
    item->setData(GroupStartRole, start);
    item->setData(GroupStartRole + 1, group);
    item->setToolTip(tr("%1 (Alt+%2)").arg(page->title()).arg(m_list->count()));
    m_pages.push_back(page);
}

void Navigator::setProject(const QString& title, const QString& line) {
    m_name->setWhole(title);
    m_line->setWhole(line);
}

void Navigator::setCurrent(const QString& pageId) {
    for (int i = 0; i < m_list->count(); ++i)
        if (m_list->item(i)->data(IdRole).toString() == pageId) {
            const QSignalBlocker blocker(m_list);
            m_list->setCurrentRow(i);
        }
}

void Navigator::updateCounts() {
    for (int i = 0; i < m_list->count(); ++i)
        m_list->item(i)->setData(CountRole, m_pages[static_cast<std::size_t>(i)]->navigatorCount());
}

void Navigator::setDevice(const QString& text, const QString& memory, double fraction) {
    m_device->setWhole(text);
    m_memory->setText(memory);
    m_bar->fraction = fraction;
    m_bar->setVisible(fraction >= 0);
    m_foot->setToolTip(memory.isEmpty() ? QString() : tr("Memory of this machine in use: %1").arg(memory));
    m_bar->update();
}

void Navigator::setIconsOnly(bool iconsOnly) {
    m_iconsOnly = iconsOnly;
    m_delegate->iconsOnly = iconsOnly;
    for (QWidget* part : {static_cast<QWidget*>(m_name), static_cast<QWidget*>(m_line), m_foot})
        part->setVisible(!iconsOnly);
    m_list->doItemsLayout();
}

void Navigator::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    m_delegate->tokens = tokens;
    m_bar->tokens = tokens;
    m_name->setFont(tokens.sans(13, QFont::DemiBold));
    m_device->setFont(tokens.sans(12));
    m_headIcon->setPixmap(iconPixmap(QStringLiteral("azimuth"), 16, tokens.accent, devicePixelRatioF()));
    m_deviceIcon->setPixmap(iconPixmap(QStringLiteral("device"), 16, tokens.secondary, devicePixelRatioF()));
    m_head->setFixedHeight(tokens.px(44));
    m_list->setStyleSheet(QStringLiteral("QListWidget { background: %1; }").arg(tokens.window.name()));
    m_list->doItemsLayout();
}

} // namespace azimuth
