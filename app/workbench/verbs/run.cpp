// azimuth run: the window's runner without a window. Ctrl-C stops after what is finished is stored; the same
// command goes on later.
#include "app/session/project_session.h"
#include "app/session/settings.h"
#include "app/session/study_runner.h"
#include "app/workbench/verbs/report.h"
#include "app/workbench/verbs/verbs.h"
#include "core/base/error.h"
#include "core/base/units.h"

#include <csignal>
#include <cstdio>
#include <QCoreApplication>
#include <QFileInfo>
#include <QSocketNotifier>
#include <sys/signalfd.h>
#include <unistd.h>

namespace azimuth {
namespace {

constexpr int interrupted = 130;

class Progress {
public:
    explicit Progress(const std::string& kind)
        : m_json(kind == "json"), m_bar(kind == "auto" && ::isatty(STDERR_FILENO)),
          m_lines(kind == "auto" && !m_bar) {}

    void show(const RunProgress& progress) {
        if (m_json)
            return event({{"event", "progress"},
                          {"stage", progress.stage.toStdString()},
                          {"title", progress.title.toStdString()},
                          {"phase", progress.phase.toStdString()},
                          {"fraction", progress.fraction},
                          {"present", progress.present},
                          {"wanted", progress.wanted},
                          {"seconds_left", progress.secondsLeft}});
        if (m_bar)
            bar(progress);
        else if (m_lines && progress.title != m_title && !progress.title.isEmpty())
            std::fprintf(stderr, "azimuth: %s\n", qPrintable(progress.title));
        m_title = progress.title;
    }

    void failed(const QString& title, const event::Failed& failure) {
        if (m_json)
            return event({{"event", "failed"},
                          {"title", title.toStdString()},
                          {"code", failure.code},
                          {"text", failure.text},
                          {"remedy", failure.remedy},
                          {"detail", failure.detail}});
        line();
        std::fprintf(stderr, "azimuth: %s: %s %s\n", qPrintable(title), failure.text.c_str(),
                     failure.remedy.c_str());
    }

    void note(const std::string& text) {
        if (m_json)
            return event({{"event", "note"}, {"text", text}});
        line();
        std::fprintf(stderr, "azimuth: %s\n", text.c_str());
    }

    void end(const char* kind) {
        if (m_json)
            event({{"event", "end"}, {"kind", kind}});
        line();
    }

private:
    void event(const Json& json) {
        std::printf("%s\n", canonicalJson(json).c_str());
        std::fflush(stdout);
    }

    void bar(const RunProgress& progress) {
        constexpr int width = 24;
        const int filled = static_cast<int>(progress.fraction * width);
        std::string text = "[" + std::string(static_cast<std::size_t>(filled), '#') +
                           std::string(static_cast<std::size_t>(width - filled), '.') + "] " +
                           percentText(progress.fraction) + "  " + progress.title.toStdString();
        if (!progress.phase.isEmpty())
            text += ", " + progress.phase.toStdString();
        if (progress.secondsLeft >= 0)
            text += ", " + durationText(progress.secondsLeft) + " left";
        std::fprintf(stderr, "\r%s\x1b[K", text.substr(0, 150).c_str());
        m_open = true;
    }

    void line() { // ends the bar's line
        if (m_open)
            std::fprintf(stderr, "\n");
        m_open = false;
    }

