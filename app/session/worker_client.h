// Talks with one azimuth-worker (PROTOCOL.md): starts it when there is work, keeps it alive for the next job,
// notices when it is silent or gone. Qt Core only; lives in one thread with an event loop, which it never
// blocks but in its destructor (at most 3 s).
//
// Every submission ends with exactly one finished(run, outcome): what the worker said, or a failure made
// here:
//   worker.start    the program could not be started        worker.hello    no hello in time
//   worker.version  no protocol version in common            worker.died     it ended: signal or exit code,
//   last stderr lines protocol        it sent what is not understood; it is stopped
// A worker that must be killed to end a cancelled job makes that job cancelled, not failed. Events of unknown
// runs are dropped.
#pragma once

#include "core/protocol/events.h"

#include <deque>
#include <QElapsedTimer>
#include <QObject>
#include <QProcess>
#include <QString>
#include <QStringList>
#include <QTimer>
#include <variant>
#include <vector>

namespace azimuth {

// Exactly one per submission.
using Outcome = std::variant<event::Done, event::Failed, event::Cancelled>;

class WorkerClient : public QObject {
    Q_OBJECT
public:
    struct Options {
        QString program; // empty: azimuth-worker beside this program
        QStringList arguments{QStringLiteral("serve")};
        QStringList environment; // NAME=value, added to ours
        int helloMilliseconds = 10000, pingMilliseconds = 5000, silentMilliseconds = 30000;
        int cancelMilliseconds = 3000, terminateMilliseconds = 2000;
    };
    enum class State { Stopped, Starting, Ready, Stopping };

    explicit WorkerClient(Options options, QObject* parent = nullptr);
    ~WorkerClient() override; // closes the worker's input, then SIGTERM, then SIGKILL

    State state() const { return m_state; }
    bool responding() const { return m_responding; }
    bool idle() const { return m_open.empty(); }
    qint64 processId() const { return m_process ? m_process->processId() : 0; }
    const event::Hello& hello() const { return m_hello; } // of the worker that was last ready

    // Sets submission.run and returns it. Starts a worker if there is none. The outcome comes later, never
    // from inside this call.
    std::uint64_t submit(Submission submission, const QString& title = {});
    void cancel(std::uint64_t run); // escalates: cancel, 3 s, end of input and SIGTERM, 2 s, SIGKILL
    void stop();                    // ends the worker; open runs fail

    static QString defaultProgram();

Q_SIGNALS:
    void ready(const azimuth::event::Hello& hello);
    void accepted(std::uint64_t run);
    void progressed(const azimuth::event::Progress& progress);
    void matrixCame(const azimuth::event::PartialMatrix& matrix);
    void completionCame(const azimuth::event::PartialCompletion& completion);
    void tokenCame(const azimuth::event::PartialToken& token);
    void logged(const QString& level, const QString& text); // also lines of standard error, level "worker"
    void finished(std::uint64_t run, const azimuth::Outcome& outcome);
    void respondingChanged(bool responding);
    void stateChanged();

private:
    struct Run {
        std::uint64_t number = 0;
        QString title;
        std::string line; // until it is written
        bool sent = false, cancelled = false;
    };
    void start();
    void onStandardOutput();
    void readLines();
    void forgetOutput();
    void onStandardError();
    void onLine(std::string_view line);
    void onEvent(Event value);
    void onHello(const event::Hello& hello);
    void onFailedToStart();
    void onEnded(int exitCode, QProcess::ExitStatus status);
    void onPingTimer();
    void onEscalation();
    void sendWaiting();
    void send(const Command& command);
    void breakOff(const event::Failed& failure); // protocol and hello failures: the worker is stopped
    void failAll(event::Failed failure);
    void finish(std::uint64_t run, Outcome outcome);
    void endProcess();
    void setState(State state);
    void setResponding(bool responding);
    Run* find(std::uint64_t run);
    QString endText(int exitCode, QProcess::ExitStatus status) const;

    Options m_options;
    QProcess* m_process = nullptr;
    State m_state = State::Stopped;
    event::Hello m_hello;
    std::vector<Run> m_open; // in order of submission
    std::uint64_t m_lastRun = 0;
    QByteArray m_buffer; // standard output that has been read; what lies before m_start is done with
    qsizetype m_start = 0, m_scanned = 0; // up to m_scanned there is no line break
    bool m_reading = false;               // readLines is due
    bool m_deaf = false;                  // after a failure of the protocol
    QByteArray m_errorBuffer;
    std::deque<QString> m_errorLines;
    QTimer m_helloTimer, m_pingTimer, m_escalation;
    int m_escalationStep = 0;
    std::uint64_t m_pingNumber = 0;
    QElapsedTimer m_unanswered; // since the oldest ping without a pong
    bool m_responding = true;
};

} // namespace azimuth
