#include "app/workbench/main_window.h"

#include "app/workbench/arms.h"
#include "app/workbench/inspector.h"
#include "app/workbench/navigator.h"
#include "app/workbench/results_cache.h"
#include "app/workbench/selection_bar.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"
#include "widgets/numbers.h"

#include <algorithm>
#include <QCloseEvent>
#include <QDockWidget>
#include <QDragEnterEvent>
#include <QFileInfo>
#include <QGuiApplication>
#include <QLabel>
#include <QMimeData>
#include <QProgressBar>
#include <QScreen>
#include <QStackedWidget>
#include <QStatusBar>

namespace azimuth {
namespace {

// Window widths, the first two at the normal size of text.
constexpr int inspectorNeeds = 1120, namesNeed = 900, largeWidth = 2200;

QDockWidget* makeDock(QMainWindow* window, const QString& name, const QString& title, QWidget* content,
                      Qt::DockWidgetArea area) {
    auto* dock = new QDockWidget(title, window);
    dock->setObjectName(name);
    dock->setFeatures(QDockWidget::NoDockWidgetFeatures);
    auto* noTitle = new QWidget(dock);
    noTitle->setFixedHeight(0);
    dock->setTitleBarWidget(noTitle);
    dock->setWidget(content);
    window->addDockWidget(area, dock);
    return dock;
}

} // namespace

MainWindow::MainWindow(QWidget* parent) : QMainWindow(parent), m_selection(new SelectionModel(this)) {
    setObjectName(QStringLiteral("mainWindow"));
    setWindowTitle(QStringLiteral("Azimuth[*]"));
    setWindowIcon(Theme::icon(QStringLiteral("azimuth")));
    setAcceptDrops(true);
    setDockNestingEnabled(false);
    setCorner(Qt::BottomLeftCorner, Qt::LeftDockWidgetArea);
    setCorner(Qt::BottomRightCorner, Qt::RightDockWidgetArea);
    buildPanes();
    buildMenus();
    buildStatusBar();
    connect(&ResultsCache::instance(), &ResultsCache::ready, this, &MainWindow::refreshPages);
    connect(
        &ResultsCache::instance(), &ResultsCache::failed, this,
        [this](const Error& error) {
            notify({Severity::failure,
                    tr("The results could not be computed"),
                    {QString::fromStdString(error.message()), QString::fromStdString(error.remedy())},
                    {}});
        },
        Qt::QueuedConnection);
    connect(Theme::instance(), &Theme::changed, this, &MainWindow::arrangePanes);
    connect(m_selection, &SelectionModel::changed, this, [this] {
        if (auto* next = page(m_selection->current().page); next && m_stack->currentWidget() != next) {
            m_stack->setCurrentWidget(next);
            m_navigator->setCurrent(next->id());
        }
        refreshPages();
    });
}

MainWindow::~MainWindow() = default;

void MainWindow::buildPanes() {
    m_bar = new SelectionBar(m_selection, this);
    addToolBar(m_bar);
    m_stack = new QStackedWidget(this);
    m_stack->setObjectName(QStringLiteral("pages"));
    setCentralWidget(m_stack);
    m_notifications = new NotificationStack(m_stack);
    m_navigator = new Navigator(this);
    m_inspector = new Inspector(this);
    m_bottom = new BottomPane(this);
    m_navigatorDock =
        makeDock(this, QStringLiteral("navigatorDock"), tr("Navigator"), m_navigator, Qt::LeftDockWidgetArea);
    m_inspectorDock = makeDock(this, QStringLiteral("inspectorDock"), tr("Inspector"), m_inspector,
                               Qt::RightDockWidgetArea);
    m_bottomDock =
        makeDock(this, QStringLiteral("bottomDock"), tr("Jobs"), m_bottom, Qt::BottomDockWidgetArea);
    m_inspector->setMinimumWidth(240);
    connect(m_inspector, &Inspector::noteCommitted, this, [this](const InspectorNote& note) {
        Q_EMIT editRequested(note.text.isEmpty() ? tr("remove the note") : tr("write a note"),
                             SetNote{note.subject, note.object.toStdString(), note.text.toStdString()});
    });
    m_bottom->setMinimumHeight(84);
    m_bottomDock->hide();

    connect(m_navigator, &Navigator::pageRequested, this, [this](const QString& id) {
        Selection next = m_selection->current();
        next.page = id;
        m_selection->set(next);
    });
    connect(m_bottom, &BottomPane::closeRequested, m_bottomDock, &QDockWidget::hide);
    connect(m_bottom, &BottomPane::cancelRequested, this, &MainWindow::stopRequested);
    connect(m_bottom, &BottomPane::cancelAllRequested, this, &MainWindow::stopRequested);
    connect(m_bottom, &BottomPane::notificationAction, this, &MainWindow::notificationAction);
    connect(m_notifications, &NotificationStack::moreClicked, this, [this] {
        m_bottomDock->show();
        m_bottom->showTab(BottomPane::Notifications);
    });
}

void MainWindow::addPage(Page* page, int group) {
    m_pages.push_back(page);
    m_stack->addWidget(page);
    m_notifications->raise();
    m_navigator->addPage(page, group);
    connect(page, &Page::selectionRequested, m_selection, &SelectionModel::set);
    connect(page, &Page::runRequested, this, &MainWindow::runRequested);
    connect(page, &Page::openRequested, this, &MainWindow::openRequested);
    connect(page, &Page::demoRequested, this, &MainWindow::demoRequested);
    connect(page, &Page::fileRequested, this, &MainWindow::fileRequested);
    connect(page, &Page::exportRequested, this, &MainWindow::exportRequested);
    connect(page, &Page::inspectorChanged, this, &MainWindow::refreshInspector);
    connect(page, &Page::editRequested, this, &MainWindow::editRequested);
    connect(page, &Page::studyRequested, this, &MainWindow::studyRequested);
    connect(page, &Page::noteRequested, this, &MainWindow::writeNote);
    auto* shortcut = new QAction(page->title(), this);
    shortcut->setShortcut(QKeySequence(QStringLiteral("Alt+%1").arg(m_pages.size())));
    const QString id = page->id();
    connect(shortcut, &QAction::triggered, this, [this, id] { Q_EMIT m_navigator->pageRequested(id); });
    addAction(shortcut);
    if (m_pages.size() == 1) {
        Selection first = m_selection->current();
        first.page = id;
        m_selection->replace(first);
        m_navigator->setCurrent(id);
    }
}

Page* MainWindow::page(const QString& id) const {
    const auto found =
        std::find_if(m_pages.begin(), m_pages.end(), [&](const Page* page) { return page->id() == id; });
    return found == m_pages.end() ? nullptr : *found;
}

Page* MainWindow::currentPage() const { return qobject_cast<Page*>(m_stack->currentWidget()); }

// A selection in which every part exists in the view; what is missing takes the most useful value.
Selection MainWindow::fitted(Selection selection) const {
    if (!m_view) {
        const QString page = selection.page;
        selection = {};
        selection.page = page;
        return selection;
    }
    const auto& study = *m_view->study;
    if (!study.model(selection.model.toStdString()))
        selection.model = QString::fromStdString(study.models.front().name);
    if (!study.concept_(selection.concept_.toStdString()))
        selection.concept_ = QString::fromStdString(study.concepts.front().name);
    selection.method = QString::fromStdString(toString(study.methods.front()));
    const auto* model = m_view->model(selection.model.toStdString());
    const auto* bank =
        model ? m_view->bank(model->identity, selection.concept_.toStdString(), study.methods.front())
              : nullptr;
    const auto* calibration =
        model ? m_view->calibration(model->identity, selection.concept_.toStdString()) : nullptr;
    if (!bank) {
        selection.k = selection.otherK = -1;
    } else if (selection.k < 0 || selection.k >= bank->ks) {
        selection.k = calibration && calibration->choice() ? calibration->choice()->k : bank->ks / 2;
    }
    if (bank && std::find(bank->positions.begin(), bank->positions.end(), selection.position) ==
                    bank->positions.end())
        selection.position = -1;
    const auto arms = armIndex(m_view);
    if (!model || !arms->measured(model->identity, selection.armDigest.toStdString()))
        selection.armDigest =
            model && calibration && calibration->choice()
                ? QString::fromStdString(arms->ofPoint(*model, bank, *calibration->choice()))
                : QString();
    return selection;
}

void MainWindow::setView(std::shared_ptr<const ProjectView> view, bool resetSelection) {
    m_view = std::move(view);
    Selection next = resetSelection ? Selection{} : m_selection->current();
    next.page = m_selection->current().page;
    next = fitted(next);
    if (resetSelection)
        m_selection->clearHistory();
    if (m_view) {
        const auto models = static_cast<int>(m_view->study->models.size());
        const auto concepts = static_cast<int>(m_view->study->concepts.size());
        m_navigator->setProject(QString::fromStdString(m_view->title),
                                words::countText(models, tr("model"), tr("models")) + QStringLiteral(", ") +
                                    words::countText(concepts, tr("concept"), tr("concepts")));
    } else {
        m_navigator->setProject(tr("Azimuth"), tr("no project open"));
    }
    if (next == m_selection->current())
        refreshPages();
    else
        m_selection->replace(next); // refreshes
    arrangePanes();
    for (const char* id :
         {"save", "save-as", "restore", "remove-caches", "export", "run", "rename", "note", "choose-again"})
        action(QString::fromLatin1(id))->setEnabled(m_view != nullptr);
}

void MainWindow::refreshPages() {
    const Selection now = fitted(m_selection->current());
    if (!(now == m_selection->current())) {
        m_selection->replace(now); // comes back here
        return;
    }
    for (auto* page : m_pages)
        if (page == m_stack->currentWidget())
            page->setContext(m_view, now, m_activity);
    m_bar->setContext(m_view, currentPage());
    m_navigator->updateCounts();
    refreshInspector();
}

void MainWindow::refreshInspector() {
    if (auto* page = currentPage())
        m_inspector->setContent(page->inspector());
}

void MainWindow::setProjectPath(const QString& path) {
    m_path = path;
    setWindowTitle(path.isEmpty() ? tr("Azimuth[*]")
                                  : tr("%1[*] — Azimuth").arg(QFileInfo(path).completeBaseName()));
    setWindowFilePath(path);
}

void MainWindow::setActivity(const Activity& activity) {
    m_activity = activity;
    m_running->setText(activity.running ? activity.what : QString());
    m_running->setVisible(activity.running);
    m_progress->setVisible(activity.running && activity.fraction >= 0);
    if (activity.fraction >= 0)
        m_progress->setValue(static_cast<int>(activity.fraction * 1000));
    action(QStringLiteral("stop"))->setEnabled(activity.running);
    action(QStringLiteral("run"))->setEnabled(m_view && !activity.running);
    if (auto* page = currentPage())
        page->setContext(m_view, m_selection->current(), m_activity);
}

void MainWindow::setSaveState(const SaveState& state) {
    m_saved->setText(state.text);
    setWindowModified(state.modified);
}

NotificationFrame* MainWindow::notify(const Notification& notification) {
    auto* frame = m_notifications->show(notification);
    connect(frame, &NotificationFrame::actionTriggered, this, &MainWindow::notificationAction);
    m_bottom->addNotification(notification);
    return frame;
}

void MainWindow::showLog() {
    m_bottomDock->show();
    m_bottom->showTab(BottomPane::Log);
}

void MainWindow::restoreLayout(const WindowLayout& layout) {
    const QSize room = screen() ? screen()->availableSize() : QSize(1280, 800);
    const bool large = room.width() >= 2200;
    constexpr int frame = 40; // a title bar and borders, which the window does not know before it is shown
    if (!restoreGeometry(layout.geometry))
        resize((large ? QSize(2000, 1240) : QSize(1280, 800)).boundedTo(room - QSize(0, frame)));
    m_wantInspector = layout.inspector;
    m_wantNames = layout.names;
    m_bottomDock->setVisible(layout.bottom.value_or(large));
    resizeDocks({m_navigatorDock, m_inspectorDock}, {large ? 208 : 176, large ? 352 : 272}, Qt::Horizontal);
    resizeDocks({m_bottomDock},
                {layout.bottomHeight > 0 ? layout.bottomHeight
                 : large                 ? 196
                                         : 132},
                Qt::Vertical);
}

WindowLayout MainWindow::layoutNow() const {
    return {saveGeometry(), m_wantInspector, m_wantNames, m_bottomDock->isVisible(),
            m_bottomDock->isVisible() ? m_bottomDock->height() : 0};
}

void MainWindow::closeEvent(QCloseEvent* event) {
    event->accept();
    m_inspector->commitNote();
    Q_EMIT closing(event);
}

// What the user wants, as far as the width allows; nothing to inspect on the first page without a project.
void MainWindow::arrangePanes() {
    m_inspectorDock->setVisible(m_wantInspector && m_view &&
                                width() >= Theme::instance()->px(inspectorNeeds));
    const bool iconsOnly = !m_wantNames || width() < Theme::instance()->px(namesNeed);
    if (iconsOnly != m_navigator->iconsOnly())
        m_navigator->setIconsOnly(iconsOnly);
    const bool large = width() >= largeWidth;
    const int wide = large ? 208 : 176;
    m_navigator->setFixedWidth(iconsOnly ? 44 : Theme::instance()->px(wide));
    if (large != m_large) {
        m_large = large;
        resizeDocks({m_inspectorDock}, {Theme::instance()->px(large ? 352 : 272)}, Qt::Horizontal);
    }
}

void MainWindow::resizeEvent(QResizeEvent* event) {
    QMainWindow::resizeEvent(event);
    arrangePanes();
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (event->mimeData()->hasUrls() && event->mimeData()->urls().front().isLocalFile())
        event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    event->acceptProposedAction();
    Q_EMIT fileRequested(event->mimeData()->urls().front().toLocalFile());
}

} // namespace azimuth
