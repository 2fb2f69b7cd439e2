// azimuth: the window, or a verb without one.
#include "app/workbench/theme/theme.h"
#include "app/workbench/verbs/verbs.h"
#include "app/workbench/workbench.h"
#include "resources/resources.h"

#include <QApplication>
#include <QFileInfo>

int main(int argc, char** argv) {
    using namespace azimuth;
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
