// azimuth: the window, or a verb without one.
#include "app/workbench/theme/theme.h"
#include "app/workbench/verbs/verbs.h"
#include "app/workbench/workbench.h"
#include "resources/resources.h"

#include <QApplication>
#include <QFileInfo>

#include <sys/stat.h>
#include <unistd.h>

namespace {

// Containers and root often have none; Qt would say so on every start.
void ensureRuntimeFolder() {
    if (!qEnvironmentVariableIsEmpty("XDG_RUNTIME_DIR"))
        return;
    const QByteArray folder = "/tmp/azimuth-runtime-" + QByteArray::number(getuid());
    struct stat found = {};
    mkdir(folder.constData(), S_IRWXU);
    if (lstat(folder.constData(), &found) == 0 && S_ISDIR(found.st_mode) && found.st_uid == getuid() &&
        (found.st_mode & 0777) == S_IRWXU)
        qputenv("XDG_RUNTIME_DIR", folder);
}

} // namespace

int main(int argc, char** argv) {
    using namespace azimuth;
    ensureRuntimeFolder();
    QCoreApplication::setOrganizationName(QStringLiteral("azimuth"));
    QCoreApplication::setApplicationName(QStringLiteral("azimuth"));
    QCoreApplication::setApplicationVersion(QStringLiteral(AZIMUTH_VERSION));
    if (argc > 1 && isVerb(argv[1]))
        return runVerb(argc, argv);

    initResources();
    QApplication application(argc, argv);
    Theme theme(application);
    Workbench workbench(theme);
    workbench.show();
    const QStringList arguments = QCoreApplication::arguments().mid(1);
    if (!arguments.isEmpty())
        workbench.open(QFileInfo(arguments.front()).absoluteFilePath());
    return QApplication::exec();
}
