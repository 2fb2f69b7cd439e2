#include "app/session/settings.h"

#include <algorithm>
#include <pwd.h>
#include <QDir>
#include <QFileInfo>
#include <QStandardPaths>
#include <unistd.h>

namespace azimuth {

namespace {
constexpr int keptPlaces = 200;
std::string placeName(const QString& uuid) { return "places/" + uuid.toStdString(); }

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
Json memberOf(const Json& value, const char* name) {
    return value.is_object() && value.contains(name) ? value[name] : Json();
}
} // namespace

Settings::Settings(QObject* parent)
    : Settings(QStandardPaths::writableLocation(QStandardPaths::GenericConfigLocation) +
                   QStringLiteral("/azimuth/settings.json"),
               parent) {}

Settings::Settings(const QString& file, QObject* parent) : QObject(parent), m_file(file) {
    connect(&m_file, &SettingsFile::failed, this, &Settings::failed);
}

QStringList Settings::recentFiles() const {
    return textsOf(m_file.value("recent_files")).mid(0, mostRecentFiles);
}

void Settings::setRecentFiles(const QStringList& files) {
    m_file.set("recent_files", jsonOf(files.mid(0, mostRecentFiles)));
    Q_EMIT recentFilesChanged();
}

void Settings::addRecentFile(const QString& path) {
    const auto absolute = QFileInfo(path).absoluteFilePath();
    auto files = recentFiles();
    files.removeAll(absolute);
    files.prepend(absolute);
    setRecentFiles(files);
}

void Settings::removeRecentFile(const QString& path) {
    auto files = recentFiles();
    files.removeAll(QFileInfo(path).absoluteFilePath());
    setRecentFiles(files);
}

void Settings::clearRecentFiles() { setRecentFiles({}); }

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
    m_file.set("model_folders", jsonOf(folders));
    Q_EMIT modelFoldersChanged();
}

QString Settings::lastPage(const QString& projectUuid) const {
    return textOf(memberOf(m_file.value(placeName(projectUuid)), "page"));
}

QByteArray Settings::lastSelection(const QString& projectUuid) const {
    return textOf(memberOf(m_file.value(placeName(projectUuid)), "selection")).toUtf8();
}

void Settings::setLastPlace(const QString& projectUuid, const QString& page, const QByteArray& selection) {
    auto order = textsOf(m_file.value("places_order"));
    order.removeAll(projectUuid);
    order.prepend(projectUuid);
    while (order.size() > keptPlaces)
        m_file.remove(placeName(order.takeLast()));
    m_file.set("places_order", jsonOf(order));
    m_file.set(placeName(projectUuid),
               {{"page", jsonOf(page)}, {"selection", jsonOf(QString::fromUtf8(selection))}});
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
        if (!path.isEmpty() && QFileInfo(path).isDir() && !out.contains(path))
            out.append(path);
    }
    return out;
}

} // namespace azimuth
