// Menus, keys, status bar: the part of the frame that turns keys into requests.
#include "app/workbench/commands.h"
#include "app/workbench/inspector.h"
#include "app/workbench/main_window.h"
#include "app/workbench/navigator.h"
#include "app/workbench/selection_bar.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"

#include <QActionGroup>
#include <QApplication>
#include <QClipboard>
#include <QDialog>
#include <QDialogButtonBox>
#include <QDockWidget>
#include <QFileInfo>
#include <QGridLayout>
#include <QLabel>
#include <QLineEdit>
#include <QMenuBar>
#include <QProgressBar>
#include <QPushButton>
#include <QResizeEvent>
#include <QStackedWidget>
#include <QStatusBar>
#include <QToolButton>
#include <QVBoxLayout>

namespace azimuth {

namespace {
// Alt and a letter open a menu; Selection leaves S to Study.
QString withMnemonic(const QString& menu) {
    QString text = menu;
    return text.insert(menu == QLatin1String("Selection") ? 2 : 0, QLatin1Char('&'));
}
} // namespace

QAction* MainWindow::action(const QString& commandId) const { return m_actions.at(commandId); }

void MainWindow::buildMenus() {
    std::map<QString, QMenu*> menus;
    for (const auto& command : commandTable()) {
        if (!*command.menu)
            continue;
        auto*& menu = menus[QString::fromLatin1(command.menu)];
        if (!menu)
            menu = menuBar()->addMenu(withMnemonic(tr(command.menu)));
        if (command.separatorBefore)
            menu->addSeparator();
        const QString id = QString::fromLatin1(command.id);
        auto* made = menu->addAction(command.text);
        made->setShortcut(QKeySequence(QString::fromLatin1(command.keys)));
        connect(made, &QAction::triggered, this, [this, id] { runCommand(id); });
        m_actions[id] = made;
        if (id == QLatin1String("open"))
            m_recent = menu->addMenu(tr("Open recent"));
    }
    auto* themes = menus[QStringLiteral("View")]->addMenu(tr("Theme"));
    auto* group = new QActionGroup(this);
    const std::pair<const char*, QString> modes[] = {
        {"light", tr("Light")}, {"dark", tr("Dark")}, {"system", tr("As the system")}};
    for (const auto& [mode, text] : modes) {
        auto* made = themes->addAction(text);
        made->setCheckable(true);
        made->setActionGroup(group);
        const QString id = QString::fromLatin1(mode);
        m_actions[QStringLiteral("theme-") + id] = made;
        connect(made, &QAction::triggered, this, [this, id] { Q_EMIT themeRequested(id); });
    }
    for (const char* id : {"save", "save-as", "restore", "remove-caches", "export", "run", "stop", "undo",
                           "redo", "rename", "note", "choose-again"})
        action(QString::fromLatin1(id))->setEnabled(false);
    setRecentFiles({});
}

void MainWindow::setRecentFiles(const QStringList& paths) {
    m_recent->clear();
    m_recent->setEnabled(!paths.isEmpty());
    for (const auto& path : paths) {
        auto* made = m_recent->addAction(QFileInfo(path).fileName());
        made->setToolTip(path);
        connect(made, &QAction::triggered, this, [this, path] { Q_EMIT fileRequested(path); });
    }
}

void MainWindow::buildStatusBar() {
    auto* bar = statusBar();
    bar->setSizeGripEnabled(false);
    m_savedIcon = new QLabel(bar);
    const auto drawIcon = [this] {
        m_savedIcon->setPixmap(Theme::icon(QStringLiteral("save")).pixmap(16, 16));
        statusBar()->setFixedHeight(Theme::instance()->px(26));
    };
    connect(Theme::instance(), &Theme::changed, this, drawIcon);
    drawIcon();
    m_savedIcon->setContentsMargins(8, 0, 0, 0);
    bar->addWidget(m_savedIcon);
    m_saved = new QLabel(bar);
    m_saved->setContentsMargins(0, 0, 8, 0);
    m_running = new QLabel(bar);
    m_progress = new QProgressBar(bar);
    m_progress->setRange(0, 1000);
    m_progress->setTextVisible(false);
    m_progress->setFixedWidth(110);
    bar->addWidget(m_saved);
    bar->addWidget(m_running);
    bar->addWidget(m_progress);
    m_running->hide();
    m_progress->hide();
    const auto toggle = [&](const char* icon, BottomPane::Tab tab) {
        auto* button = new QToolButton(bar);
        button->setIcon(Theme::icon(QString::fromLatin1(icon)));
        button->setToolButtonStyle(Qt::ToolButtonTextBesideIcon);
        bar->addPermanentWidget(button);
        connect(button, &QToolButton::clicked, this, [this, tab] {
            const bool hide = m_bottomDock->isVisible() && m_bottom->currentTab() == tab;
            m_bottomDock->setVisible(!hide);
            m_bottom->showTab(tab);
        });
        return button;
    };
    m_jobsButton = toggle("jobs", BottomPane::Jobs);
    m_notificationsButton = toggle("notification", BottomPane::Notifications);
    m_logButton = toggle("log", BottomPane::Log);
    m_logButton->setText(tr("Log"));
    const auto counts = [this] {
        int active = 0;
        for (const auto& job : m_bottom->jobs())
            active += job.state == JobItem::State::Running || job.state == JobItem::State::Waiting;
        m_jobsButton->setText(active > 0 ? tr("Jobs %1").arg(active) : tr("Jobs"));
        const int count = m_bottom->notificationCount();
        m_notificationsButton->setText(count > 0
                                           ? words::countText(count, tr("notification"), tr("notifications"))
                                           : tr("Notifications"));
    };
    connect(m_bottom, &BottomPane::countsChanged, this, counts);
    counts();
}

void MainWindow::stepK(int by) {
    Selection next = m_selection->current();
    if (next.k < 0 || (next.k == 0 && by < 0))
        return;
    next.k += by;
    const auto* model = m_view ? m_view->model(next.model.toStdString()) : nullptr;
    if (model && next.k <= model->blocks)
        m_selection->set(next);
}

void MainWindow::stepPane(int by) {
    QWidget* const panes[] = {m_bar, m_navigator->list(), m_stack->currentWidget(), m_inspector, m_bottom};
    constexpr int count = 5;
    int at = 2;
    for (int i = 0; i < count; ++i)
        if (QWidget* focus = QApplication::focusWidget();
            focus && (panes[i] == focus || panes[i]->isAncestorOf(focus)))
            at = i;
    for (int step = 1; step <= count; ++step) {
        QWidget* pane = panes[(at + by * step + count * count) % count];
        if (!pane->isVisible())
            continue;
        QWidget* target = nullptr;
        if (auto* page = qobject_cast<Page*>(pane))
            target = page->firstFocus();
        if (!target && pane->focusPolicy() != Qt::NoFocus)
            target = pane;
        if (!target)
            for (auto* child : pane->findChildren<QWidget*>())
                if (child->isVisible() && child->isEnabled() && child->focusPolicy() & Qt::TabFocus) {
                    target = child;
                    break;
                }
        if (target) {
            target->setFocus(Qt::ShortcutFocusReason);
            return;
        }
    }
}

void MainWindow::showShortcuts() {
    auto* dialog = new QDialog(this);
    dialog->setAttribute(Qt::WA_DeleteOnClose);
    dialog->setWindowTitle(tr("Keyboard shortcuts"));
    auto* layout = new QVBoxLayout(dialog);
    auto* grid = new QGridLayout;
    grid->setHorizontalSpacing(24);
    int row = 0;
    for (const auto& command : commandTable()) {
        if (!*command.keys)
            continue;
        grid->addWidget(new QLabel(command.text), row, 0);
        grid->addWidget(
            new QLabel(QKeySequence(QString::fromLatin1(command.keys)).toString(QKeySequence::NativeText)),
            row++, 1);
    }
    for (std::size_t i = 0; i < m_pages.size(); ++i) {
        grid->addWidget(new QLabel(m_pages[i]->title()), row, 0);
        grid->addWidget(new QLabel(QStringLiteral("Alt+%1").arg(i + 1)), row++, 1);
    }
    layout->addLayout(grid);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close, dialog);
    connect(buttons, &QDialogButtonBox::rejected, dialog, &QDialog::close);
    layout->addWidget(buttons);
    dialog->open();
}

