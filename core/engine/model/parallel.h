// A parallel loop on the threads of torch's own OpenMP runtime. at::parallel_for is an inline template that
// goes parallel only in code compiled with OpenMP, which would bring a second runtime into the process; this
// calls the runtime torch has loaded. Threads: at::get_num_threads(). The pieces and their order within a
// piece do not depend on timing.
#pragma once

#include <cstdint>
#include <functional>

namespace azimuth {

// body(first, last) for consecutive pieces of [begin, end), none smaller than grain but the last. Runs on the
// calling thread alone if there is one piece or it is inside another parallel loop. The first exception is
// thrown again on the calling thread.
void parallelFor(std::int64_t begin, std::int64_t end, std::int64_t grain,
                 const std::function<void(std::int64_t first, std::int64_t last)>& body);

} // namespace azimuth
