#include "core/project/latching_driver.h"

#include "core/project/h5_support.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/stat.h>
#include <unistd.h>

namespace azimuth::h5 {
namespace {

constexpr std::uint64_t pageBytes = 4096;
constexpr haddr_t maximumAddress = haddr_t{1} << 62;

struct AccessInfo {
    DriverState* state;
};

struct File {
    H5FD_t base; // first: HDF5 sees only this
    DriverState* state;
    haddr_t allocated;
};

File* of(H5FD_t* file) { return reinterpret_cast<File*>(file); }
const File* of(const H5FD_t* file) { return reinterpret_cast<const File*>(file); }

void latch(DriverState& state, int error) {
    if (state.firstError == 0)
        state.firstError = error;
}

// Fills what the file has and zeros the rest, as HDF5 expects beyond the end. False on an error.
bool readFromFile(DriverState& state, std::uint64_t address, std::byte* out, std::size_t size) {
    while (size > 0) {
        const auto count = ::pread(state.descriptor, out, size, static_cast<off_t>(address));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0) {
            latch(state, errno);
            std::memset(out, 0, size);
            return false;
        }
        if (count == 0) {
            std::memset(out, 0, size);
            return true;
        }
        out += count;
        size -= static_cast<std::size_t>(count);
        address += static_cast<std::uint64_t>(count);
    }
    return true;
}

template <class Visit> void eachPage(std::uint64_t address, std::size_t size, Visit visit) {
    std::size_t done = 0;
    while (done < size) {
        const auto page = (address + done) / pageBytes, offset = (address + done) % pageBytes;
        const auto count = std::min<std::size_t>(size - done, pageBytes - offset);
        visit(page, static_cast<std::size_t>(offset), done, count);
        done += count;
    }
}

void keepInMemory(DriverState& state, std::uint64_t address, const std::byte* data, std::size_t size) {
    eachPage(address, size, [&](std::uint64_t page, std::size_t offset, std::size_t done, std::size_t count) {
        auto& bytes = state.pages[page];
        if (bytes.empty()) {
            bytes.resize(pageBytes);
            readFromFile(state, page * pageBytes, bytes.data(), pageBytes);
        }
        std::memcpy(bytes.data() + offset, data + done, count);
    });
}

bool writeToFile(DriverState& state, std::uint64_t address, const std::byte* data, std::size_t size) {
    while (size > 0) {
        const auto count = ::pwrite(state.descriptor, data, size, static_cast<off_t>(address));
        if (count < 0 && errno == EINTR)
            continue;
        if (count <= 0) {
            latch(state, count < 0 ? errno : ENOSPC);
            return false;
        }
        data += count;
        size -= static_cast<std::size_t>(count);
        address += static_cast<std::uint64_t>(count);
    }
    return true;
}

H5FD_t* openFile(const char*, unsigned flags, hid_t accessList, haddr_t) {
    const auto* info = static_cast<const AccessInfo*>(H5Pget_driver_info(accessList));
    if (!info || !info->state)
        return nullptr;
    auto& state = *info->state;
    if ((flags & (H5F_ACC_RDWR | H5F_ACC_TRUNC | H5F_ACC_CREAT)) != 0 && !state.writable)
        return nullptr;
    if (flags & H5F_ACC_TRUNC) {
        if (::ftruncate(state.descriptor, 0) != 0)
            latch(state, errno);
        state.end = 0;
        state.pages.clear();
    } else {
        struct stat status {};
        if (::fstat(state.descriptor, &status) != 0) {
            latch(state, errno);
            return nullptr;
        }
        state.end = static_cast<std::uint64_t>(status.st_size);
    }
    auto* file = new File{};
    file->state = &state;
    return &file->base;
}

herr_t closeFile(H5FD_t* file) {
    delete of(file);
    return 0;
}

// Never the same file, so that HDF5 never shares one state between two openings.
int compareFiles(const H5FD_t* a, const H5FD_t* b) {
    if (of(a)->state == of(b)->state)
        return 0;
    return of(a)->state < of(b)->state ? -1 : 1;
}

herr_t queryFeatures(const H5FD_t*, unsigned long* flags) {
    if (flags)
        *flags = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
                 H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
    return 0;
}

haddr_t allocatedEnd(const H5FD_t* file, H5FD_mem_t) { return of(file)->allocated; }

herr_t setAllocatedEnd(H5FD_t* file, H5FD_mem_t, haddr_t address) {
    of(file)->allocated = address;
    return 0;
}

haddr_t fileEnd(const H5FD_t* file, H5FD_mem_t) { return of(file)->state->end; }

herr_t readBytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, void* buffer) {
    auto& state = *of(file)->state;
    if (address == HADDR_UNDEF || address > maximumAddress || size > maximumAddress - address)
        return -1;
    auto* out = static_cast<std::byte*>(buffer);
    if (!readFromFile(state, address, out, size) && !state.writable && !state.forgiving)
        return -1;
    if (!state.pages.empty())
        eachPage(address, size,
                 [&](std::uint64_t page, std::size_t offset, std::size_t done, std::size_t count) {
                     const auto found = state.pages.find(page);
                     if (found != state.pages.end())
                         std::memcpy(out + done, found->second.data() + offset, count);
                 });
    return 0;
}

herr_t writeBytes(H5FD_t* file, H5FD_mem_t, hid_t, haddr_t address, std::size_t size, const void* buffer) {
    auto& state = *of(file)->state;
    if (!state.writable || address == HADDR_UNDEF || address > maximumAddress ||
        size > maximumAddress - address)
        return -1;
    const auto* data = static_cast<const std::byte*>(buffer);
    // After the first error everything stays in memory: the file is lost, and HDF5 only has to come to its
    // end.
    if (state.firstError != 0 || !writeToFile(state, address, data, size))
        keepInMemory(state, address, data, size);
    state.end = std::max<std::uint64_t>(state.end, address + size);
    return 0;
}

herr_t truncateFile(H5FD_t* file, hid_t, hbool_t) {
    auto& state = *of(file)->state;
    const auto wanted = of(file)->allocated;
    if (!state.writable || wanted == state.end)
        return 0;
    if (state.firstError == 0 && ::ftruncate(state.descriptor, static_cast<off_t>(wanted)) != 0)
        latch(state, errno);
    state.end = wanted;
    return 0;
}

H5FD_class_t driverClass() {
    H5FD_class_t driver{};
    driver.name = "azimuth-latching";
    driver.maxaddr = maximumAddress;
    driver.fc_degree = H5F_CLOSE_STRONG;
    driver.fapl_size = sizeof(AccessInfo);
    driver.open = openFile;
    driver.close = closeFile;
    driver.cmp = compareFiles;
    driver.query = queryFeatures;
    driver.get_eoa = allocatedEnd;
    driver.set_eoa = setAllocatedEnd;
    driver.get_eof = fileEnd;
    driver.read = readBytes;
    driver.write = writeBytes;
    driver.truncate = truncateFile;
    const H5FD_mem_t map[H5FD_MEM_NTYPES] = H5FD_FLMAP_DICHOTOMY;
    std::copy(std::begin(map), std::end(map), std::begin(driver.fl_map));
    return driver;
}

} // namespace

hid_t registerLatchingDriver() {
    static const H5FD_class_t driver = driverClass();
    static const hid_t id = H5FDregister(&driver);
    return id;
}

void useLatchingDriver(hid_t accessList, DriverState& state) {
    const AccessInfo info{&state};
    checkStatus(H5Pset_driver(accessList, registerLatchingDriver(), &info), "the file driver");
}

} // namespace azimuth::h5
