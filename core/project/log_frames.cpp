#include "core/project/log_frames.h"

#include "core/base/crc32.h"
#include "core/base/error.h"
#include "core/project/side_folder.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <span>
#include <utility>

static_assert(std::endian::native == std::endian::little, "frames are written as they lie in memory");

namespace azimuth {
namespace {

// char[4] magic, u32 bytes of payload, u64 sequence, u32 CRC-32 of sequence and payload; then the payload.
constexpr std::string_view magic = "AZF1";
constexpr std::size_t headBytes = 20;

std::optional<Frame> frameAt(std::string_view text, std::size_t offset) {
    const auto rest = text.substr(offset);
    if (rest.size() < headBytes || !rest.starts_with(magic))
        return {};
    std::uint32_t size = 0, sum = 0;
    Frame frame;
    std::memcpy(&size, rest.data() + 4, sizeof size);
    std::memcpy(&frame.sequence, rest.data() + 8, sizeof frame.sequence);
    std::memcpy(&sum, rest.data() + 16, sizeof sum);
    if (size > largestEdit || size > rest.size() - headBytes)
        return {};
    frame.payload = rest.substr(headBytes, size);
    frame.bytes = headBytes + size;
    std::string body(rest.substr(8, 8));
    body += frame.payload;
    if (crc32(std::as_bytes(std::span(body.data(), body.size()))) != sum)
        return {};
    return frame;
}

} // namespace

std::string frameOf(std::uint64_t sequence, const std::string& payload) {
    std::string body(sizeof sequence, '\0');
    std::memcpy(body.data(), &sequence, sizeof sequence);
    body += payload;
    const auto size = static_cast<std::uint32_t>(payload.size());
    const auto sum = crc32(std::as_bytes(std::span(body.data(), body.size())));
    std::string frame(headBytes, '\0');
    std::memcpy(frame.data(), magic.data(), magic.size());
    std::memcpy(frame.data() + 4, &size, sizeof size);
    std::memcpy(frame.data() + 8, &sequence, sizeof sequence);
    std::memcpy(frame.data() + 16, &sum, sizeof sum);
    return frame + payload;
}

LogScan scanLog(std::string_view text) {
    LogScan result;
    result.bytes = text.size();
    std::size_t offset = 0;
    bool broken = false;
    while (offset < text.size()) {
        if (const auto frame = frameAt(text, offset)) {
            if (std::exchange(broken, false))
                result.gaps.push_back(
                    {result.frames.empty() ? 0 : result.frames.back().sequence, frame->sequence});
            result.frames.push_back(*frame);
            result.whole = offset += frame->bytes;
            continue;
        }
        broken = true;
        const auto next = text.find(magic, offset + 1);
        if (next == std::string_view::npos)
            break;
        offset = next;
    }
    result.torn = broken;
    result.damaged = !result.gaps.empty();
    return result;
}

LogFile summaryOf(const LogScan& found, const std::string& path) {
    LogFile file{path, 0, found.torn, found.damaged, found.bytes};
    for (const auto& frame : found.frames)
        file.last = std::max(file.last, frame.sequence);
    return file;
}

std::optional<Json> objectOf(std::string_view payload, const std::string& path) {
    try {
        auto value = parseJson(payload, path, {largestEdit, 64});
        if (value.is_object())
            return value;
    } catch (const Error&) { // a frame with a valid sum that nobody of ours wrote
    }
    return {};
}

bool belongsTo(const LogScan& scan, const std::string& uuid, const std::string& path) {
    if (scan.frames.empty() || scan.frames.front().sequence != 0)
        return false;
    const auto head = objectOf(scan.frames.front().payload, path);
    return head && head->contains("project") && head->at("project") == uuid;
}

std::vector<std::string> logPaths(const std::string& projectPath) {
    std::vector<std::string> paths;
    for (const auto& entry : entriesOf(sideFolder(projectPath).root))
        if (entry.path().extension() == ".azlog" && mayBeFile(entry))
            paths.push_back(entry.path().string());
    return paths;
}

} // namespace azimuth
