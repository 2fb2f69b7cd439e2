// The frame of the workbench: menus, Selection bar, navigator, pages, inspector, bottom pane, status bar. It
// shows a ProjectView and asks for everything else by signals; the Workbench answers them. GUI thread.
#pragma once

#include "app/workbench/bottom_pane.h"
#include "app/workbench/page.h"
#include "app/workbench/selection.h"
#include "widgets/notification.h"

#include <map>
#include <memory>
#include <optional>
#include <QMainWindow>
#include <vector>

class QDockWidget;
class QLabel;
class QMenu;
class QProgressBar;
class QStackedWidget;
class QToolButton;

namespace azimuth {

class Inspector;
class Navigator;
class SelectionBar;

// Size and panes, as the user left them.
struct WindowLayout {
    QByteArray geometry;
    bool inspector = true, names = true;
    std::optional<bool> bottom; // nothing: by the screen's size
    int bottomHeight = 0;       // 0: by the screen's size
};

struct SaveState {
    QString text; // "Saved 14:32:07, generation 12", "Saving…"
    bool modified = false;
};

class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    explicit MainWindow(QWidget* parent = nullptr);
    ~MainWindow() override;

    // Pages join in the navigator's order; group as in Navigator. The window owns them.
    void addPage(Page* page, int group);
    Page* page(const QString& id) const;
    Page* currentPage() const;

    SelectionModel* selection() const { return m_selection; }
    Navigator* navigator() const { return m_navigator; }
    Inspector* inspector() const { return m_inspector; }
    BottomPane* bottomPane() const { return m_bottom; }
    QAction* action(const QString& commandId) const;

    // null: no project is open. resetSelection: another project; else the selection is kept where it still
    // fits.
    void setView(std::shared_ptr<const ProjectView> view, bool resetSelection);
    std::shared_ptr<const ProjectView> view() const { return m_view; }
    void setProjectPath(const QString& path); // window title and proxy
    void setActivity(const Activity& activity);
    const Activity& activity() const { return m_activity; }
    void setSaveState(const SaveState& state);
    void setHistory(const QString& undo, const QString& redo); // what they would do; empty: nothing
    void setRecentFiles(const QStringList& paths);
    NotificationFrame* notify(const Notification& notification); // gone when it is closed
    void showLog();

    void restoreLayout(const WindowLayout& layout); // what is missing goes by the screen's size
    WindowLayout layoutNow() const;

Q_SIGNALS:
    void openRequested();
    void fileRequested(const QString& path);
    void demoRequested();
    void saveRequested();
    void saveAsRequested();
    void restoreRequested();
    void undoRequested();
    void redoRequested();
    void renameRequested();
    void authorRequested();
    void modelFoldersRequested();
    void chooseAgainRequested(); // k and strength of the selected model and concept
    void editRequested(const QString& text, const azimuth::Change& change);
    void studyRequested(const azimuth::Study& study, const QString& text);
    void removeCachesRequested();
    void runRequested();
    void stopRequested();
    void exportRequested(const QString& figureKind); // empty: ask
    void notificationAction(const QString& id);
    void themeRequested(const QString& mode); // light, dark, system
    void fontScaleRequested(double factor);   // 0: back to 1
    void closing(QCloseEvent* event);

protected:
    void closeEvent(QCloseEvent* event) override;
    void resizeEvent(QResizeEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;

private:
    void arrangePanes();
    void buildMenus();
    void buildPanes();
    void buildStatusBar();
    void runCommand(const QString& id);
    void stepK(int by);
    void stepPane(int by);
    void showShortcuts();
    void writeNote();
    void refreshPages();
    void refreshInspector();
    Selection fitted(Selection selection) const;

    SelectionModel* m_selection;
    std::shared_ptr<const ProjectView> m_view;
    Activity m_activity;
    QString m_path;
    std::vector<Page*> m_pages;
    std::map<QString, QAction*> m_actions;
    SelectionBar* m_bar;
    Navigator* m_navigator;
    Inspector* m_inspector;
    BottomPane* m_bottom;
    QStackedWidget* m_stack;
    QDockWidget *m_navigatorDock, *m_inspectorDock, *m_bottomDock;
    NotificationStack* m_notifications;
    QMenu* m_recent;
    QLabel *m_savedIcon, *m_saved, *m_running;
    QProgressBar* m_progress;
    QToolButton *m_jobsButton, *m_notificationsButton, *m_logButton;
    bool m_large = false;
    bool m_wantInspector = true, m_wantNames = true; // what the user chose; a narrow window may hide more
};

} // namespace azimuth
