#include "app/worker/engine_library.h"

#include "core/base/error.h"
#include "core/base/json_reader.h"

#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <system_error>

namespace azimuth::worker {

namespace {
constexpr const char* libraryName = "libazimuth-engine.so";

std::string loaderText() {
    const char* text = dlerror();
    return text ? text : "unknown reason";
}

template <class Function> Function symbol(void* library, const char* name) {
    void* address = dlsym(library, name);
    if (!address)
        throw Error("engine.missing", std::string(libraryName) + " has no function " + name + ".", "");
    return reinterpret_cast<Function>(address);
}
} // namespace

std::string programFolder() {
    std::error_code failure;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", failure);
    return failure ? std::string(".") : program.parent_path().string();
}

EngineLibrary::EngineLibrary() {
    try {
        load(programFolder() + "/" + libraryName);
    } catch (const std::exception& failure) {
        m_problem = failure.what();
        m_torch.clear();
        m_devices.clear();
    }
}

void EngineLibrary::load(const std::string& path) {
    // Kept open for the life of the process: libtorch's threads outlive dlclose.
    // OpenMP threads that spin at every barrier starve each other as soon as another program wants a core:
    // short spins, unless the user says otherwise. Read by the runtime when it is loaded.
    if (!getenv("OMP_WAIT_POLICY"))
        setenv("GOMP_SPINCOUNT", "1000", 0);
    void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library)
        throw Error("engine.missing", "The engine could not be loaded: " + loaderText() + ".", "");
    const int found = symbol<azimuth_engine_abi_function>(library, "azimuth_engine_abi")();
    if (found != AZIMUTH_ENGINE_ABI)
        throw Error("engine.missing",
                    path + " has interface " + std::to_string(found) + ", this worker needs " +
                        std::to_string(AZIMUTH_ENGINE_ABI) + ".",
                    "");
    m_open = symbol<azimuth_engine_open_function>(library, "azimuth_engine_open");
    m_submit = symbol<azimuth_engine_submit_function>(library, "azimuth_engine_submit");
    m_cancel = symbol<azimuth_engine_cancel_function>(library, "azimuth_engine_cancel");
    m_wait = symbol<azimuth_engine_wait_function>(library, "azimuth_engine_wait");
    m_close = symbol<azimuth_engine_close_function>(library, "azimuth_engine_close");
    readDescription(symbol<azimuth_engine_description_function>(library, "azimuth_engine_description")());
}

void EngineLibrary::readDescription(const char* text) {
    JsonReader reader(parseJson(text ? text : "", "the engine's description"), "the engine's description",
                      true);
    m_torch = reader.root().text("torch");
    m_devices = reader.root().texts("devices");
    reader.finish();
}

Error EngineLibrary::missing() const {
    return Error("engine.missing", "This worker has no engine, so it cannot compute.",
                 "Run installer/setup, which fetches libtorch, build again, and see that " +
                     std::string(libraryName) + " lies beside azimuth-worker.",
                 m_problem);
}

Engine::Engine(const EngineLibrary& library, OnEvent onEvent)
    : m_library(library), m_onEvent(std::move(onEvent)) {
    if (!library.present())
        throw library.missing();
    azimuth_engine_callbacks callbacks{};
    callbacks.context = this;
    callbacks.on_event = [](void* context, const char* line, size_t size) {
        static_cast<Engine*>(context)->m_onEvent(std::string_view(line, size));
    };
    m_engine = library.m_open(callbacks);
    if (!m_engine)
        throw Error("engine.memory", "There is not enough memory to start the engine.",
                    "Close other programs.");
}

Engine::~Engine() { m_library.m_close(m_engine); }

void Engine::submit(const Submission& submission) {
    const auto text = toJson(submission).dump(-1, ' ', false, Json::error_handler_t::replace);
    m_library.m_submit(m_engine, text.data(), text.size());
}

void Engine::cancel(std::uint64_t run) { m_library.m_cancel(m_engine, run); }

void Engine::wait() { m_library.m_wait(m_engine); }

} // namespace azimuth::worker
