// Time in UTC as ISO 8601.
#pragma once

#include <string>

namespace azimuth {

double unixSeconds();                    // now
std::string utcText(double unixSeconds); // "2026-03-14T09:26:53Z"
std::string utcNow();

} // namespace azimuth
