#include "app/workbench/bottom_pane.h"

#include "app/workbench/page.h"
#include "app/workbench/theme/theme.h"
#include "widgets/icons.h"
#include "widgets/numbers.h"

#include <algorithm>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QListWidget>
#include <QMouseEvent>
#include <QPainter>
#include <QPlainTextEdit>
#include <QScrollArea>
#include <QStackedWidget>
#include <QStyledItemDelegate>
#include <QToolButton>
#include <QVBoxLayout>

namespace azimuth {
namespace {

constexpr int logLines = 5000;
constexpr int notificationWidth = 720; // px

azimuth::State iconState(JobItem::State state) {
    switch (state) {
    case JobItem::State::Waiting:
        return azimuth::State::waiting;
    case JobItem::State::Running:
        return azimuth::State::running;
    case JobItem::State::Done:
        return azimuth::State::done;
    case JobItem::State::Failed:
        return azimuth::State::failed;
    case JobItem::State::Cancelled:
        return azimuth::State::notMeasured;
    }
    return azimuth::State::waiting;
}

bool canCancel(const JobItem& job) {
    return job.state == JobItem::State::Running || job.state == JobItem::State::Waiting;
}

} // namespace

// Icon, name, phase, bar, percent, time left, stop.
class BottomPane::JobDelegate : public QStyledItemDelegate {
public:
    JobDelegate(BottomPane* pane) : QStyledItemDelegate(pane), m_pane(pane) {}

    QSize sizeHint(const QStyleOptionViewItem&, const QModelIndex&) const override {
        return {200, m_pane->m_tokens.px(26)};
    }

    static QRect stopRect(const QRect& row) { return {row.right() - 34, row.top(), 26, row.height()}; }

    void paint(QPainter* painter, const QStyleOptionViewItem& option,
               const QModelIndex& index) const override {
        const auto& tokens = m_pane->m_tokens;
        const auto at = static_cast<std::size_t>(index.row());
        if (at >= m_pane->m_jobs.size()) {
            painter->setFont(tokens.sans(13));
            painter->setPen(tokens.secondary);
            painter->drawText(option.rect.adjusted(12, 0, 0, 0), Qt::AlignVCenter, tr("No jobs have run."));
            return;
        }
        const auto& job = m_pane->m_jobs[at];
        painter->save();
        const QRect row = option.rect;
        if (option.state & QStyle::State_MouseOver)
            painter->fillRect(row, tokens.hover);
        painter->fillRect(QRect(row.left(), row.bottom(), row.width(), 1), tokens.line);
        if (option.state & QStyle::State_HasFocus && option.state & QStyle::State_KeyboardFocusChange) {
            painter->setPen(QPen(tokens.accent, 2));
            painter->drawRect(row.adjusted(4, 3, -4, -4));
        }
        const auto state = iconState(job.state);
        paintIcon(*painter, stateIcon(state), QRectF(row.left() + 10, row.top(), 16, row.height()), 16,
                  stateColour(tokens, state));
        const int nameWidth = std::max(160, row.width() * 3 / 10),
                  phaseWidth = std::max(160, row.width() * 3 / 10);
        const int tail = 34 + 8 + tokens.px(96) + tokens.px(44);
        painter->setFont(tokens.sans(13));
        painter->setPen(tokens.text);
        const auto text = [&](int left, int width, const QString& value, Qt::Alignment alignment) {
            const QRect box(left, row.top(), width, row.height());
            painter->drawText(box, alignment | Qt::AlignVCenter,
                              painter->fontMetrics().elidedText(value, Qt::ElideRight, width));
        };
        text(row.left() + 34, nameWidth - 8, job.name, Qt::AlignLeft);
        painter->setPen(tokens.secondary);
        painter->setFont(tokens.sans(12));
        text(row.left() + 34 + nameWidth, phaseWidth - 8, job.phase, Qt::AlignLeft);
        const int barLeft = row.left() + 34 + nameWidth + phaseWidth;
        const int barWidth = row.right() - tail - barLeft;
        if (job.state == JobItem::State::Running && job.fraction >= 0 && barWidth > 30) {
            painter->setRenderHint(QPainter::Antialiasing);
            painter->setPen(Qt::NoPen);
            const QRectF bar(barLeft, row.center().y() - 1.5, barWidth, 4);
            painter->setBrush(tokens.line);
            painter->drawRoundedRect(bar, 2, 2);
            painter->setBrush(tokens.accent);
            painter->drawRoundedRect(
                QRectF(bar.left(), bar.top(), bar.width() * std::min(1.0, job.fraction), 4), 2, 2);
            painter->setPen(tokens.text);
            text(row.right() - tail + 4, tokens.px(40), formatPercent(job.fraction), Qt::AlignRight);
        }
        painter->setPen(tokens.secondary);
        text(row.right() - 42 - tokens.px(96), tokens.px(96), job.timeLeft, Qt::AlignRight);
        if (canCancel(job))
            paintIcon(*painter, QStringLiteral("stop"), stopRect(row), 16, tokens.secondary);
        painter->restore();
    }

