// A widget (or delegate) that paints with tokens. The application's style hands every Themed widget its
// tokens when it is polished, that is before it is first shown and whenever the theme changes; outside
// the application, call it.
#pragma once

#include "widgets/tokens.h"

namespace azimuth {

class Themed {
public:
    virtual ~Themed() = default;
    virtual void setTokens(const Tokens& tokens) = 0;

protected:
    Themed() = default;
    Themed(const Themed&) = default;
    Themed& operator=(const Themed&) = default;
};

} // namespace azimuth
