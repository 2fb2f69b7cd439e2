// Random edits of a project, always the same for one seed.
#pragma once

#include "tests/faults/in_memory.h"

#include <functional>
#include <random>

namespace azimuth {

class RandomEdits {
public:
    // tell receives a word for what is worth counting.
    RandomEdits(unsigned seed, std::function<void(const std::string&)> tell)
        : m_random(seed), m_tell(std::move(tell)) {}

    std::size_t pick(std::size_t count) { return m_random() % count; } // 0 to count - 1
    Change labels(const InMemory& model); // of one to three completions, some of which no project has
    Change note();
    Change
    study(const Study& from); // another name, more, less or another order; a note where nothing changed
    Calibration choice(const InMemory& model); // on one of its banks

private:
    void removeOne(Study& study, std::vector<Prompt>& prompts);

    std::mt19937 m_random;
    std::function<void(const std::string&)> m_tell;
};

} // namespace azimuth
