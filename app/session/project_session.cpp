#include "app/session/project_session.h"

#include <QDir>
#include <QRegularExpression>
#include <QStandardPaths>

namespace azimuth {

namespace {
constexpr int followInterval = 3000; // ms
}

ProjectSession::ProjectSession(QObject* parent)
    : QObject(parent), m_store(std::make_shared<std::optional<ProjectStore>>()) {
    connect(&m_follow, &QTimer::timeout, this, &ProjectSession::followOther);
}

ProjectSession::~ProjectSession() = default;

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
    return {store.view(), QString::fromStdString(store.path()), store.modified(),
            QString::fromStdString(store.readOnly())};
}

void ProjectSession::adopt(const Status& status) {
    m_path = status.path;
    const bool viewChanges = m_view != status.view, modifiedChanges = m_modified != status.modified;
    const bool newGeneration = m_view && status.view && m_view->uuid == status.view->uuid &&
                               status.view->generation > m_view->generation;
    m_view = status.view;
    m_modified = status.modified;
    m_readOnly = status.readOnly;
    if (m_readOnly.isEmpty())
        m_follow.stop();
    else if (!m_follow.isActive())
        m_follow.start(followInterval);
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
    m_io.post(
        this,
        [this, store = m_store, make = std::move(make)] {
            auto fresh = make(); // the project that is open stays open if this fails
            const auto notes = fresh.notes();
            store->emplace(std::move(fresh));
            return Opened{status(), notes};
        },
        [this](const Opened& answer) {
            adopt(answer.status);
            for (const auto& note : answer.notes)
                Q_EMIT noted(QString::fromStdString(note));
            Q_EMIT opened();
        },
        [this, action](const Error& error) { fail(action, error); });
}

void ProjectSession::open(const QString& path) {
    openWith(QStringLiteral("open"), [path = path.toStdString(), store = m_store] {
        const bool again = *store && (*store)->path() == path; // its lock is ours already
        return ProjectStore::open(path, again ? (*store)->lock() : nullptr);
    });
}

void ProjectSession::openEarlier(const QString& path, quint64 generation) {
    openWith(QStringLiteral("open"),
             [path = path.toStdString(), generation] { return ProjectStore::openEarlier(path, generation); });
}

void ProjectSession::restore(quint64 generation) {
    editWith(QStringLiteral("restore"), [generation](ProjectStore& store) { store.restore(generation); });
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
    m_io.post(
        this,
        [this, store = m_store] {
            if (!*store)
                throw Error("session.closed", "No project is open.", "");
            if (!(*store)->tryLock() && (*store)->newerOnDisk())
                store->emplace(ProjectStore::open((*store)->path()));
            return status();
        },
        [this](const Status& now) {
            const bool mayWrite = !m_readOnly.isEmpty() && now.readOnly.isEmpty();
            adopt(now);
            if (mayWrite)
                Q_EMIT noted(tr("The other process has closed this project; it can be changed here now."));
        },
        [this](const Error&) { m_follow.start(followInterval); });
}

void ProjectSession::create(const QString& path, const Study& study) {
    openWith(QStringLiteral("create"),
             [path = path.toStdString(), study] { return ProjectStore::create(path, study); });
}

void ProjectSession::openOrCreate(const QString& path, const Study& study) {
    openWith(QStringLiteral("open"), [path, study] {
        if (!QFile::exists(path))
            return ProjectStore::create(path.toStdString(), study);
        auto store = ProjectStore::open(path.toStdString());
        if (!store.readOnly().empty())
            throw Error("project.readonly", store.readOnly(),
                        "Wait for the other run, or give another file.");
        store.setStudy(study);
        return store;
    });
}

void ProjectSession::close() {
    m_io.post(
        this, [store = m_store] { return store->reset(), true; },
        [this](bool) {
            m_view = nullptr;
            m_path.clear();
            m_readOnly.clear();
            m_modified = false;
            Q_EMIT viewChanged(m_view);
            Q_EMIT closed();
        },
        [this](const Error& error) { fail(QStringLiteral("close"), error); });
}

void ProjectSession::saveWith(const QString& action, std::function<void(ProjectStore&)> write) {
    m_saving = true;
    Q_EMIT savingChanged(true);
    const auto end = [this] {
        m_saving = false;
        Q_EMIT savingChanged(false);
    };
    perform(
        this, [write = std::move(write)](ProjectStore& store) { return write(store), true; },
        [this, end, uuid = m_view ? m_view->uuid : std::string()](bool) {
            end();
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

void ProjectSession::editWith(const QString& action, std::function<void(ProjectStore&)> change) {
    perform(
        this, [change = std::move(change)](ProjectStore& store) { return change(store), true; }, [](bool) {},
        [this, action](const Error& error) { fail(action, error); });
}

void ProjectSession::setStudy(const Study& study) {
    editWith(QStringLiteral("change the study"), [study](ProjectStore& store) { store.setStudy(study); });
}

void ProjectSession::renewCalibration(const QString& modelName, const QString& conceptName) {
    editWith(QStringLiteral("calibrate"), [modelName, conceptName](ProjectStore& store) {
        const auto* model = store.view()->model(modelName.toStdString());
        if (!model)
            throw Error("session.model", modelName.toStdString() + " has not been found yet.",
                        "Run the study first.");
        store.calibrate({{model->identity, modelName.toStdString(), conceptName.toStdString()}});
    });
}

void ProjectSession::edit(std::function<ProjectView(const ProjectView&)> change) {
    editWith(QStringLiteral("edit"),
             [change = std::move(change)](ProjectStore& store) { store.adoptView(change(*store.view())); });
}

} // namespace azimuth
