// What a page says where there is nothing yet: icon, title, one line and the button that changes it, as a
// framed row of 92 px at the top of the page. An empty button text leaves the button out.
#pragma once

#include "widgets/themed.h"

#include <QFrame>

class QLabel;
class QPushButton;

namespace azimuth {

class EmptyState : public QFrame, public Themed {
    Q_OBJECT
public:
    EmptyState(const QString& icon, const QString& title, const QString& line, const QString& button,
               QWidget* parent = nullptr);

    void setText(const QString& title, const QString& line, const QString& button);
    void setTokens(const Tokens& tokens) override;
    QPushButton* button() const { return m_button; }

Q_SIGNALS:
    void clicked();

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_icon;
    Tokens m_tokens;
    QLabel* m_iconLabel;
    QLabel* m_title;
    QLabel* m_line;
    QPushButton* m_button;
};

} // namespace azimuth
