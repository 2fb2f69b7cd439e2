// The JSON reader, the canonical form and the readers of our own files on top.
#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/base/text.h"
#include "core/study/rendering.h"
#include "core/study/study.h"
#include "tests/fuzz/fuzz.h"

using namespace azimuth;
using namespace azimuth::fuzz;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    orRefused([&] {
        const Json value = parseJson(textOf(data, size), "input");
        orRefused([&] {
            const std::string canonical = canonicalJson(value);
            promise(isValidUtf8(canonical), "the canonical form is UTF-8");
            promise(canonicalJson(parseJson(canonical, "canonical")) == canonical,
                    "the canonical form is one");
            promise(canonicalJson(parseJson(prettyJson(value), "pretty")) == canonical,
                    "both forms say the same");
        });
        orRefused([&] { readStudy(value, "input"); });
        orRefused([&] {
            JsonReader reader(value, "input");
            const Rendering rendering = readRendering(reader.root());
            reader.finish();
            JsonReader again(toJson(rendering), "again");
            promise(readRendering(again.root()) == rendering, "a rendering is read as it was written");
            again.finish();
        });
    });
    return 0;
}
