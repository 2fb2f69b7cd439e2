#include "core/engine/model/huge_pages.h"

#include <cstdint>

#include <sys/mman.h>

namespace azimuth {

void preferHugePages(const at::Tensor& tensor) {
    if (!tensor.is_cpu())
        return;
    constexpr std::uintptr_t page = std::uintptr_t{2} << 20;
    constexpr int collapse = 25; // MADV_COLLAPSE, Linux 6.1
    const auto begin = reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr());
    const auto first = (begin + page - 1) / page * page, last = (begin + tensor.nbytes()) / page * page;
    if (last <= first)
        return;
    void* const from = reinterpret_cast<void*>(first);
    if (::madvise(from, last - first, MADV_HUGEPAGE) == 0)
        (void)::madvise(from, last - first, collapse);
}

} // namespace azimuth
