// Random ids (UUID version 4, from the kernel's generator).
#pragma once

#include <string>

namespace azimuth {

std::string newUuid(); // 36 characters, lower case

} // namespace azimuth