void MainWindow::setHistory(const QString& undo, const QString& redo) {
    const auto show = [this](const char* id, const QString& word, const QString& what) {
        auto* of = action(QString::fromLatin1(id));
        auto text = what; // names may have an &, which a menu takes for a mnemonic
        text.replace(QLatin1Char('&'), QStringLiteral("&&"));
        of->setText(text.isEmpty() ? word : word + QStringLiteral(": ") + text);
        of->setEnabled(!what.isEmpty());
    };
    show("undo", tr("Undo"), undo);
    show("redo", tr("Redo"), redo);
}

void MainWindow::writeNote() {
    m_wantInspector = true;
    arrangePanes();
    refreshInspector();
    m_inspector->editNote();
}

void MainWindow::runCommand(const QString& id) {
    const std::map<QString, std::function<void()>> commands{
        {QStringLiteral("open"), [this] { Q_EMIT openRequested(); }},
        {QStringLiteral("save"), [this] { Q_EMIT saveRequested(); }},
        {QStringLiteral("save-as"), [this] { Q_EMIT saveAsRequested(); }},
        {QStringLiteral("restore"), [this] { Q_EMIT restoreRequested(); }},
        {QStringLiteral("remove-caches"), [this] { Q_EMIT removeCachesRequested(); }},
        {QStringLiteral("export"), [this] { Q_EMIT exportRequested({}); }},
        {QStringLiteral("close"), [this] { close(); }},
        {QStringLiteral("quit"), [this] { close(); }},
        {QStringLiteral("undo"), [this] { Q_EMIT undoRequested(); }},
        {QStringLiteral("redo"), [this] { Q_EMIT redoRequested(); }},
        {QStringLiteral("rename"), [this] { Q_EMIT renameRequested(); }},
        {QStringLiteral("author"), [this] { Q_EMIT authorRequested(); }},
        {QStringLiteral("model-folders"), [this] { Q_EMIT modelFoldersRequested(); }},
        {QStringLiteral("note"), [this] { writeNote(); }},
        {QStringLiteral("copy-values"),
         [this] { QApplication::clipboard()->setText(m_inspector->plainText()); }},
        {QStringLiteral("filter"),
         [this] {
             if (auto* page = currentPage())
                 page->focusFilter();
         }},
        {QStringLiteral("navigator"),
         [this] {
             m_wantNames = !m_wantNames;
             arrangePanes();
         }},
        {QStringLiteral("inspector"),
         [this] {
             m_wantInspector = !m_inspectorDock->isVisible();
             m_inspectorDock->setVisible(m_wantInspector);
         }},
        {QStringLiteral("bottom-pane"), [this] { m_bottomDock->setVisible(!m_bottomDock->isVisible()); }},
        {QStringLiteral("larger"), [this] { Q_EMIT fontScaleRequested(1.1); }},
        {QStringLiteral("smaller"), [this] { Q_EMIT fontScaleRequested(1 / 1.1); }},
        {QStringLiteral("normal-size"), [this] { Q_EMIT fontScaleRequested(0); }},
        {QStringLiteral("run"), [this] { Q_EMIT runRequested(); }},
        {QStringLiteral("stop"), [this] { Q_EMIT stopRequested(); }},
        {QStringLiteral("choose-again"), [this] { Q_EMIT chooseAgainRequested(); }},
        {QStringLiteral("primary"),
         [this] {
             if (auto* page = currentPage(); page && page->primaryButton())
                 page->primaryButton()->click();
         }},
        {QStringLiteral("back"), [this] { m_selection->back(); }},
        {QStringLiteral("forward"), [this] { m_selection->forward(); }},
        {QStringLiteral("k-down"), [this] { stepK(-1); }},
        {QStringLiteral("k-up"), [this] { stepK(1); }},
        {QStringLiteral("next-pane"), [this] { stepPane(1); }},
        {QStringLiteral("previous-pane"), [this] { stepPane(-1); }},
        {QStringLiteral("keys"), [this] { showShortcuts(); }},
        {QStringLiteral("about"),
         [this] {
             notify({Severity::information,
                     tr("Azimuth %1").arg(QApplication::applicationVersion()),
                     {tr("A workbench for steering directions in language models."), tr("GPL-3.0-or-later.")},
                     {}});
         }},
    };
    commands.at(id)();
}

} // namespace azimuth
