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
QString placeKey(const QString& uuid, const char* what) {
    return QStringLiteral("places/%1/%2").arg(uuid, QLatin1String(what));
}
} // namespace

Settings::Settings(QObject* parent)
    : QObject(parent), m_settings(QSettings::IniFormat, QSettings::UserScope, QStringLiteral("azimuth"),
                                  QStringLiteral("azimuth")) {}

Settings::Settings(const QString& file, QObject* parent)
    : QObject(parent), m_settings(file, QSettings::IniFormat) {}

QStringList Settings::recentFiles() const {
    auto files = m_settings.value(QStringLiteral("recent_files")).toStringList();
    files.removeAll(QString());
    return files.mid(0, mostRecentFiles);
}

void Settings::setRecentFiles(const QStringList& files) {
    m_settings.setValue(QStringLiteral("recent_files"), files.mid(0, mostRecentFiles));
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
    const auto name = m_settings.value(QStringLiteral("author")).toString().trimmed();
    if (!name.isEmpty())
        return name;
    const auto* user = getpwuid(getuid());
    const auto whole =
        user ? QString::fromUtf8(user->pw_gecos).section(QLatin1Char(','), 0, 0).trimmed() : QString();
    return !whole.isEmpty() ? whole : user ? QString::fromUtf8(user->pw_name) : tr("user");
}

void Settings::setAuthor(const QString& name) { m_settings.setValue(QStringLiteral("author"), name); }

QString Settings::theme() const {
    const auto theme = m_settings.value(QStringLiteral("theme")).toString();
    return theme == QStringLiteral("light") || theme == QStringLiteral("dark") ? theme
                                                                               : QStringLiteral("system");
}

void Settings::setTheme(const QString& theme) {
    m_settings.setValue(QStringLiteral("theme"), theme);
    Q_EMIT themeChanged(this->theme());
}

double Settings::fontScale() const {
    bool understood = false;
    const double factor = m_settings.value(QStringLiteral("font_scale"), 1.0).toDouble(&understood);
    return understood && factor >= 0.5 && factor <= 3 ? factor : 1;
}

void Settings::setFontScale(double factor) { m_settings.setValue(QStringLiteral("font_scale"), factor); }

QStringList Settings::modelFolders() const {
    return m_settings.value(QStringLiteral("model_folders")).toStringList();
}

void Settings::setModelFolders(const QStringList& folders) {
    m_settings.setValue(QStringLiteral("model_folders"), folders);
    Q_EMIT modelFoldersChanged();
}

QString Settings::lastPage(const QString& projectUuid) const {
    return m_settings.value(placeKey(projectUuid, "page")).toString();
}

QByteArray Settings::lastSelection(const QString& projectUuid) const {
    return m_settings.value(placeKey(projectUuid, "selection")).toByteArray();
}

void Settings::setLastPlace(const QString& projectUuid, const QString& page, const QByteArray& selection) {
    auto order = m_settings.value(QStringLiteral("places_order")).toStringList();
    order.removeAll(projectUuid);
    order.prepend(projectUuid);
    while (order.size() > keptPlaces)
        m_settings.remove(QStringLiteral("places/") + order.takeLast());
    m_settings.setValue(QStringLiteral("places_order"), order);
    m_settings.setValue(placeKey(projectUuid, "page"), page);
    m_settings.setValue(placeKey(projectUuid, "selection"), selection);
}

QByteArray Settings::windowGeometry() const {
    return m_settings.value(QStringLiteral("window/geometry")).toByteArray();
}

QByteArray Settings::windowState() const {
    return m_settings.value(QStringLiteral("window/state")).toByteArray();
}

void Settings::setWindow(const QByteArray& geometry, const QByteArray& state) {
    m_settings.setValue(QStringLiteral("window/geometry"), geometry);
    m_settings.setValue(QStringLiteral("window/state"), state);
}

bool Settings::firstStart() const { return !m_settings.value(QStringLiteral("started"), false).toBool(); }

void Settings::setStarted() { m_settings.setValue(QStringLiteral("started"), true); }

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
