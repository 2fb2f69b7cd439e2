// The bottom pane: Jobs, Notifications, Log. Values in, requests out.
#pragma once

#include "widgets/notification.h"
#include "widgets/themed.h"

#include <QTabBar>
#include <QWidget>
#include <vector>

class QListWidget;
class QPlainTextEdit;
class QScrollArea;
class QStackedWidget;
class QToolButton;

namespace azimuth {

struct JobItem {
    enum class State { Waiting, Running, Done, Failed, Cancelled };
    QString id, name, phase; // "Calibrate SmolLM2 135M", "decoding, 64 of 128 completions"
    State state = State::Waiting;
    double fraction = -1; // negative: not known
    QString timeLeft;     // "6 min left", or "about 9 min" for one that waits; empty: not known
};

class BottomPane : public QWidget, public Themed {
    Q_OBJECT
public:
    enum Tab { Jobs, Notifications, Log };

    explicit BottomPane(QWidget* parent = nullptr);
    void setJobs(const std::vector<JobItem>& jobs);
    const std::vector<JobItem>& jobs() const { return m_jobs; }
    void addNotification(const Notification& notification);
    int notificationCount() const { return static_cast<int>(m_notifications.size()); }
    void dismissNotification(int index);
    void appendLog(const QString& line);
    QString logText() const;
    void showTab(Tab tab);
    Tab currentTab() const;
    void setTokens(const Tokens& tokens) override;

Q_SIGNALS:
    void cancelRequested(const QString& jobId);
    void cancelAllRequested();
    void notificationAction(const QString& id);
    void countsChanged();
    void closeRequested();

private:
    class JobDelegate;
    void refreshTitles();
    void rebuildNotifications();

    Tokens m_tokens;
    std::vector<JobItem> m_jobs;
    std::vector<Notification> m_notifications;
    QTabBar* m_tabs;
    QStackedWidget* m_stack;
    QListWidget* m_jobList;
    QScrollArea* m_notificationList;
    JobDelegate* m_delegate;
    QPlainTextEdit* m_log;
    QToolButton *m_stop, *m_close;
};

} // namespace azimuth
