// R[k], and what the branches of a block add, of many prompts at wanted tokens, by packed prefill: prompts
// are sorted by length and packed to a token budget, blocks past the largest wanted k do not run, and only
// wanted rows reach the last block that runs. Nothing is padded.
//
// Rows are F32 on the CPU whatever the compute type. Batches, and so the last bits, depend on the set of
// prompts, the ks being asked for and the budget, never on timing. What all prompts begin with (a chat
// template's system text) and none of which is wanted is computed once where that changes no bit
// (Decoder::sharable), and told by `note`. One thread drives it; InferenceMode is on
// inside. Where memory runs out, the batch is computed again in smaller ones; the sink gets nothing twice.
// Errors: memory.exhausted, capture.request (no ids, positions not ascending or out of range, ks out of
// range), capture.site (resid_mid of a model whose branches are parallel), cancelled, those of Decoder.
#pragma once

#include "core/engine/model/decoder.h"
#include "core/study/intervention.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace azimuth {

struct CaptureRequest {
    std::vector<std::int32_t> ids;       // not empty
    std::vector<std::int64_t> positions; // absolute token indices, strictly ascending, not empty
};

// A place inside block k: attn_out and mlp_out as they are added (after a post-norm), resid_mid between the
// two. With R[k] + attn_out + mlp_out = R[k + 1].
struct InsideBlock {
    std::int64_t k = 0;        // 0..L-1
    Site site = Site::AttnOut; // not Resid
    friend auto operator<=>(const InsideBlock&, const InsideBlock&) = default;
};
// rows as of CaptureSink.
using InsideSink =
    std::function<void(std::int64_t request, const InsideBlock& where, const at::Tensor& rows)>;

struct CaptureOptions {
    std::vector<std::int64_t> ks;    // 0..L, strictly ascending; may be empty if `inside` is not
    std::vector<InsideBlock> inside; // strictly ascending
    InsideSink insideSink;           // of capture(); needed if `inside` is not empty
    // Tokens of one batch; a longer prompt is a batch of its own, and up to 32 every prompt; 0: by device.
    std::int64_t tokenBudget = 0;
    std::function<void(const std::string& text)> note; // for the log: what is shared; memory ran out
    bool shareBeginnings = true;
    ResidualHook edit; // applied to R[k] before it is captured; sequence.row is the request's index; may be
                       // empty; then nothing is shared
};

// rows: F32 [positions of this request, d]; valid during the call. Within a request k ascends.
using CaptureSink = std::function<void(std::int64_t request, std::int64_t k, const at::Tensor& rows)>;
// done and total in prompt tokens; returning false stops with Error "cancelled". Called before each block and
// at the end.
using CaptureProgress = std::function<bool(std::int64_t done, std::int64_t total)>;

void capture(const Decoder& decoder, const std::vector<CaptureRequest>& requests,
             const CaptureOptions& options, const CaptureSink& sink, const CaptureProgress& progress = {});

// One tensor per k, then one per place inside a block: F32 [all positions of all requests in order, d]. Error
// capture.memory before anything is allocated if the rows do not fit in `maximumBytes`.
std::vector<at::Tensor> captureRows(const Decoder& decoder, const std::vector<CaptureRequest>& requests,
                                    const CaptureOptions& options, const CaptureProgress& progress = {},
                                    std::uint64_t maximumBytes = std::uint64_t{8} << 30);

// How many tokens all of these begin with; of one, all.
std::int64_t commonBeginning(const std::vector<std::span<const std::int32_t>>& prompts);
// Bytes at most, in F32, that sharing so many first tokens of so many prompts, the longest of `longest`
// tokens, takes: keys and values of all blocks, and of one block a copy for each prompt of a batch, twice.
std::uint64_t sharingBytes(const ArchitectureSpec& spec, std::int64_t common, std::int64_t prompts,
                           std::int64_t longest);

} // namespace azimuth
