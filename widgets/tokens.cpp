#include "widgets/tokens.h"

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/figure/colour.h"
#include "resources/resources.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <QFile>

namespace azimuth {

namespace {

constexpr std::array names{
    TokenName{"window", &Tokens::window},
    TokenName{"base", &Tokens::base},
    TokenName{"alternate", &Tokens::alternate},
    TokenName{"raised", &Tokens::raised},
    TokenName{"text", &Tokens::text},
    TokenName{"ink", &Tokens::ink},
    TokenName{"secondary", &Tokens::secondary},
    TokenName{"placeholder", &Tokens::placeholder},
    TokenName{"disabled", &Tokens::disabled},
    TokenName{"line", &Tokens::line},
    TokenName{"border", &Tokens::border},
    TokenName{"hover", &Tokens::hover},
    TokenName{"pressed", &Tokens::pressed},
    TokenName{"accent", &Tokens::accent},
    TokenName{"accentHover", &Tokens::accentHover},
    TokenName{"accentPressed", &Tokens::accentPressed},
    TokenName{"accentTint", &Tokens::accentTint},
    TokenName{"onAccent", &Tokens::onAccent},
    TokenName{"here", &Tokens::here},
    TokenName{"hereTint", &Tokens::hereTint},
    TokenName{"positive", &Tokens::positive},
    TokenName{"caution", &Tokens::caution},
    TokenName{"cautionTint", &Tokens::cautionTint},
    TokenName{"failure", &Tokens::failure},
    TokenName{"failureTint", &Tokens::failureTint},
    TokenName{"coherent", &Tokens::coherent},
    TokenName{"coherentTint", &Tokens::coherentTint},
    TokenName{"garbled", &Tokens::garbled},
    TokenName{"garbledTint", &Tokens::garbledTint},
    TokenName{"normal", &Tokens::normal},
    TokenName{"normalTint", &Tokens::normalTint},
    TokenName{"notMeasured", &Tokens::notMeasured},
    TokenName{"hatch", &Tokens::hatch},
    TokenName{"hatchBase", &Tokens::hatchBase},
    TokenName{"diffOld", &Tokens::diffOld},
    TokenName{"diffNew", &Tokens::diffNew},
    TokenName{"search", &Tokens::search},
    TokenName{"tooltip", &Tokens::tooltip},
    TokenName{"onTooltip", &Tokens::onTooltip},
};

Tokens fromResource(bool dark) {
    initResources();
    QFile file(QStringLiteral(":/azimuth/tokens.json"));
    if (!file.open(QIODevice::ReadOnly)) {
        throw Error("resource.missing", "tokens.json is not inside the program", "Install Azimuth again.");
    }
    return readTokens(file.readAll(), dark);
}

double linear(double channel) {
    return channel <= 0.04045 ? channel / 12.92 : std::pow((channel + 0.055) / 1.055, 2.4);
}

double luminance(const QColor& colour) {
    return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) +
           0.0722 * linear(colour.blueF());
}

QFont pixelFont(const QString& family, int pixels, QFont::Weight weight) {
    QFont font(family);
    font.setPixelSize(pixels);
    font.setWeight(weight);
    return font;
}

} // namespace

TokenNames tokenNames() { return {names.data(), names.data() + names.size()}; }

int Tokens::px(double n) const { return std::max(1, static_cast<int>(std::lround(n * fontScale))); }

QFont Tokens::sans(double n, QFont::Weight weight) const {
    return pixelFont(QStringLiteral("IBM Plex Sans"), px(n), weight);
}

QFont Tokens::mono(double n, QFont::Weight weight) const {
    return pixelFont(QStringLiteral("IBM Plex Mono"), px(n), weight);
}

Tokens readTokens(const QByteArray& json, bool dark) {
    const std::string_view text(json.constData(), static_cast<std::size_t>(json.size()));
    const Json value = parseJson(text, "tokens.json");
    JsonReader reader(value, "tokens.json");
    Tokens tokens;
    tokens.dark = dark;
    JsonObject& root = reader.root();
    for (const char* theme : {"light", "dark"}) {
        root.object(theme, [&](JsonObject& object) {
            for (const TokenName& token : names) {
                const QColor colour(QString::fromStdString(object.text(token.name)));
                if (!colour.isValid()) {
                    object.fail(token.name, "is not a colour #RRGGBB");
                }
                if (dark == (theme[0] == 'd')) {
                    tokens.*token.member = colour;
                }
            }
        });
    }
    reader.finish();
    return tokens;
}

const Tokens& lightTokens() {
    static const Tokens tokens = fromResource(false);
    return tokens;
}

const Tokens& darkTokens() {
    static const Tokens tokens = fromResource(true);
    return tokens;
}

double contrast(const QColor& one, const QColor& other) {
    const double a = luminance(one);
    const double b = luminance(other);
    return (std::max(a, b) + 0.05) / (std::min(a, b) + 0.05);
}

QColor textOn(const QColor& ground) {
    const auto channel = [](int value) { return static_cast<std::uint8_t>(value); };
    const Rgb text = textColourOn({channel(ground.red()), channel(ground.green()), channel(ground.blue())});
    return QColor(text.red, text.green, text.blue);
}

} // namespace azimuth
