#include "core/study/precision.h"

#include "core/study/names.h"

namespace azimuth {

const std::vector<std::string>& precisionNames() {
    static const std::vector<std::string> names{"fp32", "bf16", "int8-rtn-row", "int4-rtn-g64", "nf4-b64"};
    return names;
}

std::string toString(Precision precision) { return names::of(precisionNames(), precision); }

std::optional<Precision> precisionFromString(std::string_view name) {
    return names::find<Precision>(precisionNames(), name);
}

} // namespace azimuth
