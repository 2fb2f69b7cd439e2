// What the window says and offers when a project is opened: each failure as one notification with what can be
// done about it, a file from elsewhere that is being checked, and a project that is read-only because
// somebody else has it. GUI thread.
#pragma once

#include "app/session/project_session.h"
#include "core/base/error.h"

#include <QObject>
#include <QPointer>
#include <QString>

namespace azimuth {

class MainWindow;
class NotificationFrame;
struct Notification;
enum class Severity;

// The error as a notification: message, remedy, and "Details" if there are any.
Notification notificationOf(Severity severity, const QString& title, const Error& error);

class Opening : public QObject {
    Q_OBJECT
public:
    Opening(MainWindow& window, ProjectSession& session, QObject* parent = nullptr);

    // The last call of open, openAltered or openEarlier for this path failed.
    void failed(const QString& path, const Error& error);
    void showReadOnly(); // the session's project cannot be written here
    // A notification's action; false if it is none of those that this class offers.
    bool act(const QString& id);

Q_SIGNALS:
    void starts(const QString& path);   // another state of a project is about to be opened
    void checking(const QString& text); // for the status bar

private:
    void showChecking(const QString& path);
    void endChecking();
    void askTakeOver();
    QString title(const QString& path, const Error& error) const;
    void offerEarlier(const QString& path, Notification& notification) const;

    MainWindow& m_window;
    ProjectSession& m_session;
    QPointer<NotificationFrame> m_checking; // with Stop, while there is something to stop
};

} // namespace azimuth
