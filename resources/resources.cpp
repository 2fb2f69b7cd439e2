#include "resources/resources.h"

#include <QDir>
#include <QFontDatabase>
#include <QtGlobal>

// Q_INIT_RESOURCE declares a function at namespace scope, so it cannot stand inside one.
static void initAzimuthResource() { Q_INIT_RESOURCE(azimuth); }

namespace azimuth {

void initResources() {
    static const bool once = [] {
        initAzimuthResource();
        return true;
    }();
    Q_UNUSED(once);
}

void loadFonts() {
    initResources();
    static const bool once = [] {
        const QDir folder(QStringLiteral(":/azimuth/fonts"));
        for (const QString& name : folder.entryList()) {
            if (QFontDatabase::addApplicationFont(folder.filePath(name)) < 0) {
                qFatal("The font %s in the program cannot be loaded", qPrintable(name));
            }
        }
        return true;
    }();
    Q_UNUSED(once);
}

} // namespace azimuth
