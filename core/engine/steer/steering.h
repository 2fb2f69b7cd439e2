// Interventions as data. At each site (R[k], or attn_out, resid_mid, mlp_out of block k), each row of a batch
// has its own list of edits (direction, alpha, beta, scope):
//
//   h += (alpha + beta <h, r>) r        in F32, rounded once to the compute type
//
// so rows of one batch may differ in direction, k, strength and operation, and a sweep is one batch. Edits of
// one row at one site apply in the order of its arm. A row without an edit there, a token outside the scope,
// and an edit that adds nothing (alpha = beta = 0) leave the bits unchanged. Scope by absolute position p and
// prompt length n: prompt p < n; generated p >= n; last-prompt-token-on p >= n - 1.
//
// Immutable after construction, so safe from several threads. Directions are F32 [d] as given, never
// renormalised.
#pragma once

#include "core/engine/model/decoder.h"
#include "core/study/intervention.h"

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace azimuth {

// digest -> unit direction F32 [d] on the CPU; throws if it is not there.
using DirectionResolver = std::function<at::Tensor(const std::string& digest)>;

struct Edit {
    std::int64_t direction = 0; // row of the table of this site
    float alpha = 0, beta = 0;
    TokenScope scope = TokenScope::All;
};

class Steering {
public:
    Steering() = default; // edits nothing
    // arms: the distinct arms; armOfRow[row] indexes them. Errors: steering.k (a span outside 0..L, inside
    // blocks 0..L-1, both values), steering.site (resid_mid of a model whose branches are parallel),
    // steering.direction (a direction of another width or not finite), steering.strength (not finite), those
    // of the resolver.
    Steering(const std::vector<Arm>& arms, std::vector<std::int64_t> armOfRow,
             const DirectionResolver& resolve, const Decoder& decoder);

    bool empty() const { return m_tables.empty(); }
    // Smallest k at which, or in whose block, an edit may touch a prompt token of the row; L + 1 if none
    // does.
    std::int64_t firstPromptEdit(std::int64_t row) const;
    // Edits rows of the residual in place (out of place where a gradient is wanted); sequence.row names the
    // row.
    void apply(std::int64_t k, at::Tensor& residual, const PackedBatch& batch,
               std::span<const TokenPlace> places) const;
    ResidualHook hook() const; // apply, bound to this object, which must outlive the hook
    // Edits a site inside block k in place, likewise; `places` are those of the rows of `value`.
    void applyInBlock(std::int64_t k, Site site, at::Tensor& value, const PackedBatch& batch,
                      std::span<const TokenPlace> places) const;
    // applyInBlock of block k for BlockOptions::hook, or an empty function if block k has no edit inside.
    // This object, the batch and the places must outlive it.
    BlockHook blockHook(std::int64_t k, const PackedBatch& batch, std::span<const TokenPlace> places) const;

private:
    struct Table {                            // of one site of one k
        at::Tensor directions;                // F32 [n, d] on the device
        std::vector<std::vector<Edit>> edits; // [arm]
        std::size_t longest = 0;              // most edits of one arm
    };
    using Where = std::pair<Site, std::int64_t>; // and k
    const std::vector<Edit>* editsOf(const Table& table, std::int64_t row) const;
    void applyAt(Where where, at::Tensor& value, const PackedBatch& batch,
                 std::span<const TokenPlace> places) const;

    std::map<Where, Table> m_tables;
    std::vector<std::int64_t> m_armOfRow;
    std::vector<std::int64_t> m_firstPromptEdit; // [arm]
};

} // namespace azimuth
