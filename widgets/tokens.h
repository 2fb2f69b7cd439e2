// The colours, fonts and sizes that painted widgets draw with: the look's tokens as a value.
//   A widget keeps a copy and gets a new one through Themed::setTokens; nothing global is read while
//   painting. Names are those of resources/tokens.json; what each one is for stands in the look.
#pragma once

#include <QByteArray>
#include <QColor>
#include <QFont>
#include <QString>

namespace azimuth {

struct Tokens {
    QColor window, base, alternate, raised;
    QColor text, ink, secondary, placeholder, disabled;
    QColor line, border, hover, pressed;
    QColor accent, accentHover, accentPressed, accentTint, onAccent;
    QColor here, hereTint;
    QColor positive, caution, cautionTint, failure, failureTint;
    QColor coherent, coherentTint, garbled, garbledTint, normal, normalTint;
    QColor notMeasured, hatch, hatchBase;
    QColor diffOld, diffNew, search;
    QColor tooltip, onTooltip;

    bool dark = false;
    double fontScale = 1.0; // of the user, 0.9 to 1.5; font sizes and heights follow it

    // n device-independent pixels of the look at the user's font scale, at least 1.
    int px(double n) const;
    // IBM Plex Sans and Mono of n px of the look; 13 is body text, 12 tables and chips, 11 axes and captions.
    QFont sans(double n = 13, QFont::Weight weight = QFont::Normal) const;
    QFont mono(double n = 12, QFont::Weight weight = QFont::Normal) const;
};

// One token's name and where it lies in Tokens, in the order of tokens.json.
struct TokenName {
    const char* name;
    QColor Tokens::*member;
};
struct TokenNames {
    const TokenName* first;
    const TokenName* last;
    const TokenName* begin() const { return first; }
    const TokenName* end() const { return last; }
};
TokenNames tokenNames();

// The tokens of one theme ("light" or "dark") in the text of a tokens.json. Error json.content if a name
// is missing, unknown or not #RRGGBB; errors of core/base/json.h.
Tokens readTokens(const QByteArray& json, bool dark);

// Those of the resource, read once. "Paper" is the light theme and what every export uses. Any thread.
const Tokens& lightTokens();
const Tokens& darkTokens();

// WCAG 2.1 contrast of two opaque colours, 1 to 21.
double contrast(const QColor& one, const QColor& other);
// The better of #10161B and #FFFFFF on this ground: text in a coloured cell. On the few middle tones
// where both fall under 4.5 it is black, so that the contrast is at least 4.5 on every ground.
QColor textOn(const QColor& ground);

} // namespace azimuth