    bool editorEvent(QEvent* event, QAbstractItemModel*, const QStyleOptionViewItem& option,
                     const QModelIndex& index) override {
        if (event->type() != QEvent::MouseButtonRelease)
            return false;
        const auto at = static_cast<std::size_t>(index.row());
        if (at < m_pane->m_jobs.size() && canCancel(m_pane->m_jobs[at]) &&
            stopRect(option.rect).contains(static_cast<QMouseEvent*>(event)->position().toPoint())) {
            Q_EMIT m_pane->cancelRequested(m_pane->m_jobs[at].id);
            return true;
        }
        return false;
    }

private:
    BottomPane* m_pane;
};

BottomPane::BottomPane(QWidget* parent) : QWidget(parent) {
    setObjectName(QStringLiteral("bottomPane"));
    setProperty("surface", QStringLiteral("chrome"));
    setAttribute(Qt::WA_StyledBackground);
    auto* layout = new QVBoxLayout(this);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    auto* head = new QHBoxLayout;
    head->setContentsMargins(8, 0, 8, 0);
    m_tabs = new QTabBar(this);
    m_tabs->setDrawBase(false);
    m_tabs->setExpanding(false);
    m_tabs->setUsesScrollButtons(false);
    m_tabs->setElideMode(Qt::ElideNone);
    m_tabs->setAccessibleName(tr("Jobs, notifications, log"));
    m_tabs->addTab(Theme::icon(QStringLiteral("jobs")), tr("Jobs"));
    m_tabs->addTab(Theme::icon(QStringLiteral("notification")), tr("Notifications"));
    m_tabs->addTab(Theme::icon(QStringLiteral("log")), tr("Log"));
    head->addWidget(m_tabs);
    head->addStretch(1);
    const auto button = [&](const char* icon, const QString& tip) {
        auto* made = new QToolButton(this);
        made->setIcon(Theme::icon(QString::fromLatin1(icon)));
        made->setFixedSize(28, 28);
        made->setToolTip(tip);
        made->setAccessibleName(tip);
        head->addWidget(made);
        return made;
    };
    m_stop = button("stop", tr("Stop the run; finished parts are kept"));
    m_close = button("close", tr("Close this pane (Ctrl+J)"));
    layout->addLayout(head);
    layout->addWidget(makeRule(this));

    m_stack = new QStackedWidget(this);
    m_jobList = new QListWidget(m_stack);
    m_jobList->setObjectName(QStringLiteral("jobList"));
    m_jobList->setAccessibleName(tr("Jobs"));
    m_jobList->setMouseTracking(true);
    m_delegate = new JobDelegate(this);
    m_jobList->setItemDelegate(m_delegate);
    m_jobList->setProperty("surface", QStringLiteral("chrome"));
    m_notificationList = new QScrollArea(m_stack);
    m_notificationList->setAccessibleName(tr("Notifications"));
    m_notificationList->setProperty("surface", QStringLiteral("chrome"));
    m_notificationList->setFrameShape(QFrame::NoFrame);
    m_notificationList->setWidgetResizable(true);
    m_notificationList->viewport()->setAutoFillBackground(false);
    m_log = new QPlainTextEdit(m_stack);
    m_log->setReadOnly(true);
    m_log->setMaximumBlockCount(logLines);
    m_log->setFrameShape(QFrame::NoFrame);
    m_log->setProperty("role", QStringLiteral("log"));
    m_log->setAccessibleName(tr("Log"));
    for (QWidget* page : {static_cast<QWidget*>(m_jobList), static_cast<QWidget*>(m_notificationList),
                          static_cast<QWidget*>(m_log)})
        m_stack->addWidget(page);
    layout->addWidget(m_stack, 1);

    connect(m_tabs, &QTabBar::currentChanged, m_stack, &QStackedWidget::setCurrentIndex);
    connect(m_stop, &QToolButton::clicked, this, &BottomPane::cancelAllRequested);
    connect(m_close, &QToolButton::clicked, this, &BottomPane::closeRequested);
    connect(m_jobList, &QListWidget::itemActivated, this, [this](QListWidgetItem* item) {
        const auto at = static_cast<std::size_t>(m_jobList->row(item));
        if (at < m_jobs.size() && m_jobs[at].state == JobItem::State::Failed)
            showTab(Log);
    });
    setJobs({});
    rebuildNotifications();
}

void BottomPane::setJobs(const std::vector<JobItem>& jobs) {
    m_jobs = jobs;
    if (jobs.empty()) {
        m_jobList->clear();
        auto* item = new QListWidgetItem(m_jobList);
        item->setData(Qt::AccessibleTextRole, tr("No jobs have run."));
        item->setFlags(Qt::ItemIsEnabled);
    } else {
        while (m_jobList->count() > static_cast<int>(jobs.size()))
            delete m_jobList->takeItem(m_jobList->count() - 1);
        while (m_jobList->count() < static_cast<int>(jobs.size()))
            new QListWidgetItem(m_jobList);
        for (std::size_t i = 0; i < jobs.size(); ++i) {
            auto* item = m_jobList->item(static_cast<int>(i));
            item->setFlags(Qt::ItemIsEnabled | Qt::ItemIsSelectable);
            item->setText({});
            item->setData(Qt::AccessibleTextRole, jobs[i].name + QStringLiteral(", ") + jobs[i].phase);
            item->setToolTip(jobs[i].phase);
        }
    }
    m_jobList->viewport()->update();
    m_stop->setEnabled(std::any_of(jobs.begin(), jobs.end(), canCancel));
    refreshTitles();
}

void BottomPane::addNotification(const Notification& notification) {
    m_notifications.insert(m_notifications.begin(), notification);
    rebuildNotifications();
}

void BottomPane::dismissNotification(int index) {
    if (index < 0 || index >= notificationCount())
        return;
    m_notifications.erase(m_notifications.begin() + index);
    rebuildNotifications();
}

void BottomPane::rebuildNotifications() {
    auto* content = new QWidget;
    content->setProperty("surface", QStringLiteral("chrome"));
    auto* layout = new QVBoxLayout(content);
    layout->setContentsMargins(12, 8, 12, 8);
    layout->setSpacing(8);
    if (m_notifications.empty()) {
        auto* nothing = new QLabel(tr("Nothing to report."), content);
        nothing->setProperty("role", QStringLiteral("secondary"));
        layout->addWidget(nothing);
    }
    for (std::size_t i = 0; i < m_notifications.size(); ++i) {
        auto* frame = new NotificationFrame(m_notifications[i], content);
        frame->setMaximumWidth(m_tokens.px(notificationWidth));
        layout->addWidget(frame);
        connect(
            frame, &NotificationFrame::closed, this, [this, i] { dismissNotification(static_cast<int>(i)); },
            Qt::QueuedConnection);
        connect(frame, &NotificationFrame::actionTriggered, this, &BottomPane::notificationAction);
    }
    layout->addStretch(1);
    // Never deleted here: the caller may be a notification, or a style sheet on its way through all widgets.
    if (auto* old = m_notificationList->takeWidget())
        old->deleteLater();
    m_notificationList->setWidget(content);
    refreshTitles();
}

void BottomPane::appendLog(const QString& line) { m_log->appendPlainText(line); }
QString BottomPane::logText() const { return m_log->toPlainText(); }

void BottomPane::showTab(Tab tab) { m_tabs->setCurrentIndex(tab); }
BottomPane::Tab BottomPane::currentTab() const { return static_cast<Tab>(m_tabs->currentIndex()); }

void BottomPane::refreshTitles() {
    const auto active = std::count_if(m_jobs.begin(), m_jobs.end(), canCancel);
    m_tabs->setTabText(Jobs, active > 0 ? tr("Jobs %1").arg(active) : tr("Jobs"));
    m_tabs->setTabText(Notifications, m_notifications.empty()
                                          ? tr("Notifications")
                                          : tr("Notifications %1").arg(m_notifications.size()));
    Q_EMIT countsChanged();
}

void BottomPane::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    m_log->setFont(tokens.mono(12));
    m_jobList->doItemsLayout();
    for (auto* frame : m_notificationList->findChildren<NotificationFrame*>())
        frame->setMaximumWidth(tokens.px(notificationWidth));
}

} // namespace azimuth
