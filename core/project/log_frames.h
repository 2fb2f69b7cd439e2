// The frames of a log file (FORMAT.md, "Log"), as its writer makes them and its reader finds them. Values;
// safe from any thread.
#pragma once

#include "core/project/edit_log.h"

#include <optional>
#include <string_view>

namespace azimuth {

inline constexpr std::uint64_t largestEdit = std::uint64_t{64} << 20, largestLog = std::uint64_t{1} << 30;

std::string frameOf(std::uint64_t sequence, const std::string& payload);

struct Frame {
    std::uint64_t sequence = 0;
    std::string_view payload;
    std::size_t bytes = 0;
};

// Broken bytes between whole frames: what lay there had numbers between these. 0: it followed the first
// frame.
struct LogGap {
    std::uint64_t after = 0, before = 0;
};

struct LogScan {
    std::vector<Frame> frames; // into the text
    std::vector<LogGap> gaps;
    std::size_t bytes = 0, whole = 0; // of the file, and up to the end of the last frame
    bool torn = false, damaged = false;
};

// Whole frames in order; broken bytes between them are stepped over.
LogScan scanLog(std::string_view text);
LogFile summaryOf(const LogScan& scan, const std::string& path);

// Nothing for a frame with a valid sum that nobody of ours wrote.
std::optional<Json> objectOf(std::string_view payload, const std::string& path);
// The first frame names the project.
bool belongsTo(const LogScan& scan, const std::string& uuid, const std::string& path);

// The log files in a project's side folder, of any project. Error file.read.
std::vector<std::string> logPaths(const std::string& projectPath);

} // namespace azimuth
