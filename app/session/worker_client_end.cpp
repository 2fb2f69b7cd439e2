// How a worker ends: cancelled jobs, stopping, death.
#include "app/session/worker_client.h"

#include <algorithm>
#include <csignal>
#include <cstring>

namespace azimuth {

void WorkerClient::cancel(std::uint64_t number) {
    auto* run = find(number);
    if (!run || run->cancelled)
        return;
    run->cancelled = true;
    if (!run->sent) {
        QMetaObject::invokeMethod(
            this, [this, number] { finish(number, event::Cancelled{number}); }, Qt::QueuedConnection);
        return;
    }
    send(command::Cancel{number});
    if (!m_escalation.isActive()) {
        m_escalationStep = 0;
        m_escalation.start(m_options.cancelMilliseconds);
    }
}

void WorkerClient::onEscalation() {
    const bool waiting =
        std::any_of(m_open.begin(), m_open.end(), [](const Run& run) { return run.cancelled && run.sent; });
    if (!m_process || (!waiting && m_state != State::Stopping))
        return;
    if (m_escalationStep++ == 0) {
        Q_EMIT logged(QStringLiteral("warning"),
                      QStringLiteral("The worker does not stop the job; it is asked to end."));
        endProcess();
    } else {
        Q_EMIT logged(QStringLiteral("warning"), QStringLiteral("The worker does not end; it is killed."));
        m_process->kill();
    }
}

// End of input and SIGTERM now, SIGKILL if that does not help.
void WorkerClient::endProcess() {
    if (!m_process)
        return;
    m_helloTimer.stop();
    m_pingTimer.stop();
    setState(State::Stopping);
    m_process->closeWriteChannel();
    m_process->terminate();
    m_escalationStep = 1;
    m_escalation.start(m_options.terminateMilliseconds);
}

void WorkerClient::stop() {
    if (m_process && m_state != State::Stopping)
        endProcess();
}

void WorkerClient::forgetOutput() {
    m_buffer.clear();
    m_start = m_scanned = 0;
}

void WorkerClient::breakOff(const event::Failed& failure) {
    m_deaf = true;
    forgetOutput();
    endProcess();
    failAll(failure);
}

QString WorkerClient::endText(int exitCode, QProcess::ExitStatus status) const {
    if (status == QProcess::NormalExit)
        return QStringLiteral("exit code %1").arg(exitCode);
    const char* name = sigabbrev_np(exitCode);
    return name ? QStringLiteral("signal %1, SIG%2").arg(exitCode).arg(QString::fromLatin1(name))
                : QStringLiteral("signal %1").arg(exitCode);
}

void WorkerClient::onEnded(int exitCode, QProcess::ExitStatus status) {
    onStandardOutput(); // what it said last
    onStandardError();
    if (!m_errorBuffer.isEmpty())
        m_errorLines.push_back(QString::fromUtf8(m_errorBuffer));
    const bool wanted = m_state == State::Stopping;
    while (m_reading && !m_deaf)
        readLines();
    forgetOutput();
    m_helloTimer.stop();
    m_pingTimer.stop();
    m_escalation.stop();
    m_process->deleteLater();
    m_process = nullptr;
    setState(State::Stopped);
    setResponding(true);
    QString detail;
    for (const auto& line : m_errorLines)
        detail += line + QLatin1Char('\n');
    const auto open = m_open; // those that were never sent go to the next worker, unless this one never began
    for (const auto& run : open) {
        if (wanted && !run.sent)
            continue;
        if (run.cancelled) {
            finish(run.number, event::Cancelled{run.number});
            continue;
        }
        const auto what = run.title.isEmpty() ? QStringLiteral("a job") : run.title;
        finish(run.number, event::Failed{run.number, "worker.died",
                                         QStringLiteral("The worker ended (%1) while it ran %2.")
                                             .arg(endText(exitCode, status), what)
                                             .toStdString(),
                                         "Results that were finished are kept; run the study again to go on.",
                                         detail.toStdString()});
    }
    if (!m_open.empty() && m_state == State::Stopped)
        start();
}

} // namespace azimuth
