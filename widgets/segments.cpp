#include "widgets/segments.h"

#include <QButtonGroup>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QStyle>
#include <QToolButton>

namespace azimuth {

Segments::Segments(const QString& accessibleName, QWidget* parent)
    : QWidget(parent), m_layout(new QHBoxLayout(this)), m_group(new QButtonGroup(this)) {
    setAccessibleName(accessibleName);
    setSizePolicy(QSizePolicy::Fixed, QSizePolicy::Fixed);
    m_layout->setContentsMargins(0, 0, 0, 0);
    m_layout->setSpacing(0);
    m_group->setExclusive(true);
    connect(m_group, &QButtonGroup::idToggled, this, [this](int id, bool on) {
        m_buttons[id]->setFocusPolicy(on ? Qt::StrongFocus : Qt::ClickFocus);
        if (on) {
            Q_EMIT currentChanged(id);
        }
    });
}

int Segments::add(const QString& text, const QIcon& icon) {
    auto* button = new QToolButton(this);
    button->setText(text);
    button->setAccessibleName(text);
    button->setCheckable(true);
    button->setFocusPolicy(Qt::ClickFocus);
    if (!icon.isNull()) {
        button->setIcon(icon);
        button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
    }
    const int index = count();
    m_buttons.append(button);
    m_group->addButton(button, index);
    m_layout->addWidget(button);
    setPlaces();
    if (index == 0) {
        const QSignalBlocker quiet(this);
        button->setChecked(true);
    }
    return index;
}

int Segments::current() const { return m_group->checkedId(); }

QString Segments::text(int index) const { return m_buttons.at(index)->text(); }

void Segments::setCurrent(int index) {
    if (index >= 0 && index < count()) {
        m_buttons[index]->setChecked(true);
    }
}

void Segments::setSegmentEnabled(int index, bool enabled, const QString& reason) {
    m_buttons.at(index)->setEnabled(enabled);
    m_buttons.at(index)->setToolTip(reason);
}

void Segments::keyPressEvent(QKeyEvent* event) {
    const int step = event->key() == Qt::Key_Right ? 1 : event->key() == Qt::Key_Left ? -1 : 0;
    for (int next = current() + step; step != 0 && next >= 0 && next < count(); next += step) {
        if (m_buttons[next]->isEnabled()) {
            m_buttons[next]->setChecked(true);
            m_buttons[next]->setFocus(Qt::TabFocusReason);
            return;
        }
    }
    if (step == 0) {
        QWidget::keyPressEvent(event);
    }
}

// The style sheet rounds the corners by the property segment: first, true (inside), last, only.
void Segments::setPlaces() {
    for (int i = 0; i < count(); ++i) {
        const char* place = count() == 1 ? "only" : i == 0 ? "first" : i == count() - 1 ? "last" : "true";
        m_buttons[i]->setProperty("segment", QLatin1String(place));
        m_buttons[i]->style()->unpolish(m_buttons[i]);
        m_buttons[i]->style()->polish(m_buttons[i]);
    }
}

} // namespace azimuth
