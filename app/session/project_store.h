// The project behind a session: the view, its file, shards, blobs and recorded jobs. Plain C++ over core;
// every call belongs on the I/O thread (HDF5), but what head() gives. Calls that change the view return the
// new one; an Error leaves everything as it was.
#pragma once

#include "app/session/project_head.h"
#include "core/base/error.h"
#include "core/plan/plan.h"
#include "core/project/file_checker.h"
#include "core/project/generations.h"
#include "core/study/project_view.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

// A generation as a list shows it: how much of everything it holds.
struct GenerationSummary {
    std::uint64_t generation = 0;
    double saved = 0; // unix seconds
    std::uint64_t bytes = 0;
    std::size_t completions = 0, scores = 0, banks = 0, labels = 0, notes = 0, calibrations = 0, figures = 0,
                jobs = 0;
    std::string title, study; // study: SHA-256 of it without its title
    std::string problem;      // why it cannot be opened; empty: it can
};
GenerationSummary summaryOf(const ProjectView& view); // without time and bytes

class ProjectStore {
public:
    // One process writes a project: create and open take its lock. Publishes generation 1 with the study.
    // Error project.exists, project.locked, file.*.
    static ProjectStore create(const std::string& path, const Study& study);
    // Reads the project, its banks' tensors and recorded jobs, and merges the shards that a crash left
    // behind; every file passes the checker first (FileChecker, whose errors come through). Where another
    // process has the lock, or the folder cannot be written, the store is read-only.
    // held: the lock of this path, if this process has it already.
    static ProjectStore open(const std::string& path, std::shared_ptr<ProjectLock> held = {},
                             FileChecker::Options checking = {});
    // For project.altered: takes the project as another program left it; the record of it is not saved yet.
    // Error project.locked.
    static ProjectStore openAltered(const std::string& path, std::shared_ptr<ProjectLock> held = {},
                                    FileChecker::Options checking = {});
    // As it is, with its shards and its log, and without a lock: nothing is written, whoever has it.
    static ProjectStore look(const std::string& path, FileChecker::Options checking = {});
    // For a project that cannot be opened: sets the file aside in prev/ and publishes an earlier generation
    // as the next one. Error project.missing if there is no such generation, project.locked.
    // file: EarlierGeneration::block.file; numbers are those of several projects where one was saved over
    // another. held: as for open.
    static ProjectStore openEarlier(const std::string& path, const std::string& file,
                                    std::shared_ptr<ProjectLock> held = {},
                                    FileChecker::Options checking = {});

    std::shared_ptr<ProjectLock> lock() const { return m_access->lock(); } // null: read-only
    // Shared with the log thread, which makes the user's edits.
    std::shared_ptr<ProjectHead> head() const { return m_head; }
    // Why nothing can be written; empty: everything can. Then what writes throws project.readonly, but
    // saveAs.
    std::string readOnly() const { return m_access->readOnly(); }
    // Who has it, if only the user can know whether that one is still there (ProjectLock::farOwner).
    const std::optional<LockOwner>& farOwner() const { return m_farOwner; }
    // Of a read-only store: the lock, if nobody has it now; then the project is to be opened again with it.
    // Else null.
    std::shared_ptr<ProjectLock> freeLock() const;
    // What was given to open() belongs to the opening; later checks tell nobody and are not stopped.
    void endOpening() { m_checker->forgetCallbacks(); }
    // This store takes the place of another one of the same project in this process, with the edits that were
    // made there meanwhile.
    void succeed(const ProjectStore& other);
    bool newerOnDisk() const; // another process has put another generation in place, not an older one

    std::vector<GenerationSummary> generations() const; // newest first, without the present one
    // Publishes the content of an earlier generation as the next one; what it replaces is kept. Error
    // project.missing.
    View restore(std::uint64_t generation);

    View view() const { return m_head->view(); }
    const std::string& path() const { return m_path; }
    // What there was to say while opening: shards adopted, shards and job files that could not be read.
    const std::vector<std::string>& notes() const { return m_notes; }
    bool modified() const { return m_head->state().modified; }

    // The study that was opened is replaced; what its keys still name stays in use. Models keep their
    // identity where file, digest and precision are the same.
    View setStudy(const Study& study);

    Plan plan(const FailedJobs& failed) const;
    // Makes a planned job ready to submit: writes the directions as blobs, records the specification.
    // Idempotent.
    JobSpec prepare(const PlannedJob& job);
    // Records all batches of a plan at once, so that a later change of the grid does not move their borders.
    void record(const Plan& plan);
    std::string newShardPath(const std::string& jobId) const;

    // Merges a published shard and judges what is new. sha256: of the done event.
    View mergeShard(const std::string& path, const std::string& sha256);
    // Judges what could not be judged when it came. Error file.read, project.*: a text cannot be read.
    View judgeMissing();
    View recordJob(const JobRecord& job); // one that failed or was cancelled
    // Computes and records what is due; those that cannot be computed are notes.
    View calibrate(const std::vector<CalibrationDue>& due);

    // Publishes the next generation, with the transfer matrix as a snapshot, and puts the shards that it
    // holds aside (keepShards).
    View save();
    // The same as a new project at another path; recorded jobs and blobs go along.
    View saveAs(const std::string& path);

    std::string blobFolder() const;

private:
    ProjectStore(std::string path, ProjectView view, std::shared_ptr<ProjectLock> lock,
                 std::shared_ptr<FileChecker> checker, std::string readOnly = {});
    void noteFormat(const UserBlock& block);
    void adoptWhatIsThere(const Replaced& replaced = {});
    void adoptResults();
    // Edits and jobs must not be missed by who writes; who only looks is told.
    void orNote(const std::function<void()>& read);
    ProjectView earlier(std::uint64_t generation) const;
    ProjectView write(const ProjectView& view);
    void keepMerged(std::uint64_t generation);
    void readRecordedJobs();
    std::string writeBlob(const Direction& direction);

    std::string m_path;
    std::shared_ptr<WriteAccess> m_access;
    std::shared_ptr<ProjectHead> m_head;
    std::shared_ptr<FileChecker> m_checker;
    std::shared_ptr<const CheckedFile> m_altered; // by another program, until a save replaces it
    std::optional<LockOwner> m_farOwner;
    RecordedJobs m_recorded;
    std::vector<std::string> m_merged;          // shards whose content is in the view, not yet saved
    std::map<std::string, std::string> m_blobs; // direction digest to file digest, written or found here
    std::vector<std::string> m_notes;
};

} // namespace azimuth
