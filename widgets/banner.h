// A strip of 56 px at the top of a page: the next step, or something to heed. Title, one line, one button.
//   A 3 px edge and a tint by severity; the title also says it in words.
#pragma once

#include "widgets/themed.h"

#include <QFrame>

class QLabel;
class QPushButton;

namespace azimuth {

enum class Severity { information, caution, failure };
QColor severityColour(const Tokens& tokens, Severity severity);
QColor severityTint(const Tokens& tokens, Severity severity);

// The tinted, rounded ground with the 3 px edge of banners and notifications.
void paintSeverityGround(QPainter& painter, const Tokens& tokens, Severity severity, const QRectF& rect);

class Banner : public QFrame, public Themed {
    Q_OBJECT
public:
    Banner(const QString& title, const QString& line, const QString& button, QWidget* parent = nullptr);

    void setText(const QString& title, const QString& line, const QString& button);
    void setSeverity(Severity severity);
    void setTokens(const Tokens& tokens) override;
    QPushButton* button() const { return m_button; }

Q_SIGNALS:
    void clicked();

protected:
    void paintEvent(QPaintEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;

private:
    void elide();
    Tokens m_tokens;
    QString m_words; // of the line, whole
    Severity m_severity = Severity::information;
    QLabel* m_title;
    QLabel* m_line;
    QPushButton* m_button;
};

} // namespace azimuth
