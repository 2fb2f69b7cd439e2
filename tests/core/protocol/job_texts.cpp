#include "tests/core/protocol/job_texts.h"

const std::string hexA(64, 'a'), hexB(64, 'b'), hexC(64, 'c');

namespace {
const char* const modelText =
    R"("model":{"reference":{"name":"Small","find":"small.gguf","precision":"fp32"}},
  "rendering":{})";
} // namespace

std::string jobText(const std::string& kind, const std::string& payload) {
    return R"({"azimuth":"job","version":1,"id":"j1","kind":")" + kind + "\"," + modelText +
           R"(,"payload":)" + payload + "}";
}

std::string generatePayload() {
    return R"({"prompts":[{"id":"p","text":"Hello"},{"id":"q","ids":[1,2]},
      {"id":"r","messages":[{"role":"system","content":"s"},{"role":"user","content":"u"}]}],
      "arms":[{"name":"control","interventions":[]},
              {"name":"add","interventions":[{"operation":"add","direction":")" +
           hexC + R"(","strength":2.5,"k_from":3,"k_to":3}]}],
      "rows":[{"key":")" +
           hexA + R"(","prompt":0,"arm":0},{"key":")" + hexB + R"(","prompt":2,"arm":1}],
      "decoding":{"maximum_new_tokens":8},"blobs":{")" +
           hexC + "\":\"" + hexA + R"("},"live":false})";
}

std::string scorePayload() {
    return R"({"prompts":[{"id":"p","text":"Hello"},{"id":"q","ids":[1,2]}],
      "continuations":[{"id":"yes","text":"Yes","first":true},{"id":"given","ids":[4,5]}],
      "arms":[{"name":"control","interventions":[]},
              {"name":"inside","interventions":[{"operation":"affine","direction":")" +
           hexC + R"(","strength":2.5,"k_from":3,"k_to":3,"site":"mlp_out","scope":"generated"}]}],
      "rows":[{"key":")" +
           hexA + R"(","prompt":0,"continuation":0,"arm":0},{"key":")" + hexB +
           R"(","prompt":1,"continuation":1,"arm":1}],"reference":0,"batch":16,"blobs":{")" + hexC + "\":\"" + hexA +
           "\"}}";
}

std::vector<std::string> jobTexts() {
    return {
        jobText("inspect", "{}"), jobText("tokens", R"({"prompts":[{"id":"p","text":"Hello"}]})"),
        jobText("capture", R"({"prompts":[{"id":"p","text":"Hello"}],"positions":"all","sites":["resid"]})"),
        jobText("extract", R"({"key":")" + hexA + R"(","concept":"verse","method":"dim",
                    "positive":[{"id":"p","text":"A"}],"negative":[{"id":"q","text":"B"}]})"),
        jobText("generate", generatePayload()), jobText("score", scorePayload())};
}
