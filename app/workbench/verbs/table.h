// Plain text tables for the terminal: columns as wide as their longest cell, two blanks between, numbers
// right.
#pragma once

#include <string>
#include <vector>

namespace azimuth {

struct TextColumn {
    std::string title;
    bool right = false;
};

// Every row has as many cells as there are columns. Width is counted in code points.
std::string textTable(const std::vector<TextColumn>& columns,
                      const std::vector<std::vector<std::string>>& rows);

} // namespace azimuth
