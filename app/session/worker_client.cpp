#include "app/session/worker_client.h"

#include "core/base/error.h"
#include "core/base/text.h"

#include <algorithm>
#include <csignal>
#include <QCoreApplication>
#include <QProcessEnvironment>

namespace azimuth {

namespace {
constexpr std::size_t keptErrorLines = 200;
constexpr qsizetype longestErrorLine = 4000;
constexpr qsizetype largestBacklog = qsizetype{64} << 20;
constexpr qint64 sliceMilliseconds = 8; // of reading events before other work gets its turn

event::Failed misunderstood(const std::string& text, const std::string& detail) {
    return {0, "protocol", text, "Use the worker of the same build as this program.", detail};
}
} // namespace

QString WorkerClient::defaultProgram() {
    return QCoreApplication::applicationDirPath() + QStringLiteral("/azimuth-worker");
}

WorkerClient::WorkerClient(Options options, QObject* parent)
    : QObject(parent), m_options(std::move(options)) {
    if (m_options.program.isEmpty())
        m_options.program = defaultProgram();
    m_helloTimer.setSingleShot(true);
    m_escalation.setSingleShot(true);
    m_pingTimer.setInterval(m_options.pingMilliseconds);
    connect(&m_helloTimer, &QTimer::timeout, this, [this] {
        breakOff({0, "worker.hello",
                  "The worker did not answer within " + std::to_string(m_options.helloMilliseconds / 1000) +
                      " s after its start.",
                  "Start it by hand to see why: " + m_options.program.toStdString() + " serve", ""});
    });
    connect(&m_pingTimer, &QTimer::timeout, this, &WorkerClient::onPingTimer);
    connect(&m_escalation, &QTimer::timeout, this, &WorkerClient::onEscalation);
}

WorkerClient::~WorkerClient() {
    if (!m_process)
        return;
    m_process->disconnect(this);
    m_process->closeWriteChannel();
    m_process->terminate();
    if (!m_process->waitForFinished(2500)) {
        m_process->kill();
        m_process->waitForFinished(500);
    }
}

std::uint64_t WorkerClient::submit(Submission submission, const QString& title) {
    submission.run = ++m_lastRun;
    Run run;
    run.number = submission.run;
    run.title = title;
    run.line = toLine(Command(submission));
    if (run.line.size() > maximumCommandLine)
        throw Error("protocol.size",
                    title.toStdString() + ": the job has " + std::to_string(run.line.size()) +
                        " bytes; at most " + std::to_string(maximumCommandLine) + " can be sent.",
                    "Use fewer or shorter prompts.");
    m_open.push_back(std::move(run));
    if (m_state == State::Stopped)
        start();
    else if (m_state == State::Ready)
        sendWaiting();
    return m_lastRun; // while Stopping the next worker is started when this one has ended
}

void WorkerClient::start() {
    m_process = new QProcess(this);
    forgetOutput();
    m_deaf = false;
    m_errorBuffer.clear();
    m_errorLines.clear();
    m_pingNumber = 0;
    m_unanswered.invalidate();
    setResponding(true);
    auto environment = QProcessEnvironment::systemEnvironment();
    for (const auto& entry : m_options.environment)
        environment.insert(entry.section(QLatin1Char('='), 0, 0), entry.section(QLatin1Char('='), 1));
    m_process->setProcessEnvironment(environment);
    m_process->setChildProcessModifier([] { // a verb blocks signals for itself; its worker must hear SIGTERM
        sigset_t none;
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, nullptr);
    });
    connect(m_process, &QProcess::readyReadStandardOutput, this, &WorkerClient::onStandardOutput);
    connect(m_process, &QProcess::readyReadStandardError, this, &WorkerClient::onStandardError);
    connect(m_process, &QProcess::finished, this, &WorkerClient::onEnded);
    connect(
        m_process, &QProcess::errorOccurred, this,
        [this](QProcess::ProcessError error) {
            if (error == QProcess::FailedToStart)
                onFailedToStart();
        },
        Qt::QueuedConnection);
    setState(State::Starting);
    m_helloTimer.start(m_options.helloMilliseconds);
    m_process->start(m_options.program, m_options.arguments);
}

