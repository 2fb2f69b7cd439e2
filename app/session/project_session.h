// One open project of the window or of a verb: its view, its file, the I/O thread that owns both, and the log
// thread, which makes edits durable: the user's while the I/O thread may be saving, and what the I/O thread
// records of results, for which it waits. Main thread; nothing here
// blocks but the destructor. Requests are carried out in order, edits among themselves; each answers with a
// signal.
#pragma once

#include "app/session/edit_history.h"
#include "app/session/io_thread.h"
#include "app/session/project_store.h"

#include <atomic>
#include <functional>
#include <optional>
#include <QObject>
#include <QString>
#include <QTimer>

namespace azimuth {

class ProjectSession : public QObject {
    Q_OBJECT
public:
    explicit ProjectSession(QObject* parent = nullptr);
    ~ProjectSession() override;

    View view() const { return m_view; } // null: no project is open
    QString path() const { return m_path; }
    bool isOpen() const { return static_cast<bool>(m_view); }
    bool isModified() const { return m_modified; }
    bool isSaving() const { return m_saving; }
    // Why this project cannot be written; empty: it can. A read-only one follows what the other process
    // saves.
    QString readOnly() const { return m_readOnly; }
    // Who has it, if only the user can know whether that one is still there; then takeOver is possible.
    const std::optional<LockOwner>& farOwner() const { return m_farOwner; }
    bool isUntitled() const; // lies in the folder of unsaved projects
    // Where a new project lies until it is saved under a name: $XDG_DATA_HOME/azimuth/unsaved.
    static QString unsavedFolder();
    static QString newUnsavedPath(const QString& title);

    void open(const QString& path);
    void openAltered(const QString& path); // for project.altered (ProjectStore::openAltered)
    void takeOver(const LockOwner& owner); // of farOwner, on the word of the user
    void stopChecking();                   // what is being opened: it fails with "cancelled"
    bool isOpening() const { return m_opening; }
    int pendingEdits() const { return m_pendingEdits; } // made, but not durable yet
    // How files from elsewhere are checked; onCheck and keepGoing are the session's own.
    void setChecking(FileChecker::Options options) { m_checking = std::move(options); }
    // For a project that cannot be opened (ProjectStore::openEarlier).
    void openEarlier(const QString& path, const QString& file);
    void restore(quint64 generation); // becomes the next generation; what it replaces is kept
    void listGenerations(QObject* receiver, std::function<void(std::vector<GenerationSummary>)> done);
    void create(const QString& path, const Study& study); // Error project.exists if there is a file
    // Opens the project if there is one, and gives it the study; else creates it. What `azimuth run STUDY -o
    // FILE` does.
    void openOrCreate(const QString& path, const Study& study);
    void close(); // edits stay in the log, results in their shards
    void save();
    void saveAs(const QString& path);
    void setStudy(const Study& study, const QString& text = tr("change the study")); // made from view()
    void renewCalibration(const QString& modelName, const QString& conceptName);     // "choose again"

    // The user's edits: in the log before a view shows them. text: "Label 3 completions", as the menu says
    // it.
    // Labels without a rater get the author.
    void edit(const QString& text, Change change);
    void undo();
    void redo();
    QString undoText() const; // of what undo() would take back; empty: nothing
    QString redoText() const;
    QString author() const { return m_author; } // of labels, notes and edits
    void setAuthor(const QString& name);
    quint64 loggedEdits() const { return m_loggedEdits; } // durable, but in no generation yet

    // For StudyRunner: work on the store on the I/O thread; its view is published before done() is called.
    template <class Work, class Done>
    void perform(QObject* receiver, Work work, Done done, std::function<void(const Error&)> failed);

Q_SIGNALS:
    void checking(const QString& path); // a file from elsewhere is being checked; opened or failed comes
    void leaving(); // another project is about to take this one's place; edits of this one may still be made
    void opened();
    void closed();
    void editsSettled();                         // none is pending any more
    void viewChanged(const azimuth::View& view); // null after closing
    void modifiedChanged(bool modified);
    void savingChanged(bool saving);
    void historyChanged();
    void saved();                    // durable: the directory is fsynced
    void noted(const QString& text); // something worth telling that is no failure
    void failed(const QString& action, const azimuth::Error& error); // action: open, create, save, edit, ...

private:
    struct Status { // of the store after a task
        std::shared_ptr<ProjectHead> head;
        ProjectHead::State state;
        QString path, readOnly;
        std::optional<LockOwner> farOwner;
    };
    Status status() const;         // on the I/O thread
    void hold(ProjectStore fresh); // on the I/O thread
    void adopt(const Status& status);
    void fail(const QString& action, const Error& error);
    void openWith(const QString& action, std::function<ProjectStore()> make);
    void endOpening();
    void saveWith(const QString& action, std::function<void(ProjectStore&)> write,
                  std::function<void()> done = {});
    void followOther();
    FileChecker::Options checkingOptions();
    void adoptState(const std::shared_ptr<ProjectHead>& head, const ProjectHead::State& state);
    // make(): on the log thread; nothing: there is nothing to change.
    void append(const QString& text, std::function<std::optional<Change>()> make,
                std::function<void(std::optional<Change>)> done, std::function<void()> gaveUp = {});
    void settled();
    void step(EditHistory::Way way);
    void stepNow(EditHistory::Way way);

    std::shared_ptr<std::optional<ProjectStore>> m_store; // touched on the I/O thread only
    std::shared_ptr<ProjectHead> m_head;                  // of the project that m_view is of
    View m_view;
    quint64 m_revision = 0, m_loggedEdits = 0, m_savedGeneration = 0;
    int m_pendingEdits = 0;
    EditHistory m_history;
    QString m_path, m_readOnly, m_author;
    std::optional<LockOwner> m_farOwner;
    FileChecker::Options m_checking;
    std::shared_ptr<std::atomic<bool>> m_stop = std::make_shared<std::atomic<bool>>(false); // of one opening
    bool m_opening = false;
    QString m_followFailure; // told already
    QTimer m_follow;         // runs while the project is read-only
    bool m_modified = false, m_saving = false;
    IoThread m_log{QStringLiteral("azimuth-log")};
    IoThread m_io; // last: ends before the store goes
};

template <class Work, class Done>
void ProjectSession::perform(QObject* receiver, Work work, Done done,
                             std::function<void(const Error&)> failed) {
    using Result = std::invoke_result_t<Work, ProjectStore&>;
    struct Answer {
        Result result;
        Status status;
    };
    m_io.post(
        receiver,
        [this, store = m_store, work = std::move(work)]() mutable {
            if (!*store)
                throw Error("session.closed", "No project is open.", "Open a project first.");
            auto result = work(**store);
            return Answer{std::move(result), status()};
        },
        [this, done = std::move(done)](Answer answer) mutable {
            adopt(answer.status);
            done(std::move(answer.result));
        },
        std::move(failed));
}

} // namespace azimuth
