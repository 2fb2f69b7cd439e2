// Source of names, defaults and formulas: transformers' modeling_rope_utils.py.
#include "core/engine/checkpoint/config_reader.h"

#include "core/base/text.h"

#include <algorithm>
#include <cmath>

namespace azimuth {
namespace {

constexpr double largestFactor = 1e6;
constexpr std::int64_t largestContext = std::int64_t{1} << 31;

class RopeReader {
public:
    RopeReader(const ConfigObject& rope, const ConfigObject& config, const RopeDefaults& defaults)
        : m_rope(rope), m_config(config), m_defaults(defaults) {}

    RopeParameters read() {
        readWidth();
        m_values.theta = m_rope.number("rope_theta", 1, 1e12).value_or(m_defaults.theta);
        const auto type = typeName();
        if (type == "linear") {
            m_values.scaling = RopeScaling::Linear;
            m_values.factor = requiredFactor();
        } else if (type == "dynamic") {
            m_values.scaling = RopeScaling::Dynamic;
            m_values.factor = requiredFactor();
            m_values.originalContext = m_defaults.contextLength;
            if (m_values.width <= 2)
                m_config.refuse("dynamic rope needs more than " + std::to_string(m_values.width) +
                                " rotating dimensions.");
        } else if (type == "llama3")
            readLlama3();
        else if (type == "yarn")
            readYarn();
        else if (type == "longrope")
            readLongrope();
        else if (type != "default")
            m_config.unsupported("the rope type \"" + forMessage(type) +
                                 "\" is not supported; supported are default, linear, dynamic, llama3, yarn "
                                 "and longrope.");
        return m_values;
    }

private:
    std::string typeName() const {
        auto type = m_rope.text("rope_type");
        if (!type)
            type = m_rope.text("type");
        if (m_defaults.oldNamesAreLongrope && (type == "su" || type == "yarn"))
            return "longrope";
        return type.value_or("default");
    }

    void readWidth() {
        const auto share =
            m_rope.number("partial_rotary_factor", 0, 1).value_or(m_defaults.partialFactor);
        if (share != 1 && !m_defaults.partialAllowed)
            m_config.unsupported("partial_rotary_factor " + Json(share).dump() +
                                 " is not supported in this family.");
        m_values.width = static_cast<std::int64_t>(static_cast<double>(m_defaults.headWidth) * share);
        if (m_values.width % 2 != 0)
            m_config.refuse("the rotary width is " + std::to_string(m_values.width) + " of " +
                            std::to_string(m_defaults.headWidth) + ", it must be even.");
    }

    double requiredFactor() const {
        if (const auto factor = m_rope.number("factor", 1e-3, largestFactor))
            return *factor;
        m_rope.refuse("factor is missing.");
    }

    void readOriginalContext() {
        m_values.originalContext = m_rope.integer("original_max_position_embeddings", 1, largestContext)
                                       .value_or(m_defaults.contextLength);
        if (m_defaults.originalContext)
            m_values.originalContext = *m_defaults.originalContext;
    }

    double contextRatio() const {
        return static_cast<double>(m_defaults.contextLength) / static_cast<double>(m_values.originalContext);
    }

    void readLlama3() {
        m_values.scaling = RopeScaling::Llama3;
        m_values.factor = requiredFactor();
        readOriginalContext();
        const auto low = m_rope.number("low_freq_factor", 1e-3, largestFactor),
                   high = m_rope.number("high_freq_factor", 1e-3, largestFactor);
        if (!low || !high)
            m_rope.refuse("low_freq_factor or high_freq_factor is missing.");
        if (*high <= *low)
            m_rope.refuse("high_freq_factor is " + Json(*high).dump() +
                          ", it must be greater than low_freq_factor, which is " + Json(*low).dump() + ".");
        m_values.lowFrequencyFactor = *low;
        m_values.highFrequencyFactor = *high;
    }

    void readYarn() {
        m_values.scaling = RopeScaling::Yarn;
        readOriginalContext();
        m_values.factor = m_rope.number("factor", 1e-3, largestFactor).value_or(contextRatio());
        if (m_values.theta <= 1)
            m_rope.refuse("yarn needs rope_theta above 1.");
        const auto nonZero = [&](const char* key, double otherwise) {
            const auto value = m_rope.number(key, 0, largestFactor).value_or(otherwise);
            return value == 0 ? otherwise : value;
        };
        m_values.betaFast = nonZero("beta_fast", 32);
        m_values.betaSlow = nonZero("beta_slow", 1);
        m_values.truncate = m_rope.boolean("truncate").value_or(true);
        const auto scale = [&](double by) {
            return m_values.factor <= 1 ? 1.0 : 0.1 * by * std::log(m_values.factor) + 1.0;
        };
        const auto mscale = m_rope.number("mscale", 0, largestFactor).value_or(0),
                   allDimensions = m_rope.number("mscale_all_dim", 0, largestFactor).value_or(0);
        const auto inferred = mscale != 0 && allDimensions != 0 ? scale(mscale) / scale(allDimensions)
                                                                : scale(1);
        m_values.attentionFactor =
            m_rope.number("attention_factor", 1e-6, largestFactor).value_or(inferred);
    }

    void readLongrope() {
        m_values.scaling = RopeScaling::Longrope;
        readOriginalContext();
        const auto factor = m_rope.number("factor", 1e-3, largestFactor).value_or(contextRatio());
        double inferred = 1;
        if (factor > 1) {
            if (m_values.originalContext < 2)
                m_rope.refuse("original_max_position_embeddings is 1, longrope needs more.");
            inferred = std::sqrt(1 + std::log(factor) /
                                         std::log(static_cast<double>(m_values.originalContext)));
        }
        m_values.attentionFactor =
            m_rope.number("attention_factor", 1e-6, largestFactor).value_or(inferred);
        m_values.divisors = factors("short_factor");
        m_values.longDivisors = factors("long_factor");
    }

    std::vector<double> factors(const char* key) const {
        auto values = m_rope.numbers(key, 1e-3, largestFactor);
        const auto expected = static_cast<std::size_t>(m_values.width / 2);
        if (!values || values->size() != expected)
            m_rope.refuse(std::string(key) + " has " + std::to_string(values ? values->size() : 0) +
                          " numbers, expected are " + std::to_string(expected) + ".");
        for (auto& value : *values) // transformers keeps them as float
            value = static_cast<double>(static_cast<float>(value));
        return *values;
    }

    const ConfigObject& m_rope;
    const ConfigObject& m_config;
    const RopeDefaults& m_defaults;
    RopeParameters m_values;
};

} // namespace

RopeParameters readRope(const std::optional<ConfigObject>& rope, const ConfigObject& config,
                        const RopeDefaults& defaults) {
    static const Json none = Json::object();
    const ConfigObject empty(none, config.origin());
    return RopeReader(rope ? *rope : empty, config, defaults).read();
}

} // namespace azimuth
