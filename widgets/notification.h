// One notification, and the stack that shows the newest three over a page's top right edge.
//   A notification stays until it is closed. Title = object and what happened; the lines say both values
//   and what to do; actions are links. Nothing here is modal and nothing leaves by itself.
#pragma once

#include "widgets/banner.h"

#include <QList>

class QToolButton;
class QVBoxLayout;

namespace azimuth {

struct NotificationAction {
    QString id; // what the receiver acts on ("details")
    QString text;
};

struct Notification {
    Severity severity = Severity::information;
    QString title;
    QStringList lines;
    QList<NotificationAction> actions;
};

class NotificationFrame : public QFrame, public Themed {
    Q_OBJECT
public:
    explicit NotificationFrame(Notification notification, QWidget* parent = nullptr);

    const Notification& notification() const { return m_notification; }
    void setTokens(const Tokens& tokens) override;

Q_SIGNALS:
    void actionTriggered(const QString& id);
    void closed();

protected:
    void paintEvent(QPaintEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override; // Esc closes

private:
    Notification m_notification;
    Tokens m_tokens;
    QLabel* m_icon;
    QLabel* m_title;
    QLabel* m_text;
    QToolButton* m_close;
};

// Lies over `page`, 12 px from its top right corner, 388 px wide; newest on top, at most three, the rest
// counted in one line. It follows the page's size through an event filter and deletes closed frames.
class NotificationStack : public QWidget, public Themed {
    Q_OBJECT
public:
    explicit NotificationStack(QWidget* page);

    NotificationFrame* show(const Notification& notification);
    int count() const { return static_cast<int>(m_frames.size()); }
    void setTokens(const Tokens& tokens) override;

Q_SIGNALS:
    void countChanged(int count);
    void moreClicked(); // "2 more": the bottom pane lists them

protected:
    bool eventFilter(QObject* watched, QEvent* event) override;

private:
    void arrange();
    QWidget* m_page;
    Tokens m_tokens;
    QVBoxLayout* m_layout;
    QPushButton* m_more;
    QList<NotificationFrame*> m_frames; // newest first
};

} // namespace azimuth
