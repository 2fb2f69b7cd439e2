// `azimuth-worker serve`: the conversation of PROTOCOL.md over standard input and `output`.
//
// The calling thread only reads commands and answers pings; jobs run one at a time on the engine's thread,
// further ones wait here. At the end of input, on quit or on SIGTERM everything is cancelled and the process
// ends at once, at most 2 s later.
#pragma once

namespace azimuth::worker {

// Never returns but through _exit. output: what takeStandardOutput() gave; signals: of stopSignals().
[[noreturn]] void serve(int output, int signals);

} // namespace azimuth::worker
