// The newest view of an open project: results come from the I/O thread, edits through the log. An edit is in
// the log, synced, before any view shows it. Thread-safe; edit() waits for the disk, so never call it from
// the window's thread.
#pragma once

#include "app/session/io_thread.h"
#include "app/session/write_access.h"
#include "core/project/edit_log.h"
#include "core/study/edit.h"

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace azimuth {

using View = std::shared_ptr<const ProjectView>;

class ProjectHead {
public:
    // view: as it is in the file at `path`.
    ProjectHead(std::string path, ProjectView view, std::shared_ptr<const WriteAccess> access);

    struct State {
        View view;
        std::uint64_t revision = 0;        // grows with every view
        bool modified = false;             // the file holds less than the view
        std::uint64_t savedGeneration = 0; // of the file, durable
        std::uint64_t loggedEdits = 0;     // that the log holds and the file does not
    };
    State state() const;
    View view() const;

    // Edits are made on this thread, whoever makes them; it must outlive the last of them. Without one they
    // are made where edit() is called, as by a verb.
    void editOn(IoThread& thread);

    // Applies what the logs hold beyond the view; returns what there is to say. keep: this process writes the
    // project.
    std::vector<std::string> replay(bool keep);

    // Returns what takes it back, if that is possible. Error project.readonly, project.locklost, edit.*,
    // log.edit, file.*: then neither the log nor the view has it.
    std::optional<Change> edit(const Edit& edit);

    // Results: not logged, because their shards are durable. The function must be quick; edits wait for it.
    View update(const std::function<void(ProjectView&)>& change);
    // The same for a function that takes its time: edits do not wait for it; it is called again if some came,
    // and if they keep coming they do wait.
    View rebuild(const std::function<ProjectView(const ProjectView&)>& make);

    // Writes the view and takes what write() returns as what is in the file; edits and results that came
    // meanwhile stay.
    View save(const std::function<ProjectView(const ProjectView&)>& write);
    // The same to another path, or with another content; edits wait until it is done. Then the head is that
    // project.
    View saveAs(const std::string& path, const std::function<ProjectView(const ProjectView&)>& write);

    // Another head of this project takes over: edits that come later are refused; two would give one number
    // to two edits.
    void setRetired(bool retired);

private:
    std::optional<Change> editHere(const Edit& edit);
    View commit(ProjectView view); // under m_mutex

    std::mutex m_logMutex; // order of the edits; before m_mutex
    std::unique_ptr<EditLog> m_log;
    std::atomic<IoThread*> m_thread = nullptr;
    bool m_retired = false;
    std::string m_path;
    const std::shared_ptr<const WriteAccess> m_access;

    mutable std::mutex m_mutex;
    View m_view, m_saved;
    std::uint64_t m_revision = 0;
};

} // namespace azimuth
