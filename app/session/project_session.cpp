#include "app/session/project_session.h"

#include "core/base/time.h"
#include "core/project/project.h"
#include "core/results/calibrate.h"

#include <QDir>
#include <QRegularExpression>
#include <QStandardPaths>

namespace azimuth {

namespace {
constexpr int followInterval = 3000, failedFollowInterval = 60000; // ms

// Of a project that is open already: it is ours.
std::shared_ptr<ProjectLock> lockOf(const std::optional<ProjectStore>& store, const std::string& path) {
    const auto lock = store && store->path() == path ? store->lock() : nullptr;
    return lock && lock->held() ? lock : nullptr;
}

Calibration choiceNow(const ProjectView& view, const std::string& modelName, const std::string& conceptName) {
    const auto* model = view.model(modelName);
    const auto* conceptValue = view.study->concept_(conceptName);
    if (!model || !conceptValue)
        throw Error("session.model", (model ? conceptName : modelName) + " has not been found yet.",
                    "Run the study first.");
    return calibrate(view, *view.study, *conceptValue, *model, utcNow());
}
} // namespace

ProjectSession::ProjectSession(QObject* parent)
    : QObject(parent), m_store(std::make_shared<std::optional<ProjectStore>>()) {
    connect(&m_follow, &QTimer::timeout, this, &ProjectSession::followOther);
}

ProjectSession::~ProjectSession() { *m_stop = true; }

QString ProjectSession::unsavedFolder() {
    return QStandardPaths::writableLocation(QStandardPaths::GenericDataLocation) +
           QStringLiteral("/azimuth/unsaved");
}

QString ProjectSession::newUnsavedPath(const QString& title) {
    auto name = title;
    name.replace(QRegularExpression(QStringLiteral("[^\\w .-]+")), QStringLiteral(" "));
    name = name.simplified().left(60);
    if (name.isEmpty() || name.startsWith(QLatin1Char('.')))
        name = QStringLiteral("study") + name;
    QDir().mkpath(unsavedFolder());
    auto path = unsavedFolder() + QLatin1Char('/') + name + QStringLiteral(".h5");
    for (int i = 2; QFile::exists(path) || QFile::exists(path + QStringLiteral(".d")); ++i)
        path = unsavedFolder() + QStringLiteral("/%1 %2.h5").arg(name).arg(i);
    return path;
}

bool ProjectSession::isUntitled() const {
    return isOpen() &&
           QDir::cleanPath(m_path).startsWith(QDir::cleanPath(unsavedFolder()) + QLatin1Char('/'));
}

ProjectSession::Status ProjectSession::status() const {
    const auto& store = **m_store;
    return {store.head(), store.head()->state(), QString::fromStdString(store.path()),
            QString::fromStdString(store.readOnly()), store.farOwner()};
}

void ProjectSession::hold(ProjectStore fresh) {
    fresh.head()->editOn(m_log);
    m_store->emplace(std::move(fresh));
}

void ProjectSession::adopt(const Status& status) {
    m_path = status.path;
    m_readOnly = status.readOnly;
    m_farOwner = status.farOwner;
    if (m_readOnly.isEmpty())
        m_follow.stop();
    else if (!m_follow.isActive())
        m_follow.start(followInterval);
    adoptState(status.head, status.state);
}

// Answers of two threads: an older one may come later.
void ProjectSession::adoptState(const std::shared_ptr<ProjectHead>& head, const ProjectHead::State& state) {
    const bool another = m_head != head;
    if (!another && state.revision < m_revision)
        return;
    const bool viewChanges = m_view != state.view, modifiedChanges = m_modified != state.modified;
    const bool newGeneration =
        !another && m_view && m_view->uuid == state.view->uuid && state.savedGeneration > m_savedGeneration;
    m_savedGeneration = state.savedGeneration;
    m_head = head;
    m_revision = state.revision;
    m_view = state.view;
    m_modified = state.modified;
    m_loggedEdits = state.loggedEdits;
    if (another) {
        m_history.clear();
        Q_EMIT historyChanged();
    }
    if (viewChanges)
        Q_EMIT viewChanged(m_view);
    if (modifiedChanges)
        Q_EMIT modifiedChanged(m_modified);
    if (newGeneration)
        Q_EMIT saved();
}

void ProjectSession::fail(const QString& action, const Error& error) { Q_EMIT failed(action, error); }

void ProjectSession::openWith(const QString& action, std::function<ProjectStore()> make) {
    struct Opened {
        Status status;
        std::vector<std::string> notes;
    };
    m_opening = true;
    m_io.post(
        this,
        [this, store = m_store, make = std::move(make)] {
            auto fresh = make(); // the project that is open stays open if this fails
            fresh.endOpening();
            if (*store)
                fresh.succeed(**store);
            const auto notes = fresh.notes();
            hold(std::move(fresh));
            return Opened{status(), notes};
        },
        [this](const Opened& answer) {
            endOpening();
            Q_EMIT leaving();
            adopt(answer.status);
            for (const auto& note : answer.notes)
                Q_EMIT noted(QString::fromStdString(note));
            Q_EMIT opened();
        },
        [this, action](const Error& error) {
            endOpening();
            fail(action, error);
        });
}

// A later Stop stops nothing.
void ProjectSession::endOpening() {
    m_opening = false;
    m_stop = std::make_shared<std::atomic<bool>>(false);
}

FileChecker::Options ProjectSession::checkingOptions() {
    auto options = m_checking;
    options.onCheck = [this](const std::string& path) {
        QMetaObject::invokeMethod(
            this, [this, path] { Q_EMIT checking(QString::fromStdString(path)); }, Qt::QueuedConnection);
    };
    options.keepGoing = [stop = m_stop] {
        if (*stop)
            throw Error("cancelled", "Opening was stopped.", "");
    };
    return options;
}

void ProjectSession::stopChecking() { *m_stop = true; }

void ProjectSession::open(const QString& path) {
    openWith(QStringLiteral("open"), [path = path.toStdString(), store = m_store, how = checkingOptions()] {
        return ProjectStore::open(path, lockOf(*store, path), how);
    });
}

void ProjectSession::openAltered(const QString& path) {
    openWith(QStringLiteral("open"), [path = path.toStdString(), store = m_store, how = checkingOptions()] {
        return ProjectStore::openAltered(path, lockOf(*store, path), how);
    });
}

void ProjectSession::openEarlier(const QString& path, const QString& file) {
    openWith(QStringLiteral("open"), [path = path.toStdString(), file = file.toStdString(), store = m_store,
                                      how = checkingOptions()] {
        return ProjectStore::openEarlier(path, file, lockOf(*store, path), how);
    });
}

void ProjectSession::takeOver(const LockOwner& owner) {
    openWith(QStringLiteral("take over"), [path = m_path.toStdString(), owner, how = checkingOptions()] {
        ProjectLock::takeOver(path, owner);
        return ProjectStore::open(path, {}, how);
    });
}

void ProjectSession::restore(quint64 generation) {
    saveWith(
        QStringLiteral("restore"), [generation](ProjectStore& store) { store.restore(generation); },
        [this] { // its steps fit what is left behind
            m_history.clear();
            Q_EMIT historyChanged();
        });
}

void ProjectSession::listGenerations(QObject* receiver,
                                     std::function<void(std::vector<GenerationSummary>)> done) {
    perform(
        receiver, [](ProjectStore& store) { return store.generations(); }, std::move(done),
        [this](const Error& error) { fail(QStringLiteral("list"), error); });
}

// Another process writes this project: its next generation is shown as soon as it is there, and if it has
// closed the project, this process may write.
void ProjectSession::followOther() {
    if (!isOpen() || m_readOnly.isEmpty())
        return m_follow.stop();
    m_follow.stop(); // one question at a time
    struct Followed {
        Status status;
        std::vector<std::string> notes;
    };
    m_io.post(
        this,
        [this, store = m_store, how = m_checking] {
            if (!*store)
                throw Error("session.closed", "No project is open.", "");
            auto lock = (*store)->freeLock();
            std::vector<std::string> notes;
            if (lock || (*store)->newerOnDisk()) {
                auto fresh = ProjectStore::open((*store)->path(), lock, how);
                if (lock)
                    notes = fresh.notes(); // what the other one left
                hold(std::move(fresh));
            }
            return Followed{status(), notes};
        },
        [this](const Followed& now) {
            const bool mayWrite = !m_readOnly.isEmpty() && now.status.readOnly.isEmpty();
            m_followFailure.clear();
            adopt(now.status);
            for (const auto& note : now.notes)
                Q_EMIT noted(QString::fromStdString(note));
            if (mayWrite)
                Q_EMIT noted(tr("The other process has closed this project; it can be changed here now."));
        },
        [this](const Error& error) {
            m_follow.start(failedFollowInterval);
            const auto text = QString::fromStdString(error.message());
            if (error.code() == "session.closed" || std::exchange(m_followFailure, text) == text)
                return;
            Q_EMIT noted(tr("What another process saved since cannot be shown: %1").arg(text));
        });
}

void ProjectSession::create(const QString& path, const Study& study) {
    openWith(QStringLiteral("create"),
             [path = path.toStdString(), study] { return ProjectStore::create(path, study); });
}

void ProjectSession::openOrCreate(const QString& path, const Study& study) {
    openWith(QStringLiteral("open"), [this, path, study, how = checkingOptions()] {
        if (!QFile::exists(path))
            return ProjectStore::create(path.toStdString(), study);
        auto store = ProjectStore::open(path.toStdString(), {}, how);
        if (!store.readOnly().empty())
            throw Error("project.readonly", store.readOnly(),
                        "Wait for the other run, or give another file.");
        store.head()->editOn(m_log);
        store.setStudy(study);
        return store;
    });
}

void ProjectSession::close() {
    m_io.post(
        this, [store = m_store] { return store->reset(), true; },
        [this](bool) {
            m_view = nullptr;
            m_head = nullptr;
            m_revision = m_loggedEdits = 0;
            m_history.clear();
            Q_EMIT historyChanged();
            m_path.clear();
            m_readOnly.clear();
            m_farOwner.reset();
            m_modified = false;
            Q_EMIT viewChanged(m_view);
            Q_EMIT closed();
        },
        [this](const Error& error) { fail(QStringLiteral("close"), error); });
}

void ProjectSession::saveWith(const QString& action, std::function<void(ProjectStore&)> write,
                              std::function<void()> done) {
    m_saving = true;
    Q_EMIT savingChanged(true);
    const auto end = [this] {
        m_saving = false;
        Q_EMIT savingChanged(false);
    };
    perform(
        this,
        [write = std::move(write)](ProjectStore& store) {
            const auto before = store.view();
            write(store);
            return droppedNotes(*before, *store.view());
        },
        [this, end, done = std::move(done),
         uuid = m_view ? m_view->uuid : std::string()](const std::vector<std::string>& notes) {
            end();
            if (done)
                done();
            for (const auto& note : notes)
                Q_EMIT noted(QString::fromStdString(note));
            if (m_view && m_view->uuid != uuid) // under another name: a project of its own, generation 1
                Q_EMIT saved();
        },
        [this, end, action](const Error& error) {
            end();
            fail(action, error);
        });
}

void ProjectSession::save() {
    saveWith(QStringLiteral("save"), [](ProjectStore& store) { store.save(); });
}

void ProjectSession::saveAs(const QString& path) {
    saveWith(QStringLiteral("save"),
             [path = path.toStdString()](ProjectStore& store) { store.saveAs(path); });
}

void ProjectSession::setStudy(const Study& study, const QString& text) {
    if (!isOpen())
        return;
    append(
        text, [study, from = m_view->study]() -> std::optional<Change> { return studyChange(*from, study); },
        [this, text](std::optional<Change> inverse) {
            m_history.did(text.toStdString(), std::move(inverse));
        });
}

void ProjectSession::renewCalibration(const QString& modelName, const QString& conceptName) {
    if (!isOpen())
        return;
    const auto text = tr("Choose again: %1, %2").arg(modelName, conceptName);
    const auto stands = std::make_shared<bool>(false);
    append(
        text,
        [head = m_head, model = modelName.toStdString(), conceptName = conceptName.toStdString(),
         stands]() -> std::optional<Change> {
            const auto view = head->view();
            auto choice = choiceNow(*view, model, conceptName);
            const auto* counted = view->calibration(choice.modelIdentity, conceptName);
            if ((*stands = counted && counted->id == choice.id))
                return std::nullopt;
            return RecordCalibration{std::move(choice)};
        },
        [this, text, stands](std::optional<Change> inverse) {
            if (*stands)
                Q_EMIT noted(
                    tr("%1: the choice stands, for its completions and labels are the same.").arg(text));
            else
                m_history.did(text.toStdString(), std::move(inverse));
        });
}

void ProjectSession::append(const QString& text, std::function<std::optional<Change>()> make,
                            std::function<void(std::optional<Change>)> done, std::function<void()> gaveUp) {
    struct Made {
        std::optional<Change> inverse;
        ProjectHead::State state;
    };
    if (!m_head)
        return fail(QStringLiteral("edit"),
                    Error("session.closed", "No project is open.", "Open a project first."));
    ++m_pendingEdits;
    m_log.post(
        this,
        [head = m_head, make = std::move(make), text = text.toStdString(), author = m_author.toStdString(),
         time = unixSeconds()] {
            std::optional<Change> inverse;
            if (auto change = make())
                inverse = head->edit({text, author, time, std::move(*change)});
            return Made{std::move(inverse), head->state()};
        },
        [this, head = m_head, done = std::move(done)](Made made) {
            if (m_head == head) { // else another project is open meanwhile
                done(std::move(made.inverse));
                adoptState(head, made.state);
                Q_EMIT historyChanged();
            }
            settled();
        },
        [this, gaveUp = std::move(gaveUp)](const Error& error) {
            if (gaveUp)
                gaveUp();
            fail(QStringLiteral("edit"), error);
            settled();
        });
}

void ProjectSession::settled() {
    if (--m_pendingEdits == 0)
        Q_EMIT editsSettled();
}

void ProjectSession::edit(const QString& text, Change change) {
    if (auto* labels = std::get_if<SetLabels>(&change); labels && labels->rater.empty())
        labels->rater = m_author.toStdString();
    append(
        text, [change = std::move(change)] { return std::optional(change); },
        [this, text](std::optional<Change> inverse) {
            m_history.did(text.toStdString(), std::move(inverse));
        });
}

// Behind the edits that are under way: what was done last is taken back first.
void ProjectSession::step(EditHistory::Way way) {
    m_log.post(
        this, [] { return true; }, [this, way](bool) { stepNow(way); },
        [this](const Error& error) { fail(QStringLiteral("edit"), error); });
}

void ProjectSession::stepNow(EditHistory::Way way) {
    auto taken = m_history.take(way);
    if (!taken)
        return;
    const auto text = QString::fromStdString(taken->text);
    const auto title = way == EditHistory::Way::Undo ? tr("Undo: %1").arg(text) : tr("Redo: %1").arg(text);
    append(
        title, [change = taken->change] { return std::optional(change); },
        [this, way, text](std::optional<Change> inverse) {
            m_history.carriedOut(way, text.toStdString(), std::move(inverse));
        },
        [this, way, step = *taken] {
            m_history.putBack(way, step);
            Q_EMIT historyChanged();
        });
    Q_EMIT historyChanged();
}

void ProjectSession::undo() { step(EditHistory::Way::Undo); }
void ProjectSession::redo() { step(EditHistory::Way::Redo); }

QString ProjectSession::undoText() const {
    return QString::fromStdString(m_history.undoText().value_or(std::string()));
}
QString ProjectSession::redoText() const {
    return QString::fromStdString(m_history.redoText().value_or(std::string()));
}

void ProjectSession::setAuthor(const QString& name) { m_author = name; }

} // namespace azimuth