void WorkerClient::onFailedToStart() {
    const auto reason = m_process->errorString().toStdString();
    m_process->deleteLater();
    m_process = nullptr;
    m_helloTimer.stop();
    setState(State::Stopped);
    failAll({0, "worker.start", m_options.program.toStdString() + " could not be started.",
             "See that azimuth-worker lies beside azimuth and may be executed.", reason});
}

void WorkerClient::onStandardOutput() {
    if (!m_process)
        return;
    const auto bytes = m_process->readAllStandardOutput();
    if (m_deaf)
        return;
    m_buffer += bytes;
    if (m_buffer.size() - m_start > largestBacklog)
        return breakOff(misunderstood("The worker sends faster than its events can be read.", ""));
    if (!m_reading)
        readLines();
}

// Takes whole lines for a few milliseconds, then lets others work: a flood must not freeze the window.
void WorkerClient::readLines() {
    m_reading = false;
    QElapsedTimer slice;
    slice.start();
    while (!m_deaf && !m_reading) {
        const auto end = m_buffer.indexOf('\n', std::max(m_start, m_scanned));
        const auto length = (end < 0 ? m_buffer.size() : end) - m_start;
        if (static_cast<std::size_t>(length) > maximumEventLine)
            return breakOff(misunderstood(
                "The worker sent a line of more than " + std::to_string(maximumEventLine) + " bytes.", ""));
        if (end < 0) {
            m_buffer.remove(0, m_start);
            m_start = 0;
            m_scanned = m_buffer.size();
            return;
        }
        const QByteArray line = m_buffer.mid(m_start, length);
        m_start = end + 1;
        onLine({line.constData(), static_cast<std::size_t>(line.size())});
        if (slice.elapsed() > sliceMilliseconds && !m_deaf) {
            m_reading = true;
            QMetaObject::invokeMethod(this, &WorkerClient::readLines, Qt::QueuedConnection);
        }
    }
}

void WorkerClient::onLine(std::string_view line) {
    std::optional<Event> value;
    try {
        value = readEvent(line);
    } catch (const Error& error) {
        return breakOff(
            misunderstood("The worker sent a line that is not understood: " + forMessage(line, 80),
                          error.message() + "\n" + error.detail()));
    }
    onEvent(std::move(*value));
}

void WorkerClient::onEvent(Event value) {
    if (const auto* hello = std::get_if<event::Hello>(&value))
        return onHello(*hello);
    if (m_state == State::Starting)
        return breakOff(misunderstood("The worker spoke before its hello.", toLine(value)));
    if (std::get_if<event::Pong>(&value)) {
        m_unanswered.invalidate();
        return setResponding(true);
    }
    if (const auto* log = std::get_if<event::Log>(&value))
        return Q_EMIT logged(QString::fromStdString(log->level), QString::fromStdString(log->text));
    if (const auto* failed = std::get_if<event::Failed>(&value); failed && failed->run == 0)
        return Q_EMIT logged(QStringLiteral("failure"), QString::fromStdString(failed->text));
    const auto run = std::visit(
        [](const auto& e) -> std::uint64_t {
            if constexpr (requires { e.run; })
                return e.run;
            else
                return 0;
        },
        value);
    if (!find(run))
        return;
    if (auto* done = std::get_if<event::Done>(&value))
        finish(run, std::move(*done));
    else if (auto* failed = std::get_if<event::Failed>(&value))
        finish(run, std::move(*failed));
    else if (auto* cancelled = std::get_if<event::Cancelled>(&value))
        finish(run, *cancelled);
    else if (std::get_if<event::Accepted>(&value))
        Q_EMIT accepted(run);
    else if (const auto* progress = std::get_if<event::Progress>(&value))
        Q_EMIT progressed(*progress);
    else if (const auto* matrix = std::get_if<event::PartialMatrix>(&value))
        Q_EMIT matrixCame(*matrix);
    else if (const auto* completion = std::get_if<event::PartialCompletion>(&value))
        Q_EMIT completionCame(*completion);
    else if (const auto* token = std::get_if<event::PartialToken>(&value))
        Q_EMIT tokenCame(*token);
}

