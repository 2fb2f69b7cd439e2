#include "core/engine/generate/score_groups.h"

#include <algorithm>

namespace azimuth {

std::vector<ScoreGroup> groupsOf(const std::vector<ScoreRequest>& requests, std::int64_t reference) {
    std::vector<ScoreGroup> groups;
    std::map<std::int64_t, std::size_t> ofPrompt;
    for (std::size_t i = 0; i < requests.size(); ++i) {
        const auto& request = requests[i];
        const auto [at, isNew] = ofPrompt.emplace(request.prompt, groups.size());
        if (isNew) {
            groups.push_back({request.prompt, {}, {}});
            if (reference >= 0)
                groups.back().cells.push_back({reference, {}});
        }
        auto& group = groups[at->second];
        auto continuation = std::find(group.continuations.begin(), group.continuations.end(), request.ids);
        if (continuation == group.continuations.end())
            continuation = group.continuations.insert(continuation, request.ids);
        const auto u = static_cast<std::size_t>(continuation - group.continuations.begin());
        // The same pair twice (two continuations with the same ids) is two cells.
        auto cell = std::find_if(group.cells.begin(), group.cells.end(), [&](const ScoreCell& other) {
            return other.arm == request.arm && !other.requests.contains(u);
        });
        if (cell == group.cells.end())
            cell = group.cells.insert(cell, ScoreCell{request.arm, {}});
        cell->requests.emplace(u, i);
    }
    return groups;
}

std::vector<ScoreGroup> ScoreCutter::next(std::int64_t batch) {
    std::vector<ScoreGroup> result;
    const std::size_t shared = m_reference ? 1 : 0;
    auto room =
        static_cast<std::size_t>(std::max<std::int64_t>(batch, static_cast<std::int64_t>(1 + shared)));
    while (!finished()) {
        const auto& group = (*m_groups)[m_group];
        const auto left = group.cells.size() - std::max(m_cell, shared);
        if (!result.empty() && left + shared > room)
            return result;
        ScoreGroup part{group.prompt, group.continuations, {}};
        if (m_reference)
            part.cells.push_back(group.cells.front());
        const auto first = std::max(m_cell, shared), count = std::min(left, room - shared);
        // The reference's own requests are served with the first part.
        if (m_reference && m_cell > 0)
            part.cells.front().requests.clear();
        part.cells.insert(part.cells.end(), group.cells.begin() + static_cast<std::ptrdiff_t>(first),
                          group.cells.begin() + static_cast<std::ptrdiff_t>(first + count));
        room -= part.cells.size();
        result.push_back(std::move(part));
        m_cell = first + count;
        if (m_cell >= group.cells.size()) {
            ++m_group;
            m_cell = 0;
        }
    }
    return result;
}

} // namespace azimuth
