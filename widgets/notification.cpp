#include "widgets/notification.h"

#include "widgets/icons.h"

#include <QEvent>
#include <QHBoxLayout>
#include <QKeyEvent>
#include <QLabel>
#include <QPainter>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>

namespace azimuth {

namespace {

constexpr int largestShown = 3;
constexpr int stackWidth = 388;
constexpr int stackMargin = 12;

QString severityIcon(Severity severity) {
    return severity == Severity::failure   ? QStringLiteral("failure")
           : severity == Severity::caution ? QStringLiteral("caution")
                                           : QStringLiteral("done");
}

QPushButton* linkButton(const QString& text) {
    auto* button = new QPushButton(text);
    button->setProperty("link", true);
    button->setCursor(Qt::PointingHandCursor);
    return button;
}

constexpr qsizetype longestLine = 40; // characters of actions side by side
} // namespace

NotificationFrame::NotificationFrame(Notification notification, QWidget* parent)
    : QFrame(parent), m_notification(std::move(notification)), m_tokens(lightTokens()), m_icon(new QLabel),
      m_title(new QLabel), m_text(new QLabel), m_close(new QToolButton) {
    for (QLabel* label : {m_title, m_text}) {
        label->setTextFormat(Qt::PlainText);
        label->setWordWrap(true);
    }
    m_title->setText(m_notification.title);
    m_text->setText(m_notification.lines.join(QLatin1Char('\n')));
    m_text->setVisible(!m_notification.lines.isEmpty());
    setAccessibleName(m_notification.title);
    setAccessibleDescription(m_notification.lines.join(QLatin1Char(' ')));
    m_close->setFixedSize(24, 24);
    m_close->setAccessibleName(tr("Close notification"));
    m_close->setToolTip(tr("Close"));
    connect(m_close, &QToolButton::clicked, this, &NotificationFrame::closed);

    auto* texts = new QVBoxLayout;
    texts->setSpacing(0);
    texts->addWidget(m_title);
    texts->addWidget(m_text);
    if (!m_notification.actions.isEmpty()) {
        qsizetype characters = 0; // too many for one line: one below the other
        for (const NotificationAction& action : m_notification.actions) {
            characters += action.text.size();
        }
        const bool below = m_notification.actions.size() > 1 && characters > longestLine;
        auto* links = new QBoxLayout(below ? QBoxLayout::TopToBottom : QBoxLayout::LeftToRight);
        links->setContentsMargins(0, 2, 0, 0);
        links->setSpacing(below ? 2 : 12);
        for (const NotificationAction& action : m_notification.actions) {
            QPushButton* link = linkButton(action.text);
            connect(link, &QPushButton::clicked, this,
                    [this, id = action.id] { Q_EMIT actionTriggered(id); });
            links->addWidget(link, 0, below ? Qt::AlignLeft : Qt::Alignment());
        }
        links->addStretch();
        texts->addLayout(links);
    }
    texts->addStretch();
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(10, 7, 6, 8);
    row->setSpacing(8);
    row->addWidget(m_icon, 0, Qt::AlignTop);
    row->addLayout(texts, 1);
    row->addWidget(m_close, 0, Qt::AlignTop);
    setTokens(m_tokens);
}

void NotificationFrame::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    const double ratio = devicePixelRatioF();
    m_icon->setPixmap(iconPixmap(severityIcon(m_notification.severity), 16,
                                 severityColour(tokens, m_notification.severity), ratio));
    m_close->setIcon(iconPixmap(QStringLiteral("close"), 16, tokens.secondary, ratio));
    m_title->setFont(tokens.sans(12, QFont::DemiBold));
    m_text->setFont(tokens.sans(12));
    for (QPushButton* link : findChildren<QPushButton*>()) {
        link->setFont(tokens.sans(12));
    }
    update();
}

void NotificationFrame::paintEvent(QPaintEvent*) {
    QPainter painter(this);
    paintSeverityGround(painter, m_tokens, m_notification.severity, rect());
}

void NotificationFrame::keyPressEvent(QKeyEvent* event) {
    if (event->key() == Qt::Key_Escape) {
        Q_EMIT closed();
        return;
    }
    QFrame::keyPressEvent(event);
}

NotificationStack::NotificationStack(QWidget* page)
    : QWidget(page), m_page(page), m_tokens(lightTokens()), m_layout(new QVBoxLayout(this)),
      m_more(linkButton(QString())) {
    setAccessibleName(tr("Notifications"));
    m_layout->setContentsMargins(0, 0, 0, 0);
    m_layout->setSpacing(6);
    m_layout->addWidget(m_more, 0, Qt::AlignRight);
    connect(m_more, &QPushButton::clicked, this, &NotificationStack::moreClicked);
    page->installEventFilter(this);
    arrange();
}

NotificationFrame* NotificationStack::show(const Notification& notification) {
    auto* frame = new NotificationFrame(notification, this);
    frame->setTokens(m_tokens);
    m_frames.prepend(frame);
    m_layout->insertWidget(0, frame);
    connect(frame, &NotificationFrame::closed, this, [this, frame] {
        m_frames.removeOne(frame);
        frame->hide();
        frame->deleteLater();
        arrange();
        Q_EMIT countChanged(count());
    });
    arrange();
    Q_EMIT countChanged(count());
    return frame;
}

void NotificationStack::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    m_more->setFont(tokens.sans(12));
    arrange();
}

bool NotificationStack::eventFilter(QObject* watched, QEvent* event) {
    if (watched == m_page && (event->type() == QEvent::Resize || event->type() == QEvent::LayoutRequest)) {
        arrange();
    }
    return QWidget::eventFilter(watched, event);
}

void NotificationStack::arrange() {
    for (int i = 0; i < count(); ++i) {
        m_frames[i]->setVisible(i < largestShown);
    }
    const int rest = count() - largestShown;
    m_more->setVisible(rest > 0);
    m_more->setText(tr("%n more", nullptr, qMax(rest, 0)));
    setVisible(count() > 0);
    const int width = qMin(m_tokens.px(stackWidth), m_page->width() - 2 * stackMargin);
    m_layout->activate();
    const int height = m_layout->hasHeightForWidth() ? m_layout->heightForWidth(width) : sizeHint().height();
    setGeometry(m_page->width() - width - stackMargin, stackMargin, width, height);
    raise();
}

} // namespace azimuth
