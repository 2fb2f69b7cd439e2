#include "app/session/settings.h"

#include <algorithm>
#include <pwd.h>
#include <QDateTime>
#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>
#include <unistd.h>

namespace azimuth {

namespace {
constexpr std::size_t keptPlaces = 200;
constexpr qint64 aDay = 24 * 3600 * 1000; // ms
QString textOf(const Json& value) {
    return value.is_string() ? QString::fromStdString(value.get<std::string>()) : QString();
}
QStringList textsOf(const Json& value) {
    QStringList out;
    if (value.is_array())
        for (const auto& one : value)
            out.append(textOf(one));
    out.removeAll(QString());
    return out;
}
Json jsonOf(const QString& text) { return text.toStdString(); }
Json jsonOf(const QStringList& texts) {
    Json out = Json::array();
    for (const auto& text : texts)
        out.push_back(text.toStdString());
    return out;
}
Json jsonOf(const QByteArray& bytes) { return bytes.toBase64().toStdString(); }
QByteArray bytesOf(const Json& value) { return QByteArray::fromBase64(textOf(value).toLatin1()); }

// Of an entry that is an object.
Json memberOf(const Json& value, const std::string& name) {
    return value.is_object() && value.contains(name) ? value[name] : Json();
}
} // namespace

Settings::Settings(QObject* parent)
    : Settings(QStandardPaths::writableLocation(QStandardPaths::GenericConfigLocation) +
                   QStringLiteral("/azimuth/settings.json"),
               parent) {}

Settings::Settings(const QString& file, QObject* parent) : QObject(parent), m_file(file) {
    connect(&m_file, &SettingsFile::failed, this, &Settings::failed);
    connect(&m_file, &SettingsFile::changedElsewhere, this, [this](const std::string& name) {
        if (name == "recent_files")
            Q_EMIT recentFilesChanged();
        else if (name == "model_folders")
            Q_EMIT modelFoldersChanged();
    });
}

QStringList Settings::recentFiles() const {
    return textsOf(m_file.value("recent_files")).mid(0, mostRecentFiles);
}

// edit: on the list as it is then, here and in the file; doing it twice does no more than once.
void Settings::changeList(const std::string& name, std::function<void(QStringList&)> edit) {
    m_file.change(name, [edit = std::move(edit)](const Json& before) {
        auto list = textsOf(before);
        edit(list);
        return jsonOf(list);
    });
}

void Settings::changeRecentFiles(std::function<void(QStringList&)> edit) {
    changeList("recent_files", [edit = std::move(edit)](QStringList& files) {
        edit(files);
        files = files.mid(0, mostRecentFiles);
    });
    Q_EMIT recentFilesChanged();
}

void Settings::changeModelFolders(std::function<void(QStringList&)> edit) {
    changeList("model_folders", std::move(edit));
    Q_EMIT modelFoldersChanged();
}

void Settings::addRecentFile(const QString& path) {
    changeRecentFiles([absolute = QFileInfo(path).absoluteFilePath()](QStringList& files) {
        files.removeAll(absolute);
        files.prepend(absolute);
    });
}

void Settings::removeRecentFile(const QString& path) {
    changeRecentFiles(
        [absolute = QFileInfo(path).absoluteFilePath()](QStringList& files) { files.removeAll(absolute); });
}

void Settings::clearRecentFiles() {
    changeRecentFiles([](QStringList& files) { files.clear(); });
}

QString Settings::author() const {
    const auto name = textOf(m_file.value("author")).trimmed();
    if (!name.isEmpty())
        return name;
    const auto* user = getpwuid(getuid());
    const auto whole =
        user ? QString::fromUtf8(user->pw_gecos).section(QLatin1Char(','), 0, 0).trimmed() : QString();
    return !whole.isEmpty() ? whole : user ? QString::fromUtf8(user->pw_name) : tr("user");
}

void Settings::setAuthor(const QString& name) { m_file.set("author", jsonOf(name)); }

QString Settings::theme() const {
    const auto theme = textOf(m_file.value("theme"));
    return theme == QStringLiteral("light") || theme == QStringLiteral("dark") ? theme
                                                                               : QStringLiteral("system");
}

void Settings::setTheme(const QString& theme) {
    m_file.set("theme", jsonOf(theme));
    Q_EMIT themeChanged(this->theme());
}

double Settings::fontScale() const {
    const auto value = m_file.value("font_scale");
    const double factor = value.is_number() ? value.get<double>() : 1;
    return factor >= 0.5 && factor <= 3 ? factor : 1;
}

void Settings::setFontScale(double factor) { m_file.set("font_scale", factor); }

QStringList Settings::modelFolders() const { return textsOf(m_file.value("model_folders")); }

void Settings::setModelFolders(const QStringList& folders) {
    changeModelFolders([folders](QStringList& now) { now = folders; });
}

void Settings::addModelFolder(const QString& folder) {
    changeModelFolders([folder](QStringList& now) {
        if (!now.contains(folder))
            now.append(folder);
    });
}

void Settings::removeModelFolder(const QString& folder) {
    changeModelFolders([folder](QStringList& now) { now.removeAll(folder); });
}

void Settings::moveModelFolder(const QString& folder, int by) {
    const auto folders = modelFolders();
    const auto to = folders.indexOf(folder) + by;
    changeModelFolders([folder, to](QStringList& now) {
        if (now.removeAll(folder) > 0)
            now.insert(std::clamp<qsizetype>(to, 0, now.size()), folder);
    });
}

QString Settings::lastPage(const QString& projectUuid) const {
    return textOf(memberOf(placeOf(projectUuid), "page"));
}

QByteArray Settings::lastSelection(const QString& projectUuid) const {
    return textOf(memberOf(placeOf(projectUuid), "selection")).toUtf8();
}

Json Settings::placeOf(const QString& projectUuid) const {
    return memberOf(m_file.value("places"), projectUuid.toStdString());
}

void Settings::setLastPlace(const QString& projectUuid, const QString& page, const QByteArray& selection) {
    const Json place{{"page", jsonOf(page)}, {"selection", jsonOf(QString::fromUtf8(selection))}};
    m_file.change("places", [uuid = projectUuid.toStdString(), place,
                             now = QDateTime::currentMSecsSinceEpoch()](const Json& before) {
        Json places = before.is_object() ? before : Json::object();
        const auto used = [now](const Json& one) -> qint64 {
            const auto time = memberOf(one, "used");
            const auto value = time.is_number_integer() ? time.get<qint64>() : 0;
            return value <= now + aDay ? value : 0; // the clock was set back since
        };
        const auto earlier = [&](const Json& a, const Json& b) { return used(a) < used(b); };
        const auto newest = std::max_element(places.begin(), places.end(), earlier);
        const auto time = newest == places.end() ? now : std::max(now, used(*newest) + 1);
        places[uuid] = place;
        places[uuid]["used"] = time;
        while (places.size() > keptPlaces)
            places.erase(std::min_element(places.begin(), places.end(), earlier));
        return places;
    });
}

QByteArray Settings::windowGeometry() const { return bytesOf(m_file.value("window_geometry")); }

QByteArray Settings::windowState() const { return bytesOf(m_file.value("window_state")); }

void Settings::setWindow(const QByteArray& geometry, const QByteArray& state) {
    m_file.set("window_geometry", jsonOf(geometry));
    m_file.set("window_state", jsonOf(state));
}

bool Settings::firstStart() const { return m_file.value("started") != Json(true); }

void Settings::setStarted() { m_file.set("started", true); }

QString modelCacheFolder() {
    return QStandardPaths::writableLocation(QStandardPaths::GenericCacheLocation) +
           QStringLiteral("/azimuth/models");
}

QStringList modelSearchFolders(const QString& studyFolder, const QStringList& settingsFolders) {
    QStringList out;
    for (const auto& folder : QStringList{studyFolder} + settingsFolders + QStringList{modelCacheFolder()}) {
        const auto path = folder.isEmpty() ? QString() : QDir(folder).absolutePath();
        if (!path.isEmpty() && !out.contains(path))
            out.append(path);
    }
    return out;
}

} // namespace azimuth
