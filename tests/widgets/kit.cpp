// Shows every widget with made-up but realistic data and saves pictures of them: for looking, not shipped
// and not a test. widgets_kit FOLDER writes heatmap.png, ... in light and dark; with --large fonts are
// half as large again, with --show it opens the window instead.
#include "app/workbench/theme/theme.h"
#include "tests/widgets/kit_pages.h"

#include <QApplication>
#include <QDir>
#include <QWidget>

using namespace azimuth;

int main(int argc, char** argv) {
    QApplication application(argc, argv);
    Theme theme(application);
    const QStringList arguments = QApplication::arguments();
    const QDir folder(arguments.value(1, QStringLiteral(".")));
    if (arguments.contains(QStringLiteral("--large"))) {
        theme.setFontScale(1.5);
    }
    for (const bool dark : {false, true}) {
        theme.setMode(dark ? Theme::Mode::dark : Theme::Mode::light);
        for (const KitPage& page : kitPages()) {
            std::unique_ptr<QWidget> widget(page.make());
            widget->setProperty("surface", QStringLiteral("page"));
            widget->setAttribute(Qt::WA_StyledBackground);
            widget->resize(page.size);
            widget->show();
            if (arguments.contains(QStringLiteral("--show"))) {
                QApplication::exec();
                continue;
            }
            QApplication::processEvents();
            QApplication::processEvents();
            const QString name = page.name + (dark ? QStringLiteral("-dark.png") : QStringLiteral(".png"));
            if (!widget->grab().save(folder.filePath(name))) {
                qFatal("%s cannot be written", qPrintable(folder.filePath(name)));
            }
        }
    }
    return 0;
}
