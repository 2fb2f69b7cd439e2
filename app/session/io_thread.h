// One thread that runs tasks in order and hands their results back to the thread that posted them (HDF5 has
// one thread of its own). Errors of a task come back as `failed`. A result for a receiver that is gone is
// dropped. Destruction waits for every task that has been posted.
#pragma once

#include "core/base/error.h"

#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <QObject>
#include <QPointer>
#include <QThread>
#include <type_traits>

namespace azimuth {

class IoThread {
public:
    explicit IoThread(const QString& name = QStringLiteral("azimuth-io")) {
        m_thread.setObjectName(name);
        m_context.moveToThread(&m_thread);
        m_thread.start();
    }
    ~IoThread() {
        // Behind what has been posted: a save that was asked for is carried out.
        QMetaObject::invokeMethod(
            &m_context, [this] { m_thread.quit(); }, Qt::QueuedConnection);
        m_thread.wait();
    }
    IoThread(const IoThread&) = delete;
    IoThread& operator=(const IoThread&) = delete;

    // work() on the thread; then done(result) or failed(error) on the receiver's thread. Exceptions that are
    // no Error become Error "internal".
    template <class Work, class Done>
    void post(QObject* receiver, Work work, Done done, std::function<void(const Error&)> failed) {
        QPointer<QObject> alive(receiver);
        QMetaObject::invokeMethod(
            &m_context,
            [alive, work = std::move(work), done = std::move(done), failed = std::move(failed)]() mutable {
                using Result = std::invoke_result_t<Work>;
                std::shared_ptr<Result> result;
                std::optional<Error> error;
                try {
                    result = std::make_shared<Result>(work());
                } catch (const Error& caught) {
                    error = caught;
                } catch (const std::exception& caught) {
                    error =
                        Error("internal", std::string("Something unforeseen went wrong: ") + caught.what(),
                              "Please report this with the log.");
                }
                if (!alive)
                    return;
                QMetaObject::invokeMethod(
                    alive.data(),
                    [result, error, done = std::move(done), failed = std::move(failed)]() mutable {
                        error ? failed(*error) : done(std::move(*result));
                    },
                    Qt::QueuedConnection);
            },
            Qt::QueuedConnection);
    }

    // work(), which returns a value, on the thread, waited for; what it throws comes through. Called on the
    // thread itself it runs at once. Not from a thread that a task posted here waits for.
    template <class Work> std::invoke_result_t<Work> run(Work work) {
        if (QThread::currentThread() == &m_thread)
            return work();
        std::optional<std::invoke_result_t<Work>> result;
        std::exception_ptr failure;
        QMetaObject::invokeMethod(
            &m_context,
            [&] {
                try {
                    result.emplace(work());
                } catch (...) {
                    failure = std::current_exception();
                }
            },
            Qt::BlockingQueuedConnection);
        if (failure)
            std::rethrow_exception(failure);
        return std::move(*result);
    }

private:
    QThread m_thread;
    QObject m_context;
};

} // namespace azimuth
