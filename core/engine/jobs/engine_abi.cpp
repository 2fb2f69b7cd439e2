// The exported functions of libazimuth-engine.so (core/protocol/engine_abi.h). No exception and no C++ type
// leaves.
#include "core/protocol/engine_abi.h"

#include "core/base/log.h"
#include "core/engine/jobs/engine.h"
#include "core/engine/jobs/environment.h"

#include <new>

#define AZIMUTH_EXPORT extern "C" __attribute__((visibility("default")))

struct azimuth_engine {
    explicit azimuth_engine(azimuth_engine_callbacks callbacks)
        : engine([callbacks](const azimuth::Event& value) {
              const std::string line = azimuth::toLine(value);
              callbacks.on_event(callbacks.context, line.data(), line.size());
          }) {}
    azimuth::Engine engine;
};

AZIMUTH_EXPORT int32_t azimuth_engine_abi(void) { return AZIMUTH_ENGINE_ABI; }

AZIMUTH_EXPORT const char* azimuth_engine_description(void) {
    static const std::string text = azimuth::canonicalJson(
        azimuth::Json{{"torch", azimuth::torchVersion()}, {"devices", azimuth::deviceNames()}});
    return text.c_str();
}

AZIMUTH_EXPORT azimuth_engine* azimuth_engine_open(azimuth_engine_callbacks callbacks) {
    try {
        return new azimuth_engine(callbacks);
    } catch (...) {
        return nullptr;
    }
}

AZIMUTH_EXPORT void azimuth_engine_submit(azimuth_engine* engine, const char* submission_json, size_t size) {
    engine->engine.submit(std::string_view(submission_json, size));
}

AZIMUTH_EXPORT void azimuth_engine_cancel(azimuth_engine* engine, uint64_t run) {
    engine->engine.cancel(run);
}

AZIMUTH_EXPORT void azimuth_engine_wait(azimuth_engine* engine) {
    try {
        engine->engine.wait();
    } catch (const std::exception& error) {
        azimuth::log::failure(error.what());
    }
}

AZIMUTH_EXPORT void azimuth_engine_close(azimuth_engine* engine) { delete engine; }
