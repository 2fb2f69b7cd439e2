// A row of joined buttons of which exactly one is on: a page's view switch.
//   Arrow keys move between segments, Tab enters at the current one. Accessible as radio buttons of one
//   group.
#pragma once

#include <QIcon>
#include <QList>
#include <QWidget>

class QButtonGroup;
class QHBoxLayout;
class QToolButton;

namespace azimuth {

class Segments : public QWidget {
    Q_OBJECT
public:
    // accessibleName says what is being switched ("View", "Layers view").
    explicit Segments(const QString& accessibleName, QWidget* parent = nullptr);

    // Appends a segment; the first one added becomes current. Returns its index.
    int add(const QString& text, const QIcon& icon = {});
    int count() const { return static_cast<int>(m_buttons.size()); }
    int current() const;
    QString text(int index) const;
    void setCurrent(int index); // no signal for the one that is current already
    void setSegmentEnabled(int index, bool enabled, const QString& reason = {});

Q_SIGNALS:
    void currentChanged(int index);

protected:
    void keyPressEvent(QKeyEvent* event) override;

private:
    void setPlaces();
    QHBoxLayout* m_layout;
    QButtonGroup* m_group;
    QList<QToolButton*> m_buttons;
};

} // namespace azimuth
