// tokens: what a model reads of each prompt; the weights are not loaded.
#include "core/base/atomic_file.h"
#include "core/engine/jobs/job.h"

namespace azimuth {

event::Done runTokens(Job& job) {
    const auto& prompts = std::get<TokensJob>(job.spec().payload).prompts;
    const auto rendered = job.render(prompts);
    std::string lines;
    for (std::size_t i = 0; i < prompts.size(); ++i) {
        const Json line{{"id", prompts[i].id},
                        {"text", rendered[i].text ? Json(*rendered[i].text) : Json(nullptr)},
                        {"ids", rendered[i].ids},
                        {"post_instruction", rendered[i].postInstruction}};
        lines += canonicalJson(line) + "\n";
    }
    writeFileAtomically(job.submission().out, lines);
    return doneFile(job);
}

} // namespace azimuth
