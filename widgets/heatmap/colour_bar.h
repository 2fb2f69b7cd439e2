// The colour bar of a map: 14 px of colour, triangles to drag its limits, ticks (0 always), a histogram
// of the values beside it and a mark at the value in question.
//   Keys: Up and Down move the upper limit by 1 % of the range, with Ctrl the lower one, Home asks for
//   the automatic range. Double click does the same as Home. With `symmetric` the other limit follows
//   mirrored.
#pragma once

#include "resources/colour_scale.h"
#include "widgets/themed.h"

#include <QWidget>
#include <vector>

namespace azimuth {

class ColourBar : public QWidget, public Themed {
    Q_OBJECT
public:
    explicit ColourBar(QWidget* parent = nullptr);

    void setScale(const ColourScale& scale);
    const ColourScale& scale() const { return m_scale; }
    void setSymmetric(bool symmetric) { m_symmetric = symmetric; }
    void setValueName(const QString& name);
    // Counted into 40 bins over the scale's range; what is not finite is left out.
    void setValues(std::span<const float> values);
    void setMark(double value); // NaN for none
    // Where the bar lies, so that it is as high as the map beside it.
    void setBarRange(int top, int height);

    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;

    static constexpr int bins = 40;
    const std::vector<int>& histogram() const { return m_histogram; }
    int yOf(double value) const;
    double valueAt(int y) const;

Q_SIGNALS:
    void rangeEdited(const ColourRange& range); // while dragging and by keys; the bar already shows it
    void automaticRequested();

protected:
    void paintEvent(QPaintEvent* event) override;
    void mousePressEvent(QMouseEvent* event) override;
    void mouseMoveEvent(QMouseEvent* event) override;
    void mouseReleaseEvent(QMouseEvent* event) override;
    void mouseDoubleClickEvent(QMouseEvent* event) override;
    void keyPressEvent(QKeyEvent* event) override;

private:
    enum class Limit { none, low, high };
    void moveLimit(Limit limit, double to);
    void count();
    void describe();
    QRect bar() const;

    ColourScale m_scale;
    Tokens m_tokens;
    bool m_symmetric = false;
    QString m_valueName;
    std::vector<float> m_values; // finite, at most 65,536 of them
    std::vector<int> m_histogram;
    double m_mark;
    int m_top = 4;
    int m_height = 100;
    Limit m_dragged = Limit::none;
    ColourRange m_dragFrom; // the range when dragging began: pixels keep their meaning
};

} // namespace azimuth
