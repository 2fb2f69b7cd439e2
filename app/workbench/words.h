// How the window says things: one wording per thing, used by every page.
#pragma once

#include "core/study/project_view.h"
#include "widgets/icons.h"

#include <cstdint>
#include <optional>
#include <QString>
#include <string>

namespace azimuth::words {

// "1 model", "3 models".
QString countText(qsizetype n, const QString& one, const QString& many);
QString kText(std::int64_t k, std::int64_t blocks);                 // "16 (53 %)"
QString siteText(std::int64_t k);                                   // "R[16]"
QString positionText(const DirectionBank& bank, std::size_t index); // "last", "−2 assistant"
QString armText(const Arm& arm);                // "control", "add 38.2 at R[16]", "add 15 at R[16] to R[28]"
QString rateText(const Rate& rate);             // "92 % (65 to 99 %), 11 of 12"
QString shortDigest(const std::string& digest); // "5d20 91ce"
QString whenText(const std::string& utc);       // "12 Mar, 09:41 UTC"
QString strengthText(const SweepPoint& point, StrengthUnit unit); // "38.2 (0.8 × raw norm)"
LabelShape labelOf(Verdict verdict);
std::optional<Verdict> verdictOf(LabelShape label); // none: nothing

} // namespace azimuth::words
