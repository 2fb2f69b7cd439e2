// What tests of the whole window share: a project on disk, opening it, what the bottom pane says, and a
// main() with settings of the test's own.
#pragma once

#include "app/workbench/bottom_pane.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/workbench.h"
#include "core/project/project.h"
#include "resources/resources.h"
#include "tests/app/workbench/sample_view.h"
#include "widgets/notification.h"

#include <QAbstractButton>
#include <QApplication>
#include <QLabel>
#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

#include <functional>

namespace azimuth::fixture {

// Generation 1 has the study, 2 the results.
inline QString savedProject(const QTemporaryDir& folder, const char* name,
                            const std::function<void(ProjectView&)>& change = {}) {
    const QString path = folder.filePath(QLatin1String(name));
    auto view = *sample::view();
    if (change)
        change(view);
    view.uuid = createProject(path.toStdString(), *view.study).uuid;
    view.generation = 1;
    saveProject(path.toStdString(), view);
    return path;
}

inline void open(Workbench& workbench, const QString& path) {
    QSignalSpy opened(&workbench.session(), &ProjectSession::opened);
    workbench.open(path);
    QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 20000);
}

// Everything that the bottom pane says, with | between its labels.
inline QString words(Workbench& workbench) {
    QStringList texts;
    for (auto* label : workbench.window().bottomPane()->findChildren<QLabel*>())
        texts << label->text();
    return texts.join(QLatin1Char('|'));
}

// The buttons of its notifications that begin so, the newest notification first.
inline QList<QAbstractButton*> offers(Workbench& workbench, const QString& text) {
    QList<QAbstractButton*> found;
    for (auto* button : workbench.window().bottomPane()->findChildren<QAbstractButton*>())
        if (button->text().startsWith(text))
            found << button;
    return found;
}

inline bool click(Workbench& workbench, const QString& text) {
    const auto found = offers(workbench, text);
    if (!found.empty())
        found.first()->click();
    return !found.empty();
}

template <class Test> int runTest(int argc, char** argv) {
    QTemporaryDir home; // settings of this test only
    qputenv("XDG_CONFIG_HOME", home.path().toUtf8());
    qputenv("XDG_DATA_HOME", home.path().toUtf8());
    initResources();
    QApplication application(argc, argv);
    Theme theme(application);
    Test test;
    return QTest::qExec(&test, argc, argv);
}

} // namespace azimuth::fixture
