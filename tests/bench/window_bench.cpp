// window_bench [COMPLETIONS]: the real window on a real project of that many completions (100,000) of 200
// tokens and 800 characters: opening, memory, scrolling, filtering, labelling. Prints a table and asserts
// nothing.
#include "app/workbench/pages/apply_page.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/workbench.h"
#include "core/project/project.h"
#include "resources/resources.h"
#include "tests/app/workbench/sample_view.h"
#include "tests/bench/measure.h"

#include <algorithm>
#include <cstdio>
#include <functional>
#include <QApplication>
#include <QElapsedTimer>
#include <QProcess>
#include <QScrollBar>
#include <QTemporaryDir>
#include <QThread>
#include <QTimer>

using namespace azimuth;
using bench::forget;
using bench::print;
using bench::residentMegabytes;

namespace {

// Remembers the longest time that the GUI thread gave to one event.
class Measured : public QApplication {
public:
    using QApplication::QApplication;
    bool notify(QObject* receiver, QEvent* event) override {
        if (QThread::currentThread() != thread() || m_depth > 0)
            return QApplication::notify(receiver, event);
        const auto type = event->type();
        QElapsedTimer timer;
        timer.start();
        ++m_depth;
        const bool done = QApplication::notify(receiver, event);
        --m_depth;
        longest = std::max(longest, static_cast<double>(timer.nsecsElapsed()) / 1e6);
        if (verbose && timer.elapsed() > 20)
            std::fprintf(stderr, "  %lld ms: %s, event %d\n", static_cast<long long>(timer.elapsed()),
                         receiver->metaObject()->className(), static_cast<int>(type));
        return done;
    }
    double longest = 0; // ms
    const bool verbose = qEnvironmentVariableIsSet("AZIMUTH_EVENTS");

private:
    int m_depth = 0;
};

void processUntil(const std::function<bool()>& done) {
    QElapsedTimer timer;
    timer.start();
    QTimer tick; // so that waiting ends
    tick.start(2);
    while (!done() && timer.elapsed() < 120000)
        QCoreApplication::processEvents(QEventLoop::WaitForMoreEvents);
    if (!done())
        qFatal("it does not end");
}

void settle(int milliseconds) {
    QElapsedTimer timer;
    timer.start();
    processUntil([&] { return timer.elapsed() > milliseconds; });
}

std::vector<Completion> lengthened(const CompletionTable& table) {
    std::vector<Completion> rows;
    for (std::size_t i = 0; i < table.size(); ++i) {
        rows.push_back(table.row(i));
        auto& row = rows.back();
        const auto text = row.text + " " + std::to_string(i) + "\n";
        while (row.text.size() < 800)
            row.text += text;
        const auto ids = row.ids;
        while (row.ids.size() < 200)
            row.ids.insert(row.ids.end(), ids.begin(), ids.end());
    }
    return rows;
}

void make(const std::string& path, int count) {
    const int prompts = std::min(10000, count / 10);
    auto view = *sample::largeView(prompts, count / prompts);
    view.completions =
        std::make_shared<const CompletionTable>(CompletionTable().with(lengthened(*view.completions)));
    view.uuid = createProject(path, *view.study).uuid;
    view.generation = 1;
    saveProject(path, view);
}

class Bench {
public:
    Bench(Measured& application, Workbench& workbench)
        : m_application(application), m_workbench(workbench),
          m_page(static_cast<ApplyPage*>(workbench.window().page(QStringLiteral("apply")))) {}

    void open(const QString& path) {
        forget(path.toStdString());
        const double empty = residentMegabytes();
        m_application.longest = 0;
        QElapsedTimer timer;
        timer.start();
        m_workbench.open(path);
        processUntil([&] { return m_workbench.window().view() != nullptr; });
        print("opened, cold: the window has the project", elapsed(timer), "ms", "");
        select([](Selection& next) { next.page = QStringLiteral("apply"); });
        processUntil([&] { return m_page->completions()->count() > 0; });
        print("its completions are listed", elapsed(timer), "ms", "500");
        print("longest event meanwhile", m_application.longest, "ms", "50");
        print("completions in the list", m_page->completions()->count(), "", "");
        settle(1000);
        print("memory above the empty window", residentMegabytes() - empty, "MB", "150");
    }

