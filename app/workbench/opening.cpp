#include "app/workbench/opening.h"

#include "app/workbench/main_window.h"
#include "core/base/time.h"
#include "core/project/generations.h"
#include "widgets/notification.h"

#include <QDialog>
#include <QDialogButtonBox>
#include <QFileInfo>
#include <QLabel>
#include <QPushButton>
#include <QVBoxLayout>

namespace azimuth {
namespace {

QString q(const std::string& text) { return QString::fromStdString(text); }

// Notifications stay, so an action names its file: "earlier:3:study.h5".
const QString earlierPrefix = QStringLiteral("earlier:"), adoptPrefix = QStringLiteral("adopt-altered:");

// A file that may merely not be read is no reason to move it away.
bool mayGoBack(const Error& error, const QString& path) {
    for (const char* code : {"project.damaged", "project.truncated", "project.content", "project.hdf5",
                             "project.altered", "project.unsafe"})
        if (error.code() == code)
            return true;
    return error.code() == "file.open" && !QFileInfo::exists(path);
}

} // namespace

Notification notificationOf(Severity severity, const QString& title, const Error& error) {
    Notification notification{severity, title, {q(error.message())}, {}};
    if (!error.remedy().empty())
        notification.lines << q(error.remedy());
    if (!error.detail().empty())
        notification.actions << NotificationAction{QStringLiteral("details"), QObject::tr("Details")};
    return notification;
}

Opening::Opening(MainWindow& window, ProjectSession& session, QObject* parent)
    : QObject(parent), m_window(window), m_session(session) {
    connect(&m_session, &ProjectSession::checking, this, &Opening::showChecking);
    connect(&m_session, &ProjectSession::opened, this, &Opening::endChecking);
    connect(&m_session, &ProjectSession::failed, this, &Opening::endChecking);
}

QString Opening::title(const QString& path, const Error& error) const {
    if (error.code() == "project.altered")
        return tr("%1 was changed by another program").arg(QFileInfo(path).fileName());
    if (error.code() == "cancelled")
        return tr("%1 was not opened").arg(QFileInfo(path).fileName());
    return tr("The project could not be opened");
}

void Opening::offerEarlier(const QString& path, Notification& notification) const {
    try {
        const auto kept = earlierGenerations(path.toStdString());
        for (const auto& earlier : kept) {
            const auto generation = QString::number(earlier.block.generation);
            notification.actions << NotificationAction{
                earlierPrefix + q(earlier.block.file) + QLatin1Char(':') + path,
                tr("Open generation %1, %2").arg(generation, q(utcText(earlier.block.saved)))};
        }
        if (!kept.empty())
            notification.lines << tr("Earlier generations are kept; this file stays beside them.");
    } catch (const Error& error) {
        notification.lines << tr("Earlier generations cannot be listed. %1").arg(q(error.message()));
    }
}

void Opening::failed(const QString& path, const Error& error) {
    const bool harmless = error.code() == "project.altered" || error.code() == "cancelled";
    auto notification =
        notificationOf(harmless ? Severity::caution : Severity::failure, title(path, error), error);
    if (error.code() == "project.altered")
        notification.actions.prepend({adoptPrefix + path, tr("Open it as it is")});
    if (mayGoBack(error, path))
        offerEarlier(path, notification);
    m_window.bottomPane()->appendLog(notification.title + QStringLiteral(": ") + q(error.message()) +
                                     QLatin1Char('\n') + q(error.detail()));
    m_window.notify(notification);
}

void Opening::showChecking(const QString& path) {
    const auto name = QFileInfo(path).fileName();
    Q_EMIT checking(tr("Checking %1…").arg(name));
    endChecking();
    m_checking = m_window.notify(
        {Severity::information,
         tr("%1 is checked before it is opened").arg(name),
         {tr("It is not as this machine wrote it, so a process of its own reads it whole first.")},
         {{QStringLiteral("stop-checking"), tr("Stop")}}});
}

void Opening::endChecking() {
    if (m_checking)
        Q_EMIT m_checking->closed();
}

void Opening::showReadOnly() {
    Notification notification{
        Severity::caution,
        tr("This project is read-only here"),
        {m_session.readOnly(),
         tr("What is saved there is shown here. Save As makes a copy that can be changed.")},
        {}};
    if (m_session.farOwner())
        notification.actions << NotificationAction{QStringLiteral("take-over"), tr("Take over…")};
    m_window.notify(notification);
}

bool Opening::act(const QString& id) {
    if (id == QLatin1String("stop-checking")) {
        m_session.stopChecking();
    } else if (id == QLatin1String("take-over")) {
        askTakeOver();
    } else if (id.startsWith(adoptPrefix)) {
        const auto path = id.mid(adoptPrefix.size());
        Q_EMIT starts(path);
        m_session.openAltered(path);
    } else if (id.startsWith(earlierPrefix)) {
        const auto rest = id.mid(earlierPrefix.size());
        const auto path = rest.section(QLatin1Char(':'), 1);
        Q_EMIT starts(path);
        m_session.openEarlier(path, rest.section(QLatin1Char(':'), 0, 0));
    } else {
        return false;
    }
    return true;
}

// One question, about the owner that the project has now.
void Opening::askTakeOver() {
    const auto owner = m_session.farOwner();
    if (!owner)
        return;
    auto* dialog = new QDialog(&m_window);
    dialog->setObjectName(QStringLiteral("takeOverDialog"));
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Take over this project"));
    auto* layout = new QVBoxLayout(dialog);
    auto* words =
        new QLabel(tr("Has %1 ended?\n\nThis machine cannot see that. If it has, take the project over "
                      "and go on here. If it has not, it can save this project no more.")
                       .arg(q(owner->describe())));
    words->setTextFormat(Qt::PlainText);
    words->setWordWrap(true);
    layout->addWidget(words);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    buttons->addButton(tr("It has ended: take over"), QDialogButtonBox::AcceptRole)
        ->setObjectName(QStringLiteral("takeOver"));
    buttons->button(QDialogButtonBox::Cancel)->setDefault(true);
    layout->addWidget(buttons);
    connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::reject);
    connect(buttons, &QDialogButtonBox::accepted, dialog, &QDialog::accept);
    connect(dialog, &QDialog::accepted, this, [this, owner] {
        Q_EMIT starts(m_session.path());
        m_session.takeOver(*owner);
    });
    dialog->open();
}

} // namespace azimuth
