// "● coherent 27": a label with its count, as a toggle of a filter. Off: framed; on: the label's tint and
// frame. The count is that of all rows, whatever the filter.
#pragma once

#include "widgets/icons.h"
#include "widgets/themed.h"

#include <QToolButton>

namespace azimuth {

class LabelToggle : public QToolButton, public Themed {
    Q_OBJECT
public:
    explicit LabelToggle(LabelShape label, QWidget* parent = nullptr);
    LabelShape label() const { return m_label; }
    void setCount(int count);
    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override { return sizeHint(); }

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    LabelShape m_label;
    Tokens m_tokens;
};

} // namespace azimuth
