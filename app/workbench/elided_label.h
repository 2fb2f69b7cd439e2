// One line of text, elided to its width, the whole text in the tooltip; it never makes its pane wider.
#pragma once

#include <QLabel>

namespace azimuth {

class ElidedLabel : public QLabel {
    Q_OBJECT
public:
    explicit ElidedLabel(const QString& text, Qt::TextElideMode mode = Qt::ElideRight,
                         QWidget* parent = nullptr);
    void setWhole(const QString& text);
    const QString& whole() const { return m_text; }

protected:
    void resizeEvent(QResizeEvent* event) override;
    void changeEvent(QEvent* event) override;

private:
    void elide();
    QString m_text;
    Qt::TextElideMode m_mode;
};

} // namespace azimuth
