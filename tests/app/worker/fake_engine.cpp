// A libazimuth-engine.so without a model, for tests of the worker's conversation. The job's model name says
// what it does:
//   ok      three progress events, then done
//   flood   2,000 progress events, 300 completions and one matrix name 200 times, then done
//   slow    computes for 60 s unless cancelled
//   deaf    as slow, and does not look at cancel
//   file    writes the prompts' ids, one a line, to `out`, then done
//   bad     failed{tokens.vocabulary}
// It prints to standard output on purpose, as libraries do.
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/protocol/engine_abi.h"
#include "core/protocol/events.h"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <deque>
#include <mutex>
#include <thread>

using namespace azimuth;

struct azimuth_engine {
    azimuth_engine_callbacks callbacks;
    std::mutex mutex;
    std::condition_variable changed;
    std::deque<Submission> queue;
    std::atomic<std::uint64_t> cancelled{0};
    bool closing = false, busy = false;
    std::thread thread;

    void emit(const Event& value) {
        const auto line = toLine(value);
        callbacks.on_event(callbacks.context, line.data(), line.size());
    }

    void rest(const Submission& job, bool deaf) {
        for (int i = 0; i < 6000 && (deaf || cancelled != job.run); ++i)
            std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }

    void flood(std::uint64_t run) {
        for (int i = 0; i < 2000; ++i) {
            emit(event::Progress{run, double(i), 2000, "rows", "decode", 1});
            if (i % 10 == 0)
                emit(event::PartialMatrix{run, "norm", 1, 2, i, {float(i), 0}});
            if (i % 7 == 0)
                emit(event::PartialCompletion{run, "k", "p", "a", "text", "stop"});
            std::this_thread::sleep_for(std::chrono::microseconds(500));
        }
    }

    Event result(const Submission& job) {
        const auto& name = job.job.model.reference.name;
        if (name == "slow" || name == "deaf")
            rest(job, name == "deaf");
        if (name == "flood")
            flood(job.run);
        if (name == "bad")
            return event::Failed{job.run, "tokens.vocabulary",
                                 "Prompt p: id 70000 is outside the vocabulary of 49152.",
                                 "Use ids of this model.", ""};
        if (name == "ok")
            for (int i = 0; i < 3; ++i)
                emit(event::Progress{job.run, double(i), 3, "rows", "decode", 0});
        if (cancelled == job.run)
            return event::Cancelled{job.run};
        if (name != "file")
            return event::Done{job.run, "", ""};
        std::string text;
        if (const auto* tokens = std::get_if<TokensJob>(&job.job.payload))
            for (const auto& prompt : tokens->prompts)
                text += prompt.id + "\n";
        writeFileAtomically(job.out, text);
        return event::Done{job.run, job.out, toHex(sha256(text))};
    }

    void run() {
        std::unique_lock lock(mutex);
        for (;;) {
            changed.wait(lock, [this] { return closing || !queue.empty(); });
            if (closing)
                return;
            const auto job = queue.front();
            queue.pop_front();
            busy = true;
            lock.unlock();
            std::puts("a library talks to standard output");
            std::fflush(stdout);
            const auto end = result(job);
            emit(end);
            lock.lock();
            busy = false;
            changed.notify_all();
        }
    }
};

#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED int32_t azimuth_engine_abi(void) { return AZIMUTH_ENGINE_ABI; }

EXPORTED const char* azimuth_engine_description(void) { return R"({"torch":"0.0-fake","devices":["cpu"]})"; }

EXPORTED azimuth_engine* azimuth_engine_open(azimuth_engine_callbacks callbacks) {
    auto* engine = new azimuth_engine;
    engine->callbacks = callbacks;
    engine->thread = std::thread([engine] { engine->run(); });
    return engine;
}

EXPORTED void azimuth_engine_submit(azimuth_engine* engine, const char* text, size_t size) {
    const auto submission = readSubmission(parseJson({text, size}, "submission"), "submission");
    engine->emit(event::Accepted{submission.run, submission.job.id});
    const std::lock_guard lock(engine->mutex);
    engine->queue.push_back(submission);
    engine->changed.notify_all();
}

EXPORTED void azimuth_engine_cancel(azimuth_engine* engine, uint64_t run) { engine->cancelled = run; }

EXPORTED void azimuth_engine_wait(azimuth_engine* engine) {
    std::unique_lock lock(engine->mutex);
    engine->changed.wait(lock, [engine] { return !engine->busy && engine->queue.empty(); });
}

EXPORTED void azimuth_engine_close(azimuth_engine* engine) {
    {
        const std::lock_guard lock(engine->mutex);
        engine->closing = true;
        engine->changed.notify_all();
    }
    engine->thread.join();
    delete engine;
}
