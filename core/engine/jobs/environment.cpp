#include "core/engine/jobs/job.h"

#include "core/study/keys.h"

#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <dlfcn.h>
#include <torch/version.h>
#include <unistd.h>

namespace azimuth {
namespace {

// A CUDA query before libtorch_cuda is in the process disables CUDA for good (engine notes 1.4): so it comes
// first.
void loadCuda() {
    static const bool loaded = [] {
        if (::access("/dev/nvidiactl", F_OK) != 0)
            return false;
        return ::dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL) != nullptr;
    }();
    static_cast<void>(loaded);
}

} // namespace

std::string torchVersion() { return TORCH_VERSION; }

std::vector<std::string> devices() {
    loadCuda();
    std::vector<std::string> names{"cpu"};
    const auto& hooks = at::detail::getCUDAHooks();
    if (hooks.hasCUDA())
        for (int i = 0; i < hooks.deviceCount(); ++i)
            names.push_back("cuda:" + std::to_string(i));
    return names;
}

std::string environmentJson(const std::string& device) {
    return canonicalJson({{"build", AZIMUTH_VERSION},
                          {"torch", torchVersion()},
                          {"isa", at::get_cpu_capability()},
                          {"threads", at::get_num_threads()},
                          {"device", device},
                          {"engine_semantics", engineSemantics}});
}

} // namespace azimuth
