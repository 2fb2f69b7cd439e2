// One open project of the window or of a verb: its view, its file, and the I/O thread that owns both. Main
// thread; nothing here blocks but the destructor. Requests are carried out in order; each answers with a
// signal.
#pragma once

#include "app/session/io_thread.h"
#include "app/session/project_store.h"

#include <functional>
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
    bool isUntitled() const; // lies in the folder of unsaved projects
    // Where a new project lies until it is saved under a name: $XDG_DATA_HOME/azimuth/unsaved.
    static QString unsavedFolder();
    static QString newUnsavedPath(const QString& title);

    void open(const QString& path);
    // For a project that cannot be opened (ProjectStore::openEarlier).
    void openEarlier(const QString& path, quint64 generation);
    void restore(quint64 generation); // an edit: not saved yet
    void listGenerations(QObject* receiver, std::function<void(std::vector<GenerationSummary>)> done);
    void create(const QString& path, const Study& study); // Error project.exists if there is a file
    // Opens the project if there is one, and gives it the study; else creates it. What `azimuth run STUDY -o
    // FILE` does.
    void openOrCreate(const QString& path, const Study& study);
    void close(); // what is not saved is lost
    void save();
    void saveAs(const QString& path);
    void setStudy(const Study& study);
    void renewCalibration(const QString& modelName, const QString& conceptName); // "choose again"
    // An edit: view -> view. Runs on the I/O thread.
    void edit(std::function<ProjectView(const ProjectView&)> change);

    // For StudyRunner: work on the store on the I/O thread; its view is published before done() is called.
    template <class Work, class Done>
    void perform(QObject* receiver, Work work, Done done, std::function<void(const Error&)> failed);

Q_SIGNALS:
    void opened();
    void closed();
    void viewChanged(const azimuth::View& view); // null after closing
    void modifiedChanged(bool modified);
    void savingChanged(bool saving);
    void saved();                    // durable: the directory is fsynced
    void noted(const QString& text); // something worth telling that is no failure
    void failed(const QString& action, const azimuth::Error& error); // action: open, create, save, edit, ...

private:
    struct Status { // of the store after a task
        View view;
        QString path;
        bool modified = false;
        QString readOnly;
    };
    Status status() const; // on the I/O thread
    void adopt(const Status& status);
    void fail(const QString& action, const Error& error);
    void openWith(const QString& action, std::function<ProjectStore()> make);
    void saveWith(const QString& action, std::function<void(ProjectStore&)> write);
    void followOther();
    void editWith(const QString& action, std::function<void(ProjectStore&)> change);

    std::shared_ptr<std::optional<ProjectStore>> m_store; // touched on the I/O thread only
    View m_view;
    QString m_path, m_readOnly;
    QTimer m_follow; // runs while the project is read-only
    bool m_modified = false, m_saving = false;
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
