// capture: R[k], or what the branches of blocks add, of every prompt as safetensors (PROTOCOL.md section 7).
#include "core/base/time.h"
#include "core/container/safetensors.h"
#include "core/engine/capture/capture.h"
#include "core/engine/jobs/job.h"

#include <algorithm>
#include <span>

namespace azimuth {
namespace {

bool wants(const CaptureJob& capture, Site site) {
    return std::ranges::find(capture.sites, toString(site)) != capture.sites.end();
}

std::string definitionOf(const CaptureJob& capture) {
    std::string text;
    const auto add = [&](Site site, const char* definition) {
        if (wants(capture, site))
            text += (text.empty() ? "" : "; ") + std::string(definition);
    };
    add(Site::Resid, "resid: R[k], the residual stream entering block k; R[L] leaves the last block, before "
                     "the final norm");
    add(Site::ResidMid, "resid_mid: R[k] + attn_out, between the branches of block k");
    add(Site::AttnOut, "attn_out: what the attention of block k adds, after a post-norm");
    add(Site::MlpOut, "mlp_out: what the MLP of block k adds, after a post-norm");
    return text;
}

// Of the set that the prompts make, in order; empty unless all of them are texts.
std::string promptsDigest(const CaptureJob& capture) {
    PromptSet set;
    for (const auto& prompt : capture.prompts) {
        const auto* text = std::get_if<std::string>(&prompt.content);
        if (!text)
            return {};
        set.prompts.push_back(Prompt::of(*text));
    }
    return set.digest();
}

std::map<std::string, std::string> metadataOf(Job& job, const CaptureJob& capture) {
    const auto& model = job.model().description();
    const auto& rendering = job.spec().rendering;
    const Json render{{"template_applied", model.hasTemplate && !rendering.plain},
                      {"add_generation_prompt", true},
                      {"rendering", toJson(rendering)}};
    return {{"format", "azimuth_capture"},
            {"format_version", "1"},
            {"model.id", model.fileName},
            {"model.identity", model.identity},
            {"model.weights_sha256", canonicalJson(Json(model.weightsSha256))},
            {"model.config_sha256", model.configSha256},
            {"model.n_layers", std::to_string(model.blocks)},
            {"model.d", std::to_string(model.width)},
            {"tokenizer.sha256", model.tokenizerSha256},
            {"template.sha256", model.templateSha256},
            {"prompts.digest", promptsDigest(capture)},
            {"render", canonicalJson(render)},
            {"dtype.weights", model.storage},
            {"dtype.compute", toString(model.compute)},
            {"dtype.stored", "fp32"},
            {"device", job.submission().device},
            {"layer.kind", "residual_index"},
            {"layer.base", "0"},
            {"site.definition", definitionOf(capture)},
            {"position.rule", capture.allPositions ? "all" : "last"},
            {"padding_side", "none"},
            {"reduction", "none"},
            {"normalised", "false"},
            {"tool", "azimuth"},
            {"environment", environmentJson(job.submission().device)},
            {"created", utcNow()}};
}

std::vector<CaptureRequest> requestsOf(const std::vector<RenderedPrompt>& rendered, bool allPositions) {
    std::vector<CaptureRequest> requests;
    for (const auto& prompt : rendered) {
        CaptureRequest request{prompt.ids, {}};
        const auto length = static_cast<std::int64_t>(prompt.ids.size());
        for (std::int64_t at = allPositions ? 0 : length - 1; at < length; ++at)
            request.positions.push_back(at);
        requests.push_back(std::move(request));
    }
    return requests;
}

MemoryPlan planOf(const ArchitectureSpec& spec, const std::vector<CaptureRequest>& requests,
                  std::size_t sites) {
    std::vector<std::span<const std::int32_t>> beforeWanted;
    for (const auto& request : requests)
        beforeWanted.push_back(
            std::span(request.ids).first(static_cast<std::size_t>(request.positions.front())));
    return {
        static_cast<std::int64_t>(requests.size()), "prompts in one capture",
        [&requests, &spec, sites, common = commonBeginning(beforeWanted),
         bytesOfRow = static_cast<std::uint64_t>(spec.width * (spec.blocks + 1)) * 4](std::int64_t count) {
            MemoryShape shape;
            std::int64_t tokens = 0;
            for (const auto& request : std::span(requests).first(static_cast<std::size_t>(count))) {
                const auto length = static_cast<std::int64_t>(request.ids.size());
                shape.positions = std::max(shape.positions, length);
                tokens += length;
                shape.results += request.positions.size() * sites * bytesOfRow;
            }
            shape.tokens = std::max(shape.positions, std::min<std::int64_t>(1024, tokens));
            shape.shared = sharingBytes(spec, common, count, shape.positions);
            return shape;
        }};
}

} // namespace

event::Done runCapture(Job& job) {
    const auto& capture = std::get<CaptureJob>(job.spec().payload);
    const auto rendered = job.render(capture.prompts);
    const auto requests = requestsOf(rendered, capture.allPositions);
    const auto& decoder = job.decoder(
        planOf(architectureOf(job.model().checkpoint().hyperparameters()), requests, capture.sites.size()));
    CaptureOptions options;
    options.note = [&](const std::string& text) { job.log(text); };
    std::vector<std::string> names; // of the tensors, in the order of captureRows
    for (std::int64_t k = 0; k <= decoder.spec().blocks && wants(capture, Site::Resid); ++k) {
        options.ks.push_back(k);
        names.push_back("acts/resid/" + std::to_string(k));
    }
    for (std::int64_t k = 0; k < decoder.spec().blocks; ++k)
        for (const auto site : {Site::ResidMid, Site::AttnOut, Site::MlpOut})
            if (wants(capture, site)) {
                options.inside.push_back({k, site});
                names.push_back("acts/" + toString(site) + "/" + std::to_string(k));
            }
    const auto rows = captureRows(decoder, requests, options, [&](std::int64_t done, std::int64_t total) {
        return job.progress(static_cast<double>(done), static_cast<double>(total), "tokens",
                            "reading prompts");
    });

    std::vector<std::int32_t> ids;
    std::vector<std::int64_t> offsets{0};
    for (const auto& prompt : rendered) {
        ids.insert(ids.end(), prompt.ids.begin(), prompt.ids.end());
        offsets.push_back(static_cast<std::int64_t>(ids.size()));
    }
    std::vector<SafetensorsDeclaration> declarations{
        {"tokens/ids", DType::I32, {static_cast<std::int64_t>(ids.size())}},
        {"tokens/offsets", DType::I64, {static_cast<std::int64_t>(offsets.size())}}};
    for (std::size_t i = 0; i < rows.size(); ++i)
        declarations.push_back({names[i], DType::F32, rows[i].sizes().vec()});
    SafetensorsWriter writer(job.submission().out, declarations, metadataOf(job, capture));
    writer.append("tokens/ids", std::span<const std::int32_t>(ids));
    writer.append("tokens/offsets", std::span<const std::int64_t>(offsets));
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const auto values = rows[i].contiguous();
        writer.append(names[i], std::span<const float>(values.const_data_ptr<float>(),
                                                       static_cast<std::size_t>(values.numel())));
    }
    writer.finish();
    return doneFile(job);
}

} // namespace azimuth
