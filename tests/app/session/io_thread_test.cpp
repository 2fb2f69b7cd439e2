// Tasks run in order on the thread; who waits for one gets its result or what it threw.
#include "app/session/io_thread.h"

#include <QtTest>

#include <atomic>
#include <thread>

using namespace azimuth;

class IoThreadTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void runWaitsForTheThread() {
        IoThread thread;
        auto* const own = QThread::currentThread();
        auto* const its = thread.run([] { return QThread::currentThread(); });
        QVERIFY(its != own);
        // Within a task: at once.
        QCOMPARE(thread.run([&] { return thread.run([] { return QThread::currentThread(); }); }), its);
        try {
            thread.run([]() -> int { throw Error("test.code", "no", ""); });
            QFAIL("nothing was thrown");
        } catch (const Error& error) {
            QCOMPARE(error.code(), std::string("test.code"));
        }
    }

    void runComesBehindWhatWasPosted() {
        IoThread thread;
        std::vector<int> order;
        for (int i = 0; i < 3; ++i)
            thread.post(
                this, [&order, i] { return order.push_back(i), true; }, [](bool) {}, {});
        QCOMPARE(thread.run([&] { return order.size(); }), std::size_t{3});
        QCOMPARE(order, (std::vector<int>{0, 1, 2}));
    }

    void severalThreadsMayWait() {
        IoThread thread;
        std::atomic<int> inside{0}, most{0};
        std::vector<std::thread> waiting;
        for (int i = 0; i < 8; ++i)
            waiting.emplace_back([&] {
                for (int round = 0; round < 50; ++round)
                    thread.run([&] {
                        most = std::max(most.load(), ++inside);
                        return --inside;
                    });
            });
        for (auto& one : waiting)
            one.join();
        QCOMPARE(most.load(), 1);
    }
};

QTEST_GUILESS_MAIN(IoThreadTest)
#include "io_thread_test.moc"
