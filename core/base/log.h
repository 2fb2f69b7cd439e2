// The log facade. spdlog lives in log.cpp only. Thread-safe.
#pragma once

#include <functional>
#include <string>

namespace azimuth::log {

enum class Level { Debug, Info, Warning, Failure };

void write(Level level, const std::string& text);
inline void debug(const std::string& text) { write(Level::Debug, text); }
inline void info(const std::string& text) { write(Level::Info, text); }
inline void warning(const std::string& text) { write(Level::Warning, text); }
inline void failure(const std::string& text) { write(Level::Failure, text); }

void setThreshold(Level level);       // default Info
void toFile(const std::string& path); // adds a rotating file of 3 x 4 MB; Error log.file

// One more receiver (the window's log pane, the worker's event stream). Called on the writing thread; empty
// removes it.
void setSink(std::function<void(Level, const std::string&)> sink);

} // namespace azimuth::log
