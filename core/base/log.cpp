#include "core/base/log.h"

#include "core/base/error.h"

#include <mutex>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

namespace azimuth::log {
namespace {

spdlog::level::level_enum levelOf(Level level) {
    switch (level) {
    case Level::Debug:
        return spdlog::level::debug;
    case Level::Info:
        return spdlog::level::info;
    case Level::Warning:
        return spdlog::level::warn;
    case Level::Failure:
        return spdlog::level::err;
    }
    return spdlog::level::info;
}

struct State {
    std::mutex mutex;
    Level threshold = Level::Info;
    std::shared_ptr<spdlog::logger> logger;
    std::function<void(Level, const std::string&)> sink;

    State() {
        logger =
            std::make_shared<spdlog::logger>("azimuth", std::make_shared<spdlog::sinks::stderr_sink_mt>());
        logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
        logger->set_level(spdlog::level::debug);
        logger->flush_on(spdlog::level::info);
    }
};

State& state() {
    static State* instance = new State; // outlives every static that may log while the process ends
    return *instance;
}

} // namespace

void write(Level level, const std::string& text) {
    std::function<void(Level, const std::string&)> sink;
    {
        const std::lock_guard lock(state().mutex);
        if (level < state().threshold)
            return;
        state().logger->log(levelOf(level), "{}", text);
        sink = state().sink;
    }
    if (sink)
        sink(level, text);
}

void setThreshold(Level level) {
    const std::lock_guard lock(state().mutex);
    state().threshold = level;
}

void toFile(const std::string& path) {
    const std::lock_guard lock(state().mutex);
    try {
        state().logger->sinks().push_back(
            std::make_shared<spdlog::sinks::rotating_file_sink_mt>(path, std::size_t{4} << 20, 3));
        state().logger->set_pattern("%Y-%m-%dT%H:%M:%S.%e %l %v");
    } catch (const spdlog::spdlog_ex& failure) {
        throw Error("log.file", path + ": the log cannot be written: " + failure.what(),
                    "Choose another folder.");
    }
}

void setSink(std::function<void(Level, const std::string&)> sink) {
    const std::lock_guard lock(state().mutex);
    state().sink = std::move(sink);
}

} // namespace azimuth::log