    bool m_json, m_bar, m_lines, m_open = false;
    QString m_title;
};

// SIGINT and SIGTERM as events of the loop.
class Signals : public QObject {
public:
    explicit Signals(std::function<void()> onSignal) {
        sigset_t set;
        sigemptyset(&set);
        sigaddset(&set, SIGINT);
        sigaddset(&set, SIGTERM);
        pthread_sigmask(SIG_BLOCK, &set, nullptr);
        m_descriptor = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        m_notifier = new QSocketNotifier(m_descriptor, QSocketNotifier::Read, this);
        QObject::connect(m_notifier, &QSocketNotifier::activated, this,
                         [this, onSignal = std::move(onSignal)] {
                             signalfd_siginfo info{};
                             if (::read(m_descriptor, &info, sizeof info) == sizeof info)
                                 onSignal();
                         });
    }
    ~Signals() override { ::close(m_descriptor); }

private:
    int m_descriptor;
    QSocketNotifier* m_notifier;
};

// The whole run as one object: what happens after what.
class Run : public QObject {
public:
    Run(const RunOptions& options, const Study& study)
        : m_signals([this] { interrupt(); }), m_progress(options.progress),
          m_runner(m_session, runnerOptions(options)) {
        connect(&m_session, &ProjectSession::opened, this, [this] { m_runner.start(); });
        connect(&m_session, &ProjectSession::noted, this,
                [this](const QString& text) { m_progress.note(text.toStdString()); });
        connect(&m_session, &ProjectSession::failed, this, [this](const QString&, const Error& error) {
            m_progress.note(error.message() + " " + error.remedy());
            leave(exitCodeOf(error.code()));
        });
        connect(&m_runner, &StudyRunner::progressChanged, this,
                [this](const RunProgress& progress) { m_progress.show(progress); });
        connect(&m_runner, &StudyRunner::jobFailed, this,
                [this](const QString& title, const event::Failed& failure) {
                    m_progress.failed(title, failure);
                });
        connect(&m_runner, &StudyRunner::finished, this, [this](const RunEnd& end) { onEnd(end); });
        connect(&m_session, &ProjectSession::saved, this, [this] {
            if (m_leaving)
                leave(m_code);
        });
        m_session.openOrCreate(QFileInfo(QString::fromStdString(options.project)).absoluteFilePath(), study);
    }

    View view() const { return m_session.view(); }

private:
    static StudyRunner::Options runnerOptions(const RunOptions& options) {
        StudyRunner::Options out;
        const Settings settings;
        out.searchFolders = modelSearchFolders(
            QFileInfo(QString::fromStdString(options.study)).absolutePath(), settings.modelFolders());
        out.threads = options.threads;
        out.device = QString::fromStdString(options.device);
        return out;
    }

    void interrupt() {
        if (m_interrupted) // a second Ctrl-C does not wait
            _exit(interrupted);
        m_interrupted = true;
        m_progress.note("stopping; finished parts are kept, the same command goes on from here");
        if (m_runner.isRunning())
            m_runner.cancel();
        else
            leave(interrupted);
    }

    void onEnd(const RunEnd& end) {
        static const char* const names[] = {"complete", "paused", "cancelled", "failed"};
        for (const auto& blocked : end.blocked)
            m_progress.note("not done: " + blocked.modelName + ": " + blocked.reason);
        if (end.failure)
            m_progress.failed(QStringLiteral("the run stopped"), *end.failure);
        m_progress.end(names[static_cast<int>(end.kind)]);
        m_code = m_interrupted || end.kind == RunEnd::Kind::Cancelled ? interrupted
                 : end.kind == RunEnd::Kind::Failed                   ? 1
                                                                      : 0;
        m_leaving = true;
        if (m_session.isModified())
            m_session.save();
        else if (!m_session.isSaving())
            leave(m_code);
    }

    void leave(int code) {
        if (m_left)
            return;
        m_left = true;
        QMetaObject::invokeMethod(
            qApp, [code] { QCoreApplication::exit(code); }, Qt::QueuedConnection);
    }

    Signals m_signals; // first: the threads that the others start inherit its mask, else one of them takes
                       // the signal and dies
    Progress m_progress;
    ProjectSession m_session;
    StudyRunner m_runner;
    bool m_interrupted = false, m_leaving = false, m_left = false;
    int m_code = 0;
};

} // namespace

int runStudy(const RunOptions& options, int argc, char** argv) {
    const auto study = readStudyFile(options.study);
    const QCoreApplication application(argc, argv);
    const Run run(options, study);
    const int code = QCoreApplication::exec();
    if (code == 0 && options.progress != "json" && run.view())
        std::printf("%s", reportText(*run.view()).c_str());
    return code;
}

} // namespace azimuth
