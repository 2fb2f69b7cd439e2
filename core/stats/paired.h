// Two conditions on the same prompts. Only the pairs carry the comparison: counts of a 2 x 2 table per
// prompt, never two independent rates. Pure functions, safe from any thread. Error stats.count for a negative
// count or an empty table.
#pragma once

#include "core/stats/intervals.h"

#include <cstdint>

namespace azimuth {

struct PairedCounts {
    std::int64_t both = 0, onlyFirst = 0, onlySecond = 0, neither = 0;

    std::int64_t n() const { return both + onlyFirst + onlySecond + neither; }
    std::int64_t first() const { return both + onlyFirst; }
    std::int64_t second() const { return both + onlySecond; }
    void add(bool inFirst, bool inSecond);
};

struct PairedDifference {
    double value = 0; // first - second, of the proportions
    Interval interval;
    double standardError = 0; // sqrt(b + c - (b - c)^2 / n) / n; 0 when every pair differs the same way
};

// Newcombe (1998), Stat. Med. 17:2635, method 10: square-and-add of the Wilson limits with phi corrected for
// continuity.
PairedDifference pairedDifference(const PairedCounts& counts, double confidence = 0.95);

// McNemar (1947): two-sided exact p, and the mid-p that is shown by default (Fagerland et al. 2013).
double mcnemarExactP(const PairedCounts& counts);
double mcnemarMidP(const PairedCounts& counts);

} // namespace azimuth
