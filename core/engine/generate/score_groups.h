// How requests for scores become batches; private to score.cpp.
#pragma once

#include "core/engine/generate/score.h"

#include <cstddef>
#include <cstdint>
#include <map>
#include <vector>

namespace azimuth {

// One prompt under one arm: a place in the cache.
struct ScoreCell {
    std::int64_t arm = 0;
    std::map<std::size_t, std::size_t> requests; // index into ScoreGroup::continuations -> request
};

// One prompt with some of its arms; where there is a reference, it is the first cell.
struct ScoreGroup {
    std::int64_t prompt = 0;
    std::vector<std::vector<std::int32_t>> continuations; // different ones
    std::vector<ScoreCell> cells;
};

// The pairs of prompt and arm in the order of the requests, prompt by prompt; reference as in ScoreOptions.
std::vector<ScoreGroup> groupsOf(const std::vector<ScoreRequest>& requests, std::int64_t reference);

// Cuts at most `batch` cells at a time, in order; a group that does not fit is cut, each part with its
// reference. A copy goes on from where it was taken. The groups must outlive it.
class ScoreCutter {
public:
    ScoreCutter(const std::vector<ScoreGroup>& groups, bool reference)
        : m_groups(&groups), m_reference(reference) {}

    bool finished() const { return m_group == m_groups->size(); }
    std::vector<ScoreGroup> next(std::int64_t batch);

private:
    const std::vector<ScoreGroup>* m_groups;
    bool m_reference;
    std::size_t m_group = 0, m_cell = 0; // what comes next
};

} // namespace azimuth