    void scroll() {
        auto* list = m_page->completions();
        QElapsedTimer timer;
        timer.start();
        list->gridCellText(list->count() / 2, 2);
        print("first text of a row in the middle", elapsed(timer), "ms", "50");
        auto* bar = list->verticalScrollBar();
        m_application.longest = 0;
        std::vector<double> times;
        for (int i = 1; i <= 200; ++i) {
            QElapsedTimer step;
            step.start();
            bar->setValue(static_cast<int>(static_cast<qint64>(bar->maximum()) * (i * 37 % 200) / 200));
            list->viewport()->repaint();
            QCoreApplication::processEvents();
            times.push_back(elapsed(step));
        }
        std::sort(times.begin(), times.end());
        print("a jump to another place: median of 200", times[100], "ms", "");
        print("                         the longest", times.back(), "ms", "50");
    }

    void filter() {
        auto* list = m_page->completions();
        m_application.longest = 0;
        QElapsedTimer timer;
        timer.start();
        list->setFilter(QStringLiteral("field"), false);
        processUntil([&] { return !list->isFiltering(); });
        print("texts filtered", elapsed(timer), "ms", "");
        print("longest event meanwhile", m_application.longest, "ms", "50");
        list->setFilter({}, false);
        processUntil([&] { return !list->isFiltering(); });
    }

    void otherArm() {
        const auto& arms = m_workbench.window().view()->arms;
        m_application.longest = 0;
        QElapsedTimer timer;
        timer.start();
        select([&](Selection& next) { next.armDigest = QString::fromStdString(arms.back()->digest()); });
        double longest = elapsed(timer);
        processUntil([&] { return m_page->completions()->count() > 0; });
        print("another arm is listed", elapsed(timer), "ms", "");
        print("longest event meanwhile", std::max(longest, m_application.longest), "ms", "50");
    }

    void label() {
        const auto before = m_workbench.window().view()->labels.size();
        m_application.longest = 0;
        QElapsedTimer timer;
        timer.start();
        Q_EMIT m_page->completions()->labelRequested(0, LabelShape::garbled);
        processUntil([&] { return m_workbench.window().view()->labels.size() > before; });
        settle(2000); // results are counted again
        print("longest event around a label", m_application.longest, "ms", "50");
    }

private:
    static double elapsed(const QElapsedTimer& timer) {
        return static_cast<double>(timer.nsecsElapsed()) / 1e6;
    }
    void select(const std::function<void(Selection&)>& change) {
        Selection next = m_workbench.window().selection()->current();
        change(next);
        m_workbench.window().selection()->set(next);
    }

    Measured& m_application;
    Workbench& m_workbench;
    ApplyPage* m_page;
};

int measure(int argc, char** argv, const QString& path) {
    initResources();
    Measured application(argc, argv);
    Theme theme(application);
    Workbench workbench(theme);
    workbench.show();
    settle(500);
    Bench bench(application, workbench);
    bench.open(path);
    bench.scroll();
    bench.filter();
    bench.otherArm();
    bench.label();
    return 0;
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 3 && QLatin1String(argv[1]) == QLatin1String("--open")) // a process of its own
        return measure(argc, argv, QString::fromLocal8Bit(argv[2]));
    const int count = argc > 1 ? std::atoi(argv[1]) : 100000;
    if (count < 1000) {
        std::fputs("window_bench [COMPLETIONS]: at least 1,000\n", stderr);
        return 2;
    }
    if (qEnvironmentVariableIsEmpty("QT_QPA_PLATFORM"))
        qputenv("QT_QPA_PLATFORM", "offscreen");
    QTemporaryDir folder(QStringLiteral("./window-bench-XXXXXX"));
    for (const char* name : {"XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"})
        qputenv(name, folder.filePath(QLatin1String(name)).toUtf8());
    const QString path = folder.filePath(QStringLiteral("large.h5"));
    make(path.toStdString(), count);
    std::printf("%d completions of 200 tokens and 800 characters%*s budget\n", count, 30, "");
    std::fflush(stdout);
    return QProcess::execute(QString::fromLocal8Bit(argv[0]), {QStringLiteral("--open"), path});
}
