// What the user chose, kept between sessions in $XDG_CONFIG_HOME/azimuth/settings.json. A damaged or missing
// entry gives the default. Main thread.
#pragma once

#include "app/session/settings_file.h"

#include <QByteArray>
#include <QObject>
#include <QString>
#include <QStringList>

namespace azimuth {

class Settings : public QObject {
    Q_OBJECT
public:
    explicit Settings(QObject* parent = nullptr);
    explicit Settings(const QString& file, QObject* parent = nullptr); // for tests

    static constexpr int mostRecentFiles = 10;
    QStringList
    recentFiles() const; // newest first, absolute paths; those that are gone stay, to be shown greyed
    void addRecentFile(const QString& path);
    void removeRecentFile(const QString& path);
    void clearRecentFiles();

    QString theme() const; // light, dark, system
    void setTheme(const QString& theme);
    double fontScale() const; // 0.5 to 3
    void setFontScale(double factor);

    QString author() const; // of labels and notes; by default the user's name on this machine
    void setAuthor(const QString& name);

    QStringList modelFolders() const; // the user's own, in order
    void setModelFolders(const QStringList& folders);
    void addModelFolder(const QString& folder); // at the end, once
    void removeModelFolder(const QString& folder);
    void moveModelFolder(const QString& folder, int by); // up or down the list

    QString lastPage(const QString& projectUuid) const;
    QByteArray lastSelection(const QString& projectUuid) const; // JSON of the window
    void setLastPlace(const QString& projectUuid, const QString& page, const QByteArray& selection);

    QByteArray windowGeometry() const;
    QByteArray windowState() const;
    void setWindow(const QByteArray& geometry, const QByteArray& state);

    bool firstStart() const; // until setStarted()
    void setStarted();

Q_SIGNALS:
    void recentFilesChanged();
    void themeChanged(const QString& theme);
    void modelFoldersChanged();
    void failed(const azimuth::Error& error); // what was chosen is not kept

private:
    void changeList(const std::string& name, std::function<void(QStringList&)> edit);
    void changeRecentFiles(std::function<void(QStringList&)> edit);
    void changeModelFolders(std::function<void(QStringList&)> edit);
    Json placeOf(const QString& projectUuid) const;
    SettingsFile m_file;
};

// Where a study's models are looked for: its own folder, the settings' folders, Azimuth's cache; each once,
// whether or not it is there.
QStringList modelSearchFolders(const QString& studyFolder, const QStringList& settingsFolders);
QString modelCacheFolder(); // $XDG_CACHE_HOME/azimuth/models

} // namespace azimuth
