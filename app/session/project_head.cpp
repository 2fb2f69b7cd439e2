#include "app/session/project_head.h"

#include "core/base/error.h"
#include "core/project/generations.h"
#include "core/results/rates.h"

#include <algorithm>

namespace azimuth {

namespace {

// A new study may have new judges and prompts.
ProjectView applied(const ProjectView& view, const Edit& edit) {
    auto next = apply(view, edit);
    if (std::holds_alternative<ChangeStudy>(edit.change))
        for (auto& label : labelMissing(next, edit.time))
            next.labels.push_back(std::make_shared<const Label>(std::move(label)));
    return next;
}

// It is in the log already: what cannot be judged now is judged when results come or the study is run.
ProjectView appliedAnyway(const ProjectView& view, const Edit& edit) {
    try {
        return applied(view, edit);
    } catch (const Error&) {
        return apply(view, edit);
    }
}

bool holdsJob(const ProjectView& view, const std::string& id) {
    return std::any_of(view.jobs.begin(), view.jobs.end(),
                       [&](const JobRecord& job) { return job.id == id && job.state == JobState::Done; });
}

std::unique_ptr<EditLog> logOf(const std::string& path, const ProjectView& view,
                               const std::vector<LogFile>& known = {}) {
    return std::make_unique<EditLog>(path, view.uuid, view.generation, view.logSequence + 1, known);
}

// Logs stay as long as an earlier generation could need them.
void removeOldLogs(const std::string& path, const ProjectView& saved, const std::string& current) {
    auto through = saved.logSequence;
    std::vector<std::string> unreadable;
    try {
        for (const auto& earlier : earlierGenerations(path, saved.uuid, &unreadable))
            if (earlier.block.formatVersion >= 3) // there was no log before
                through = std::min(through, earlier.block.logSequence);
    } catch (const Error&) { // the next save finds them
        return;
    }
    if (unreadable.empty())
        removeLogs(path, saved.uuid, through, current);
}

} // namespace

ProjectHead::ProjectHead(std::string path, ProjectView view, std::shared_ptr<const WriteAccess> access)
    : m_log(logOf(path, view)), m_path(std::move(path)), m_access(std::move(access)),
      m_view(std::make_shared<const ProjectView>(std::move(view))), m_saved(m_view) {}

View ProjectHead::view() const {
    const std::lock_guard lock(m_mutex);
    return m_view;
}

ProjectHead::State ProjectHead::state() const {
    const std::lock_guard lock(m_mutex);
    return {m_view, m_revision, m_view != m_saved, m_saved->generation,
            m_view->logSequence - m_saved->logSequence};
}

std::vector<std::string> ProjectHead::replay(bool keep) {
    const std::lock_guard order(m_logMutex);
    auto next = *view();
    auto reading = readLogs(m_path, next.uuid, next.logSequence, keep);
    auto notes = std::move(reading.notes);
    std::size_t count = 0;
    for (const auto& logged : reading.edits) {
        try {
            const auto edit = readEdit(logged.edit, "edit " + std::to_string(logged.sequence));
            next = appliedAnyway(next, edit);
            const auto* shard = std::get_if<AttachShard>(&edit.change);
            if (shard && !holdsJob(next, shard->job))
                notes.push_back("The shard " + shard->file + " is gone, and with it the results of \"" +
                                edit.text + "\". Run the study again to have them.");
            count += !shard;
        } catch (const Error& error) {
            notes.push_back("An edit of the log could not be applied: " + error.message());
        }
    }
    const bool nothingNew = reading.last == next.logSequence;
    next.logSequence = reading.last;
    m_log = logOf(m_path, next, reading.files);
    if (nothingNew)
        return notes;
    const std::lock_guard lock(m_mutex);
    commit(std::move(next));
    if (count > 0)
        notes.push_back(std::to_string(count) +
                        (count == 1 ? " edit that was not saved last time has"
                                    : " edits that were not saved last time have") +
                        " been taken from the log.");
    return notes;
}

void ProjectHead::editOn(IoThread& thread) { m_thread = &thread; }

std::optional<Change> ProjectHead::edit(const Edit& edit) {
    auto* const thread = m_thread.load();
    return thread ? thread->run([&] { return editHere(edit); }) : editHere(edit);
}

std::optional<Change> ProjectHead::editHere(const Edit& edit) {
    const std::lock_guard order(m_logMutex);
    if (m_retired)
        throw Error("session.closed", "The project was opened anew while this edit was made.",
                    "Make it again.");
    m_access->require();
    const auto before = view();
    auto next = applied(*before, edit); // what cannot be applied is not logged
    const auto sequence = m_log->append(toJson(edit));
    const std::lock_guard lock(m_mutex);
    if (m_view != before) // results came meanwhile; an edit that fits before them fits behind them
        next = appliedAnyway(*m_view, edit);
    next.logSequence = sequence;
    commit(std::move(next));
    return inverse(*before, edit.change);
}

View ProjectHead::update(const std::function<void(ProjectView&)>& change) {
    const std::lock_guard lock(m_mutex);
    auto next = *m_view;
    change(next);
    return commit(std::move(next));
}

View ProjectHead::rebuild(const std::function<ProjectView(const ProjectView&)>& make) {
    constexpr int patience = 3;
    for (int round = 0;; ++round) {
        std::unique_lock order(m_logMutex, std::defer_lock);
        if (round >= patience)
            order.lock();
        const auto before = view();
        auto next = make(*before);
        const std::lock_guard lock(m_mutex);
        if (m_view == before)
            return commit(std::move(next));
    }
}

View ProjectHead::save(const std::function<ProjectView(const ProjectView&)>& write) {
    const auto snapshot = view();
    auto written = write(*snapshot);
    View now;
    {
        const std::lock_guard lock(m_mutex);
        if (m_view == snapshot) {
            m_saved = commit(std::move(written));
        } else {
            m_saved = std::make_shared<const ProjectView>(written);
            auto next = *m_view;
            next.generation = written.generation;
            next.fileUuid = written.fileUuid;
            next.saved = written.saved;
            next.transfer = std::move(written.transfer);
            if (next.completions == snapshot->completions) // they are read from the new file from now on
                next.completions = written.completions;
            const auto known = static_cast<std::ptrdiff_t>(snapshot->provenance.size());
            next.provenance.insert(next.provenance.end(), written.provenance.begin() + known,
                                   written.provenance.end());
            commit(std::move(next));
        }
        now = m_view;
    }
    const std::lock_guard order(m_logMutex);
    m_log->startNewFile(now->generation);
    removeOldLogs(m_path, *m_saved, {});
    return now;
}

View ProjectHead::saveAs(const std::string& path,
                         const std::function<ProjectView(const ProjectView&)>& write) {
    const std::lock_guard order(m_logMutex);
    auto written = write(*view());
    m_path = path;
    m_log = logOf(path, written);
    const std::lock_guard lock(m_mutex);
    m_saved = commit(std::move(written));
    return m_saved;
}

void ProjectHead::setRetired(bool retired) {
    const std::lock_guard order(m_logMutex);
    m_retired = retired;
}

View ProjectHead::commit(ProjectView view) {
    m_view = std::make_shared<const ProjectView>(std::move(view));
    ++m_revision;
    return m_view;
}

} // namespace azimuth
