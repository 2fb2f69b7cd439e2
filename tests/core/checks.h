// What the tests of core share.
#pragma once

#include "core/base/error.h"

#include <cmath>
#include <string>

namespace azimuth::checks {

inline bool near(double a, double b, double tolerance) { return std::fabs(a - b) <= tolerance; }

// The error's code, or what happened instead.
template <class F> std::string codeOf(F&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.code();
    }
    return "nothing was thrown";
}

template <class F> std::string messageOf(F&& body) {
    try {
        body();
    } catch (const Error& error) {
        return error.message();
    }
    return "nothing was thrown";
}

} // namespace azimuth::checks
