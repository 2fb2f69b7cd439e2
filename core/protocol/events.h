// Commands and events between azimuth and azimuth-worker: JSON lines, one object each; PROTOCOL.md.
#pragma once

#include "core/base/json.h"
#include "core/protocol/job.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace azimuth {

inline constexpr int protocolOldest = 1, protocolNewest = 1;
inline constexpr std::size_t maximumEventLine = std::size_t{1} << 20; // bytes, without the line break
inline constexpr std::size_t maximumCommandLine = std::size_t{64} << 20;

namespace event {
struct Hello {
    int oldest = protocolOldest, newest = protocolNewest;
    std::string build, torch; // torch: empty if the engine could not be loaded
    std::string problem;      // why there is no engine
    std::vector<std::string> devices;
};
struct Pong {
    std::uint64_t number = 0;
};
struct Accepted {
    std::uint64_t run = 0;
    std::string job;
};
struct Progress {
    std::uint64_t run = 0;
    double done = 0, total = 0; // total 0: unknown
    std::string unit, phase;
    double secondsLeft = -1; // negative: not known
};
struct PartialMatrix { // provisional, at most 64 KiB
    std::uint64_t run = 0;
    std::string name;
    std::int64_t rows = 0, columns = 0, n = 0;
    std::vector<float> values; // NaN travels as null
};
struct PartialCompletion {
    std::uint64_t run = 0;
    std::string key, promptId, armDigest, text, finish;
};
struct PartialToken {
    std::uint64_t run = 0;
    std::int64_t row = 0;
    std::int32_t id = 0;
    std::string text;
};
struct Log {
    std::uint64_t run = 0; // 0: of the worker
    std::string level, text;
};
struct Done { // terminal
    std::uint64_t run = 0;
    std::string file, sha256; // empty for live and inspect without out
};
struct Failed { // terminal
    std::uint64_t run = 0;
    std::string code, text, remedy, detail;
};
struct Cancelled { // terminal
    std::uint64_t run = 0;
};
} // namespace event

using Event = std::variant<event::Hello, event::Pong, event::Accepted, event::Progress, event::PartialMatrix,
                           event::PartialCompletion, event::PartialToken, event::Log, event::Done,
                           event::Failed, event::Cancelled>;

bool isTerminal(const Event& value);
std::string toLine(const Event& value); // without line break
// Error protocol.* for anything that is not one of ours.
Event readEvent(std::string_view line);

namespace command {
struct Ping {
    std::uint64_t number = 0;
};
struct Cancel {
    std::uint64_t run = 0;
};
struct Quit {};
} // namespace command

using Command = std::variant<Submission, command::Ping, command::Cancel, command::Quit>;
std::string toLine(const Command& value);
Command readCommand(std::string_view line);

} // namespace azimuth
