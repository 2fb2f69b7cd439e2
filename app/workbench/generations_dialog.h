// Which earlier generation to go back to: a list with times and what is different from now.
#pragma once

#include "app/session/project_store.h"

#include <cstdint>
#include <optional>
#include <QString>
#include <vector>

class QWidget;

namespace azimuth {

// "52 completions fewer, 1 bank fewer, another title"; "the same results" if nothing differs.
QString differenceText(const ProjectView& now, const GenerationSummary& then);

// Asks; nothing if the user cancels. Says so if there is nothing to go back to.
std::optional<std::uint64_t> chooseGeneration(QWidget* parent, const ProjectView& now,
                                              const std::vector<GenerationSummary>& list);

} // namespace azimuth
