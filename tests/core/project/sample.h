// A project with something in every column, and a comparison of everything.
#pragma once

#include "core/study/project_view.h"

#include <string>

namespace azimuth::sample {

Study study(unsigned format = 3); // two models, one concept with all roles
Study smallestStudy();

// Every table has rows, every field a value of its own; NaN, infinities, long and odd texts are among them.
// format: without what came later (FORMAT.md).
ProjectView fullView(unsigned format = 3);
JobResult jobResult(unsigned format = 3); // with models, banks, arms, completions, scores

Digest digestOf(const std::string& text);
std::string hexOf(const std::string& text);
std::vector<Completion> completions(std::size_t count, std::size_t tokens, std::size_t characters);

// The first difference, or an empty text. Doubles are compared by their bits. time: also uuid, generation and
// times.
std::string difference(const ProjectView& a, const ProjectView& b, bool time = true);
std::string difference(const JobResult& a, const JobResult& b);

} // namespace azimuth::sample
