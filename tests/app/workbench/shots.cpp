// Pictures of every page in both themes and two sizes, for looking; not shipped and not a test:
//   workbench_shots FOLDER [PROJECT.h5] [--large-text] [--only PAGE]
// Without a project: a made-up one at several stages.
#include "app/workbench/main_window.h"
#include "app/workbench/navigator.h"
#include "app/workbench/pages/apply_page.h"
#include "app/workbench/pages/layers_page.h"
#include "app/workbench/pages/overview_page.h"
#include "app/workbench/pages/transfer_page.h"
#include "app/workbench/theme/theme.h"
#include "core/base/error.h"
#include "core/project/project.h"
#include "tests/app/workbench/sample_view.h"
#include "widgets/segments.h"

#include <functional>
#include <QApplication>
#include <QDir>
#include <QStandardPaths>
#include <QTest>

using namespace azimuth;

namespace {

void settle() {
    for (int i = 0; i < 4; ++i) {
        QApplication::processEvents();
        QTest::qWait(15);
    }
}

std::unique_ptr<MainWindow> makeWindow() {
    auto window = std::make_unique<MainWindow>();
    window->addPage(new OverviewPage, 0);
    window->addPage(new LayersPage, 2);
    window->addPage(new ApplyPage, 2);
    window->addPage(new TransferPage, 2);
    window->navigator()->setDevice(QStringLiteral("CPU, 2 cores"), QStringLiteral("0.9 of 7.8 GB"), 0.12);
    return window;
}

void choose(MainWindow& window, const QString& page, const std::function<void(Selection&)>& change = {}) {
    Selection next = window.selection()->current();
    next.page = page;
    if (change)
        change(next);
    window.selection()->set(next);
}

void showWork(MainWindow& window) {
    window.bottomPane()->setJobs(
        {{QStringLiteral("1"), QStringLiteral("Calibrate SmolLM2 135M bf16"),
          QStringLiteral("decoding, 152 of 312 completions"), JobItem::State::Running, 0.49,
          QStringLiteral("2 min left")},
         {QStringLiteral("2"), QStringLiteral("Transfer SmolLM2 135M to SmolLM2 135M bf16"),
          QStringLiteral("waits"), JobItem::State::Waiting, -1, QStringLiteral("about 1 min")},
         {QStringLiteral("3"),
          QStringLiteral("Extract Gemma 3 270M"),
          QStringLiteral("The worker stopped (signal 9)"),
          JobItem::State::Failed,
          -1,
          {}},
         {QStringLiteral("4"),
          QStringLiteral("Extract SmolLM2 135M"),
          QStringLiteral("done, 31 sites"),
          JobItem::State::Done,
          1,
          {}}});
    Activity activity;
    activity.running = true;
    activity.what = QStringLiteral("Calibrate SmolLM2 135M bf16");
    activity.fraction = 0.49;
    activity.runningModel = QStringLiteral("SmolLM2 135M bf16");
    window.setActivity(activity);
    window.bottomPane()->appendLog(QStringLiteral("09:41:02  worker ready, torch 2.11.0, AVX2"));
    window.bottomPane()->appendLog(QStringLiteral("09:41:07  extract SmolLM2 135M: 128 prompts, 31 sites"));
}

} // namespace

int main(int argc, char** argv) try {
    QStandardPaths::setTestModeEnabled(true);
    QApplication application(argc, argv);
    Theme theme(application);
    const QStringList arguments = QApplication::arguments();
    const QDir folder(arguments.value(1, QStringLiteral(".")));
    const QString file =
        arguments.size() > 2 && !arguments[2].startsWith(QLatin1String("--")) ? arguments[2] : QString();
    if (arguments.contains(QStringLiteral("--large-text")))
        theme.setFontScale(1.5);
    const auto view = file.isEmpty() ? sample::view()
                                     : std::make_shared<const ProjectView>(openProject(file.toStdString()));
    for (const bool dark : {false, true}) {
        theme.setMode(dark ? Theme::Mode::dark : Theme::Mode::light);
        for (const QSize size : {QSize(1280, 800), QSize(2560, 1440)}) {
            auto window = makeWindow();
            window->resize(size);
            window->show();
            const auto grab = [&](const QString& name) {
                settle();
                const QString path =
                    folder.filePath(QStringLiteral("%1%2%3.png")
                                        .arg(name, size.width() > 2000 ? QStringLiteral("-large") : QString(),
                                             dark ? QStringLiteral("-dark") : QString()));
                if (!window->grab().save(path))
                    qFatal("%s cannot be written", qPrintable(path));
            };
            window->setView(nullptr, true);
            window->setSaveState({QStringLiteral("Nothing to save"), false});
            grab(QStringLiteral("start"));
            if (file.isEmpty()) {
                for (const auto& [name, stage] : {std::pair{"study", sample::Stage::Study},
                                                  std::pair{"sweeping", sample::Stage::Sweeping}}) {
                    window->setView(sample::view(stage), true);
                    for (const char* page : {"overview", "layers", "apply", "transfer"}) {
                        choose(*window, QString::fromLatin1(page));
                        grab(QStringLiteral("%1-%2").arg(QString::fromLatin1(name),
                                                         QString::fromLatin1(page)));
                    }
                }
            }
            window->setView(view, true);
            window->setSaveState({QStringLiteral("Saved 14:32:07, generation 12"), false});
            for (const char* page : {"overview", "layers", "apply", "transfer"}) {
                choose(*window, QString::fromLatin1(page));
                grab(QString::fromLatin1(page));
            }
            choose(*window, QStringLiteral("layers"), [](Selection& s) { s.otherK = s.k + 5; });
            auto* layers = static_cast<LayersPage*>(window->page(QStringLiteral("layers")));
            grab(QStringLiteral("layers-cell"));
            layers->segments()->setCurrent(1);
            grab(QStringLiteral("layers-position"));
            layers->segments()->setCurrent(0);
            const auto& prompts = view->study->concepts.front().set(PromptRole::TestInduce)->prompts;
            choose(*window, QStringLiteral("apply"),
                   [&](Selection& s) { s.promptId = QString::fromStdString(prompts.at(2).id); });
            grab(QStringLiteral("apply-prompt"));
            choose(*window, QStringLiteral("transfer"), [&](Selection& s) {
                s.source = QString::fromStdString(view->study->models.at(0).name);
                s.model = QString::fromStdString(view->study->models.at(1).name);
            });
            showWork(*window);
            window->action(QStringLiteral("bottom-pane"))->trigger();
            window->notify({Severity::failure,
                            QStringLiteral("The worker stopped while extracting Gemma 3 270M (signal 9)"),
                            {QStringLiteral("Finished parts are kept: 1 of 2 jobs.")},
                            {{QStringLiteral("resume"), QStringLiteral("Resume")},
                             {QStringLiteral("details"), QStringLiteral("Details")}}});
            grab(QStringLiteral("transfer-work"));
            window->bottomPane()->showTab(BottomPane::Notifications);
            grab(QStringLiteral("pane-notifications"));
            window->bottomPane()->showTab(BottomPane::Log);
            choose(*window, QStringLiteral("overview"));
            grab(QStringLiteral("pane-log"));
        }
    }
    return 0;
} catch (const Error& error) {
    qFatal("%s", error.what());
}
