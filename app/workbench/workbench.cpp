#include "app/workbench/workbench.h"

#include "app/session/machine_memory.h"
#include "app/workbench/caches_dialog.h"
#include "app/workbench/generations_dialog.h"
#include "app/workbench/inspector.h"
#include "app/workbench/navigator.h"
#include "app/workbench/opening.h"
#include "app/workbench/pages/apply_page.h"
#include "app/workbench/pages/layers_page.h"
#include "app/workbench/pages/overview_page.h"
#include "app/workbench/pages/transfer_page.h"
#include "app/workbench/preferences.h"
#include "app/workbench/remembered.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"
#include "core/base/atomic_file.h"
#include "core/base/units.h"
#include "core/figure/figures.h"
#include "widgets/figure_device.h"
#include "widgets/numbers.h"

#include <QApplication>
#include <QCloseEvent>
#include <QFileDialog>
#include <QFileInfo>
#include <QInputDialog>
#include <QLineEdit>
#include <QTime>

namespace azimuth {
namespace {

constexpr int memoryInterval = 3000; // ms

QString q(const std::string& text) { return QString::fromStdString(text); }

JobItem::State stateOf(RunJob::State state) {
    switch (state) {
    case RunJob::State::Waiting:
        return JobItem::State::Waiting;
    case RunJob::State::Running:
        return JobItem::State::Running;
    case RunJob::State::Done:
        return JobItem::State::Done;
    case RunJob::State::Failed:
        return JobItem::State::Failed;
    case RunJob::State::Cancelled:
        return JobItem::State::Cancelled;
    }
    return JobItem::State::Waiting;
}

QString leftText(const RunJob& job) {
    if (job.secondsLeft < 0)
        return {};
    const QString time = q(durationText(job.secondsLeft));
    return job.state == RunJob::State::Running   ? QObject::tr("%1 left").arg(time)
           : job.state == RunJob::State::Waiting ? QObject::tr("about %1").arg(time)
                                                 : QString();
}

} // namespace

Workbench::Workbench(Theme& theme, StudyRunner::Options options)
    : m_theme(theme), m_runner(m_session, std::move(options)), m_window(std::make_unique<MainWindow>()) {
    setTheme(m_settings.theme());
    m_theme.setFontScale(m_settings.fontScale());
    m_session.setAuthor(m_settings.author());
    m_overview = new OverviewPage;
    m_window->addPage(m_overview, 0);
    m_window->addPage(new LayersPage, 2);
    m_window->addPage(new ApplyPage, 2);
    m_window->addPage(new TransferPage, 2);
    m_opener = new Opening(*m_window, m_session, this);
    connectWindow();
    connectSession();
    connectSettings();
    connectRunner();
    m_overview->setRecentFiles(m_settings.recentFiles());
    m_window->setRecentFiles(m_settings.recentFiles());
    m_window->setView(nullptr, true);
    connect(&m_memoryTimer, &QTimer::timeout, this, &Workbench::showMemory);
    m_memoryTimer.start(memoryInterval);
    showMemory();
    showSaveState();
}

Workbench::~Workbench() = default;

void Workbench::show() {
    m_window->restoreLayout(layoutFromSettings(m_settings));
    m_window->show();
    if (auto* first = m_window->currentPage()->firstFocus())
        first->setFocus();
}

void Workbench::connectWindow() {
    auto* window = m_window.get();
    connect(window, &MainWindow::openRequested, this, &Workbench::askOpen);
    connect(window, &MainWindow::fileRequested, this, &Workbench::open);
    connect(window, &MainWindow::demoRequested, this, &Workbench::runDemo);
    connect(window, &MainWindow::saveRequested, this, [this] {
        if (m_session.isUntitled() || !m_session.readOnly().isEmpty())
            askSaveAs();
        else
            m_session.save();
    });
    connect(window, &MainWindow::saveAsRequested, this, &Workbench::askSaveAs);
    connect(window, &MainWindow::restoreRequested, this, &Workbench::askRestore);
    connect(window, &MainWindow::undoRequested, &m_session, &ProjectSession::undo);
    connect(window, &MainWindow::redoRequested, &m_session, &ProjectSession::redo);
    connect(window, &MainWindow::editRequested, &m_session, &ProjectSession::edit);
    connect(window, &MainWindow::studyRequested, &m_session, &ProjectSession::setStudy);
    connect(window, &MainWindow::chooseAgainRequested, this, [this] {
        const auto& selection = m_window->selection()->current();
        m_session.renewCalibration(selection.model, selection.concept_);
    });
    connect(window, &MainWindow::renameRequested, this, &Workbench::askTitle);
    connect(window, &MainWindow::authorRequested, this, [this] {
        if (askAuthor(m_window.get(), m_settings))
            m_session.setAuthor(m_settings.author());
    });
    connect(window, &MainWindow::modelFoldersRequested, this, [this] {
        auto* dialog = new ModelFoldersDialog(m_settings, m_window.get());
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->open();
    });
    connect(window, &MainWindow::removeCachesRequested, this, &Workbench::showCaches);
    connect(window, &MainWindow::runRequested, this, &Workbench::run);
    connect(window, &MainWindow::stopRequested, &m_runner, &StudyRunner::cancel);
    connect(window, &MainWindow::exportRequested, this, &Workbench::exportFigure);
    connect(window, &MainWindow::themeRequested, this, &Workbench::setTheme);
    connect(window, &MainWindow::fontScaleRequested, this, [this](double factor) {
        m_theme.setFontScale(factor == 0 ? 1 : m_theme.fontScale() * factor);
        m_settings.setFontScale(m_theme.fontScale());
    });
    connect(window, &MainWindow::notificationAction, this, [this](const QString& id) {
        if (id == QLatin1String("details"))
            m_window->showLog();
        else if (id == QLatin1String("resume"))
            run();
        else if (id == QLatin1String("stop-checking") || mayOpen())
            m_opener->act(id);
    });
    connect(window, &MainWindow::closing, this, &Workbench::onClosing);
    connect(window->selection(), &SelectionModel::changed, this, &Workbench::rememberPlace);
}

void Workbench::connectSession() {
    connect(m_opener, &Opening::starts, this, [this](const QString& path) {
        m_fresh = true;
        m_opening = path;
    });
    connect(m_opener, &Opening::checking, this, [this](const QString& text) {
        m_window->setSaveState({text, m_window->isWindowModified()});
    });
    connect(&m_session, &ProjectSession::leaving, m_window->inspector(), &Inspector::commitNote);
    connect(&m_session, &ProjectSession::editsSettled, this, [this] {
        if (std::exchange(m_closeWhenSettled, false))
            m_window->close();
    });
    connect(&m_session, &ProjectSession::opened, this, &Workbench::onOpened);
    connect(&m_session, &ProjectSession::viewChanged, this, &Workbench::onViewChanged);
    connect(&m_session, &ProjectSession::historyChanged, this, [this] {
        m_window->setHistory(m_session.undoText(), m_session.redoText());
        showSaveState();
    });
    connect(&m_session, &ProjectSession::modifiedChanged, this, &Workbench::showSaveState);
    connect(&m_session, &ProjectSession::savingChanged, this, &Workbench::showSaveState);
    connect(&m_session, &ProjectSession::saved, this, [this] {
        m_leaveUnsaved = false;
        m_savedAt = QTime::currentTime().toString(QStringLiteral("HH:mm:ss"));
        showSaveState();
        m_window->setProjectPath(m_session.path());
        if (!m_session.isUntitled())
            m_settings.addRecentFile(m_session.path());
        if (m_closeWhenSaved)
            m_window->close();
    });
    connect(&m_session, &ProjectSession::noted, this, [this](const QString& text) {
        m_window->bottomPane()->appendLog(text);
        m_window->notify({Severity::information, tr("About this project"), {text}, {}});
    });
    connect(&m_session, &ProjectSession::failed, this, [this](const QString& action, const Error& error) {
        if (action == QLatin1String("edit")) {
            m_closeWhenSettled = false;
            m_window->inspector()->noteRefused();
        }
        if (action == QLatin1String("save") && std::exchange(m_closeWhenSaved, false)) {
            m_leaveUnsaved = true;
            return fail(tr("The project could not be saved before closing"),
                        Error(error.code(), error.message(),
                              error.remedy() +
                                  " Or close again: changes stay in the log and results in their "
                                  "shards, and are there at the next start.",
                              error.detail()));
        }
        m_runAfterOpen.clear();
        const bool opens = action == QLatin1String("open");
        if (opens || action == QLatin1String("create") || action == QLatin1String("take over"))
            m_fresh = false; // what was open stays, and goes on being shown
        showSaveState();
        if (opens)
            return m_opener->failed(m_opening, error);
        fail(action == QLatin1String("create")      ? tr("The project could not be made")
             : action == QLatin1String("save")      ? tr("The project could not be saved")
             : action == QLatin1String("edit")      ? tr("The edit was not made")
             : action == QLatin1String("take over") ? tr("The project could not be taken over")
                                                    : tr("That did not work"),
             error);
    });
}

void Workbench::connectSettings() {
    connect(&m_settings, &Settings::recentFilesChanged, this, [this] {
        m_window->setRecentFiles(m_settings.recentFiles());
        m_overview->setRecentFiles(m_settings.recentFiles());
    });
    connect(&m_settings, &Settings::failed, this, [this, last = QString()](const Error& error) mutable {
        const auto text = q(error.message());
        if (std::exchange(last, text) != text) // not with every change
            m_window->notify(notificationOf(Severity::caution, tr("Your settings"), error));
    });
    connect(&m_settings, &Settings::modelFoldersChanged, this, [this] { searchModels(m_studyFolder); });
}

void Workbench::connectRunner() {
    connect(&m_runner, &StudyRunner::jobsChanged, this, &Workbench::showJobs);
    connect(&m_runner, &StudyRunner::progressChanged, this, &Workbench::showJobs);
    connect(&m_runner, &StudyRunner::stateChanged, this, &Workbench::showJobs);
    connect(&m_runner.worker(), &WorkerClient::logged, this,
            [this](const QString& level, const QString& text) {
                m_window->bottomPane()->appendLog(QTime::currentTime().toString(QStringLiteral("HH:mm:ss ")) +
                                                  level + QStringLiteral("  ") + text);
            });
    connect(&m_runner.worker(), &WorkerClient::ready, this, [this](const event::Hello& hello) {
        m_window->bottomPane()->appendLog(tr("The worker is ready, torch %1").arg(q(hello.torch)));
    });
    connect(&m_runner.worker(), &WorkerClient::respondingChanged, this, [this](bool responding) {
        if (!responding)
            m_window->notify({Severity::caution,
                              tr("The worker is not responding"),
                              {tr("It has not answered for 30 s; it may only be busy."),
                               tr("Wait, or stop the run: finished parts are kept.")},
                              {}});
    });
    connect(&m_runner, &StudyRunner::jobFailed, this,
            [this](const QString& title, const event::Failed& failure) {
                m_window->bottomPane()->appendLog(title + QStringLiteral(": ") + q(failure.text) +
                                                  QLatin1Char('\n') + q(failure.detail));
                Notification notification{Severity::failure, title, {q(failure.text), q(failure.remedy)}, {}};
                notification.lines.removeAll(QString());
                notification.actions << NotificationAction{QStringLiteral("resume"), tr("Resume")}
                                     << NotificationAction{QStringLiteral("details"), tr("Details")};
                m_window->notify(notification);
            });
    connect(&m_runner, &StudyRunner::finished, this, [this](const RunEnd& end) {
        showJobs();
        if (end.kind == RunEnd::Kind::Complete)
            for (const auto& blocked : end.blocked)
                m_window->bottomPane()->appendLog(tr("Not done: ") + q(blocked.modelName) +
                                                  QStringLiteral(": ") + q(blocked.reason));
        if (end.kind == RunEnd::Kind::Complete && !end.blocked.empty())
            m_window->notify({Severity::caution,
                              tr("Not everything could be measured"),
                              {q(end.blocked.front().reason)},
                              {}});
    });
}

QString Workbench::demoStudyPath() {
    const QString folder = QCoreApplication::applicationDirPath();
    for (const char* place : {"/../share/azimuth/demo/study.json", "/../../../data/demo/study.json"}) {
        const QFileInfo file(folder + QString::fromLatin1(place));
        if (file.exists())
            return file.canonicalFilePath();
    }
    return {};
}

void Workbench::runDemo() {
    const QString path = demoStudyPath();
    if (path.isEmpty())
        return fail(tr("The demo study is not there"),
                    Error("demo.missing", "data/demo/study.json was not found beside the program.",
                          "Install Azimuth again."));
    openStudy(path);
}

// One at a time: what is opened replaces what is shown.
bool Workbench::mayOpen() {
    if (!m_runner.isRunning() && !m_session.isOpening())
        return true;
    m_window->notify(
        {Severity::caution,
         m_runner.isRunning() ? tr("A study is running") : tr("A file is being opened"),
         {m_runner.isRunning() ? tr("Stop it before another file is opened; finished parts are kept.")
                               : tr("Wait until it is there, or stop its check.")},
         {}});
    return false;
}

void Workbench::open(const QString& path) {
    if (!mayOpen())
        return;
    if (path.endsWith(QLatin1String(".json"), Qt::CaseInsensitive))
        openStudy(path);
    else
        openProject(path);
}

void Workbench::searchModels(const QString& studyFolder) {
    m_studyFolder = studyFolder;
    m_runner.setSearchFolders(modelSearchFolders(studyFolder, m_settings.modelFolders()));
}

void Workbench::openProject(const QString& path) {
    searchModels(QFileInfo(path).path());
    m_fresh = true;
    m_opening = path;
    m_session.open(path);
}

void Workbench::openStudy(const QString& path) {
    try {
        const auto study = readStudyFile(path.toStdString());
        searchModels(QFileInfo(path).path());
        const QString project = ProjectSession::newUnsavedPath(q(study.title));
        m_fresh = true;
        m_runAfterOpen = project;
        m_session.create(project, study);
    } catch (const Error& error) {
        fail(tr("The study %1 could not be read").arg(QFileInfo(path).fileName()), error);
    }
}

void Workbench::onOpened() {
    m_window->setProjectPath(m_session.path());
    if (!m_session.isUntitled())
        m_settings.addRecentFile(m_session.path());
    m_settings.setStarted();
    m_leaveUnsaved = false;
    if (!m_session.readOnly().isEmpty())
        m_opener->showReadOnly();
    if (m_fresh) { // until the place is restored, nothing is remembered over it
        m_window->setView(m_session.view(), true);
        restorePlace();
        m_fresh = false;
    }
    showSaveState();
    if (!m_runAfterOpen.isEmpty()) {
        m_runAfterOpen.clear();
        run();
    }
}

void Workbench::onViewChanged(const View& view) {
    if (!m_fresh)
        m_window->setView(view, false);
    showSaveState();
}

void Workbench::run() {
    if (!m_session.isOpen() || m_runner.isRunning())
        return;
    if (!m_session.readOnly().isEmpty())
        return m_opener->showReadOnly();
    m_runner.start();
}

void Workbench::showJobs() {
    std::vector<JobItem> items;
    for (const auto& job : m_runner.jobs())
        items.push_back({job.id, job.title, job.failure.isEmpty() ? job.phase : job.failure,
                         stateOf(job.state), job.fraction, leftText(job)});
    m_window->bottomPane()->setJobs(items);
    const auto& progress = m_runner.progress();
    Activity activity;
    activity.running = m_runner.isRunning();
    activity.what = progress.title;
    activity.fraction = activity.running ? progress.fraction : -1;
    activity.missing = static_cast<int>(progress.wanted - progress.present);
    activity.runningModel = progress.model;
    m_window->setActivity(activity);
}

void Workbench::showMemory() {
    const auto memory = machineMemory();
    if (!memory)
        return m_window->navigator()->setDevice(tr("CPU"), {}, -1);
    constexpr double gigabyte = 1e9;
    m_window->navigator()->setDevice(tr("CPU"),
                                     tr("%1 of %2 GB")
                                         .arg(static_cast<double>(memory->used) / gigabyte, 0, 'f', 1)
                                         .arg(static_cast<double>(memory->total) / gigabyte, 0, 'f', 1),
                                     static_cast<double>(memory->used) / static_cast<double>(memory->total));
}

void Workbench::showSaveState() {
    m_window->inspector()->setNotesReadOnly(!m_session.readOnly().isEmpty());
    if (!m_session.isOpen())
        return m_window->setSaveState({QString(), false});
    const auto view = m_session.view();
    QString text;
    if (m_session.isSaving())
        text = tr("Saving…");
    else if (m_session.loggedEdits() > 0)
        text =
            words::countText(static_cast<qsizetype>(m_session.loggedEdits()), tr("change"), tr("changes")) +
            tr(" since generation %1 in the log").arg(view->generation);
    else if (m_session.isModified())
        text = tr("Results since generation %1 are in the side folder").arg(view->generation);
    else if (!m_savedAt.isEmpty())
        text = tr("Saved %1, generation %2").arg(m_savedAt).arg(view->generation);
    else
        text = tr("Generation %1").arg(view->generation);
    const bool readOnly = !m_session.readOnly().isEmpty();
    if (readOnly)
        text = tr("Read-only, generation %1").arg(view->generation);
    else if (m_session.isUntitled())
        text += tr(", not saved under a name yet");
    m_window->setSaveState({text, m_session.isModified() && !readOnly});
}

void Workbench::askRestore() {
    if (!m_session.isOpen() || m_runner.isRunning())
        return;
    m_session.listGenerations(this, [this](const std::vector<GenerationSummary>& list) {
        if (const auto chosen = chooseGeneration(m_window.get(), *m_session.view(), list))
            m_session.restore(*chosen);
    });
}

void Workbench::showCaches() {
    if (!m_session.isOpen() || m_runner.isRunning())
        return;
    m_session.perform(
        this, [](ProjectStore& store) { return listCaches(*store.view(), store.path(), false); },
        [this](std::vector<CacheFile> caches) {
            if (m_window->findChild<CachesDialog*>()) // asked for twice
                return;
            auto* dialog = new CachesDialog(std::move(caches), m_window.get());
            dialog->setAttribute(Qt::WA_DeleteOnClose);
            connect(dialog, &QDialog::accepted, this, &Workbench::removeCaches);
            dialog->open();
        },
        [this](const Error& error) { fail(tr("Activation caches"), error); });
}

void Workbench::removeCaches() {
    const QString title = tr("Activation caches");
    if (!m_session.isOpen() || m_runner.isRunning())
        return;
    m_session.perform(
        this, [](ProjectStore& store) { return removeUnusedCaches(store); },
        [this, title](const CacheRemoval& removal) {
            m_window->notify({removal.problems.empty() ? Severity::information : Severity::caution,
                              title,
                              {q(removalText(removal))},
                              {}});
        },
        [this, title](const Error& error) { fail(title, error); });
}

void Workbench::fail(const QString& title, const Error& error) {
    m_window->bottomPane()->appendLog(title + QStringLiteral(": ") + q(error.message()) + QLatin1Char('\n') +
                                      q(error.detail()));
    m_window->notify(notificationOf(Severity::failure, title, error));
}

void Workbench::askOpen() {
    const QString path = QFileDialog::getOpenFileName(m_window.get(), tr("Open a project or a study"), {},
                                                      tr("Azimuth (*.h5 *.json);;All files (*)"));
    if (!path.isEmpty())
        open(path);
}

void Workbench::askSaveAs() {
    if (!m_session.isOpen())
        return;
    if (m_runner.isRunning()) { // the results of the job under way belong to this file
        m_window->notify(
            {Severity::caution,
             tr("A study is running"),
             {tr("Stop it before the project is saved as another one; finished parts are kept.")},
             {}});
        return;
    }
    QString path = QFileDialog::getSaveFileName(m_window.get(), tr("Save the project as"),
                                                q(m_session.view()->title) + QStringLiteral(".h5"),
                                                tr("Azimuth project (*.h5)"));
    if (path.isEmpty())
        return;
    if (QFileInfo(path).suffix().isEmpty())
        path += QStringLiteral(".h5");
    m_session.saveAs(path);
}

void Workbench::askTitle() {
    if (!m_session.isOpen())
        return;
    bool agreed = false;
    const QString title = QInputDialog::getText(m_window.get(), tr("Rename the study"), tr("Title"),
                                                QLineEdit::Normal, q(m_session.view()->title), &agreed)
                              .trimmed();
    if (!agreed || title.isEmpty())
        return;
    auto study = *m_session.view()->study;
    study.title = title.toStdString();
    m_session.setStudy(study, tr("rename the study"));
}

void Workbench::exportFigure(const QString& kind) {
    if (!m_session.isOpen())
        return;
    const QString page = m_window->selection()->current().page;
    FigureRequest request;
    request.kind = (kind.isEmpty() ? page == QLatin1String("transfer") ? QStringLiteral("transfer")
                                     : page == QLatin1String("layers") ? QStringLiteral("k-cosine")
                                                                       : QStringLiteral("dose-response")
                                   : kind)
                       .toStdString();
    request.conceptName = m_window->selection()->current().concept_.toStdString();
    if (request.kind == "layer-map" || request.kind == "k-cosine") {
        request.model = m_window->selection()->current().model.toStdString();
        request.position = m_window->selection()->current().position;
    }
    const QString path = QFileDialog::getSaveFileName(m_window.get(), tr("Export figure"),
                                                      q(request.kind) + QStringLiteral(".pdf"),
                                                      tr("Figures (*.pdf *.svg *.png *.csv)"));
    if (path.isEmpty())
        return;
    try {
        const QtFigureDevice device;
        writeFileAtomically(path.toStdString(),
                            encodeFigure(makeFigure(*m_session.view(), request), device, path.toStdString()));
        m_window->notify(
            {Severity::information, tr("%1 is exported").arg(QFileInfo(path).fileName()), {path}, {}});
    } catch (const Error& error) {
        fail(tr("The figure could not be exported"), error);
    }
}

void Workbench::rememberPlace() {
    if (m_session.isOpen() && !m_fresh && m_window->view())
        m_settings.setLastPlace(q(m_session.view()->uuid), m_window->selection()->current().page,
                                selectionJson(m_window->selection()->current()));
}

void Workbench::restorePlace() {
    const auto place = selectionFromJson(m_settings.lastSelection(q(m_session.view()->uuid)));
    if (!place.page.isEmpty() && m_window->page(place.page))
        m_window->selection()->replace(place);
}

void Workbench::setTheme(const QString& mode) {
    m_theme.setMode(mode == QLatin1String("dark")    ? Theme::Mode::dark
                    : mode == QLatin1String("light") ? Theme::Mode::light
                                                     : Theme::Mode::system);
    if (m_settings.theme() != mode)
        m_settings.setTheme(mode);
    m_window->action(QStringLiteral("theme-") + mode)->setChecked(true);
}

// Finished parts lie in shards, so nothing is lost by closing; what is merged but not published yet is
// published first.
void Workbench::onClosing(QCloseEvent* event) {
    rememberLayout(m_settings, m_window->layoutNow());
    if (m_runner.isRunning())
        m_runner.cancel();
    if (m_session.pendingEdits() > 0) { // a moment; should one be refused, the window stays
        m_closeWhenSettled = true;
        return event->ignore();
    }
    if (m_session.isOpen() && m_session.isModified() && m_session.readOnly().isEmpty() && !m_closeWhenSaved &&
        !m_leaveUnsaved) {
        m_closeWhenSaved = true;
        event->ignore();
        m_session.save();
    }
}

} // namespace azimuth
