// Memory that runs out where a test says.
#pragma once

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <new>
#include <utility>

namespace azimuth::test {

// libtorch's allocator with a limit on what is alive, as a machine has one: beyond it allocations fail.
class LimitedAllocator : public c10::Allocator {
public:
    std::atomic<std::int64_t> live{0}, peak{0}, limit{INT64_MAX}, refused{0};

    c10::DataPtr allocate(std::size_t size) override {
        const auto bytes = static_cast<std::int64_t>(size);
        if (live + bytes > limit) {
            ++refused;
            throw std::bad_alloc();
        }
        live += bytes;
        peak = std::max(peak.load(), live.load());
        auto inner = m_inner->allocate(size);
        void* data = inner.get();
        return {data, new Block{this, std::move(inner), bytes}, &release, at::kCPU};
    }
    void copy_data(void* to, const void* from, std::size_t count) const override {
        default_copy_data(to, from, count);
    }

private:
    struct Block {
        LimitedAllocator* owner;
        c10::DataPtr data;
        std::int64_t bytes;
    };
    static void release(void* context) {
        auto* block = static_cast<Block*>(context);
        block->owner->live -= block->bytes;
        delete block;
    }
    c10::Allocator* m_inner = c10::GetDefaultCPUAllocator();
};

inline LimitedAllocator& allocator() {
    static LimitedAllocator value;
    return value;
}

// Runs with only `share` of what the body takes without a limit; returns how many allocations were refused.
inline std::int64_t withShare(double share, const std::function<void()>& body) {
    auto& memory = allocator();
    const auto before = memory.live.load();
    memory.peak = before;
    body();
    const auto taken = memory.peak - before;
    memory.refused = 0;
    memory.limit = before + static_cast<std::int64_t>(share * static_cast<double>(taken));
    try {
        body();
    } catch (...) {
        memory.limit = INT64_MAX;
        throw;
    }
    memory.limit = INT64_MAX;
    return memory.refused;
}

} // namespace azimuth::test
