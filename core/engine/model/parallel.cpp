#include "core/engine/model/parallel.h"

#include <algorithm>
#include <ATen/Parallel.h>
#include <exception>
#include <mutex>

// The runtime's interface as GCC itself calls it; declared here because no file of ours is compiled with
// OpenMP.
extern "C" {
void GOMP_parallel(void (*body)(void*), void* data, unsigned threads, unsigned flags);
int omp_get_thread_num(void);
int omp_in_parallel(void);
}

namespace azimuth {
namespace {

struct Loop {
    std::int64_t begin, end, piece;
    const std::function<void(std::int64_t, std::int64_t)>& body;
    std::mutex mutex;
    std::exception_ptr failure;

    void run(std::int64_t index) {
        const auto first = begin + index * piece, last = std::min(end, first + piece);
        if (first >= last)
            return;
        try {
            body(first, last);
        } catch (...) {
            const std::lock_guard lock(mutex);
            if (!failure)
                failure = std::current_exception();
        }
    }
};

} // namespace

void parallelFor(std::int64_t begin, std::int64_t end, std::int64_t grain,
                 const std::function<void(std::int64_t, std::int64_t)>& body) {
    const auto count = end - begin;
    if (count <= 0)
        return;
    const auto threads =
        std::min<std::int64_t>(at::get_num_threads(), (count + grain - 1) / std::max<std::int64_t>(grain, 1));
    if (threads <= 1 || omp_in_parallel())
        return body(begin, end);
    Loop loop{begin, end, (count + threads - 1) / threads, body, {}, {}};
    GOMP_parallel([](void* data) { static_cast<Loop*>(data)->run(omp_get_thread_num()); }, &loop,
                  static_cast<unsigned>(threads), 0);
    if (loop.failure)
        std::rethrow_exception(loop.failure);
}

} // namespace azimuth
