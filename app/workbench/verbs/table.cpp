#include "app/workbench/verbs/table.h"

#include "core/base/text.h"

#include <algorithm>

namespace azimuth {

std::string textTable(const std::vector<TextColumn>& columns,
                      const std::vector<std::vector<std::string>>& rows) {
    std::vector<std::size_t> widths;
    for (std::size_t i = 0; i < columns.size(); ++i) {
        widths.push_back(toCodePoints(columns[i].title).size());
        for (const auto& row : rows)
            widths[i] = std::max(widths[i], toCodePoints(row.at(i)).size());
    }
    std::string out;
    const auto line = [&](auto&& cell) {
        std::string text;
        for (std::size_t i = 0; i < columns.size(); ++i) {
            const std::string value = cell(i);
            const std::string pad(widths[i] - toCodePoints(value).size(), ' ');
            text += (i ? "  " : "") + (columns[i].right ? pad + value : value + pad);
        }
        out += text.substr(0, text.find_last_not_of(' ') + 1) + "\n";
    };
    line([&](std::size_t i) { return columns[i].title; });
    for (const auto& row : rows)
        line([&](std::size_t i) { return row[i]; });
    return out;
}

} // namespace azimuth
