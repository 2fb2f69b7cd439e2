// The one place that wires session, runner and window: requests of the window become calls, answers become
// views and notifications. GUI thread.
#pragma once

#include "app/session/project_session.h"
#include "app/session/settings.h"
#include "app/session/study_runner.h"
#include "app/workbench/main_window.h"

#include <QObject>
#include <QString>
#include <QTimer>

class QCloseEvent;

namespace azimuth {

class Theme;
class Opening;
class OverviewPage;

class Workbench : public QObject {
    Q_OBJECT
public:
    explicit Workbench(Theme& theme, StudyRunner::Options options = {});
    ~Workbench() override;

    void show();
    // A project (.h5) is opened; a study (.json) is made into a project and run.
    void open(const QString& path);
    void runDemo();

    MainWindow& window() { return *m_window; }
    ProjectSession& session() { return m_session; }
    StudyRunner& runner() { return m_runner; }
    Settings& settings() { return m_settings; }

    static QString demoStudyPath(); // empty if the demo is not installed

private:
    void connectWindow();
    void connectSession();
    void connectSettings();
    void connectRunner();
    bool mayOpen(); // else says why not
    void openProject(const QString& path);
    void openStudy(const QString& path);
    void searchModels(const QString& studyFolder); // there, and where the settings say
    void onOpened();
    void onViewChanged(const View& view);
    void showJobs();
    void showMemory();
    void showSaveState();
    void fail(const QString& title, const Error& error);
    void askOpen();
    void askSaveAs();
    void askRestore();
    void askTitle();
    void showCaches();
    void removeCaches();
    void exportFigure(const QString& kind);
    void run();
    void rememberPlace();
    void restorePlace();
    void setTheme(const QString& mode);
    void onClosing(QCloseEvent* event);

    Theme& m_theme;
    Settings m_settings;
    ProjectSession m_session;
    StudyRunner m_runner;
    std::unique_ptr<MainWindow> m_window;
    OverviewPage* m_overview;
    Opening* m_opener;
    QString m_opening;      // path of the project that was opened last, or could not be
    QString m_studyFolder;  // where its models are looked for first
    QString m_runAfterOpen; // path whose study is run as soon as it is open
    bool m_fresh = false;   // the next view is another project's
    bool m_closeWhenSaved = false;
    bool m_closeWhenSettled = false; // edits are on their way to the disk
    bool m_leaveUnsaved = false;     // saving failed when the window was closed: the next time it closes
    QString m_savedAt;
    QTimer m_memoryTimer;
};

} // namespace azimuth