void WorkerClient::onHello(const event::Hello& hello) {
    if (m_state != State::Starting)
        return;
    m_helloTimer.stop();
    m_hello = hello;
    if (hello.newest < protocolOldest || hello.oldest > protocolNewest) {
        const bool newer = hello.oldest > protocolNewest;
        return breakOff(
            {0, "worker.version",
             "The worker (build " + forMessage(hello.build, 40) + ") is " + (newer ? "newer" : "older") +
                 " than this program: it speaks protocol " + std::to_string(hello.oldest) + " to " +
                 std::to_string(hello.newest) + ", this program " + std::to_string(protocolOldest) + " to " +
                 std::to_string(protocolNewest) + ".",
             "Install azimuth and azimuth-worker from one build.", m_options.program.toStdString()});
    }
    setState(State::Ready);
    m_pingTimer.start();
    if (!hello.problem.empty())
        Q_EMIT logged(QStringLiteral("warning"), QString::fromStdString(hello.problem));
    Q_EMIT ready(m_hello);
    sendWaiting();
}

void WorkerClient::sendWaiting() {
    for (auto& run : m_open) {
        if (run.sent)
            continue;
        run.sent = true;
        m_process->write(run.line.data(), static_cast<qint64>(run.line.size()));
        m_process->write("\n", 1);
        run.line = {};
    }
}

void WorkerClient::send(const Command& command) {
    if (m_process && m_state == State::Ready)
        m_process->write(QByteArray::fromStdString(toLine(command) + "\n"));
}

void WorkerClient::onPingTimer() {
    if (m_state != State::Ready)
        return;
    if (m_unanswered.isValid() && m_unanswered.elapsed() >= m_options.silentMilliseconds)
        setResponding(false);
    if (!m_unanswered.isValid())
        m_unanswered.start();
    send(command::Ping{++m_pingNumber});
}

void WorkerClient::onStandardError() {
    if (!m_process)
        return;
    m_errorBuffer += m_process->readAllStandardError();
    for (;;) {
        const auto end = m_errorBuffer.indexOf('\n');
        if (end < 0 && m_errorBuffer.size() <= longestErrorLine)
            return;
        const auto length = std::min(end < 0 ? longestErrorLine : end, longestErrorLine);
        const auto line = QString::fromUtf8(m_errorBuffer.left(length));
        m_errorBuffer.remove(0, end < 0 ? length : end + 1);
        m_errorLines.push_back(line);
        if (m_errorLines.size() > keptErrorLines)
            m_errorLines.pop_front();
        Q_EMIT logged(QStringLiteral("worker"), line);
    }
}

void WorkerClient::failAll(event::Failed failure) {
    const auto open = m_open;
    for (const auto& run : open) {
        failure.run = run.number;
        finish(run.number, run.cancelled ? Outcome(event::Cancelled{run.number}) : Outcome(failure));
    }
}

void WorkerClient::finish(std::uint64_t number, Outcome outcome) {
    const auto it =
        std::find_if(m_open.begin(), m_open.end(), [number](const Run& run) { return run.number == number; });
    if (it == m_open.end())
        return;
    m_open.erase(it);
    const bool waiting =
        std::any_of(m_open.begin(), m_open.end(), [](const Run& run) { return run.cancelled; });
    if (!waiting && m_state != State::Stopping)
        m_escalation.stop();
    Q_EMIT finished(number, outcome);
}

WorkerClient::Run* WorkerClient::find(std::uint64_t number) {
    const auto it =
        std::find_if(m_open.begin(), m_open.end(), [number](const Run& run) { return run.number == number; });
    return it == m_open.end() ? nullptr : &*it;
}

void WorkerClient::setState(State state) {
    if (m_state == state)
        return;
    m_state = state;
    Q_EMIT stateChanged();
}

void WorkerClient::setResponding(bool responding) {
    if (m_responding == responding)
        return;
    m_responding = responding;
    Q_EMIT respondingChanged(responding);
}

} // namespace azimuth
