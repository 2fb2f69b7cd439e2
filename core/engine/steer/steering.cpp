#include "core/engine/steer/steering.h"

#include "core/base/error.h"
#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/operations.h"
#include "core/engine/model/parallel.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace azimuth {
namespace {

bool inScope(TokenScope scope, std::int64_t position, std::int64_t promptLength) {
    switch (scope) {
    case TokenScope::All:
        return true;
    case TokenScope::Prompt:
        return position < promptLength;
    case TokenScope::Generated:
        return position >= promptLength;
    case TokenScope::LastPromptTokenOn:
        return position >= promptLength - 1;
    }
    return false;
}

Edit editOf(const Intervention& intervention, std::int64_t direction) {
    Edit edit;
    edit.direction = direction;
    edit.scope = intervention.scope;
    edit.alpha =
        intervention.operation == Operation::Ablate ? 0.0f : static_cast<float>(intervention.strength);
    edit.beta = intervention.operation == Operation::Add ? 0.0f : -1.0f;
    return edit;
}

void checkIntervention(const Intervention& intervention, const std::string& arm,
                       const ArchitectureSpec& spec) {
    const bool inside = intervention.site != Site::Resid;
    const std::int64_t last = inside ? spec.blocks - 1 : spec.blocks;
    if (intervention.kFrom < 0 || intervention.kTo > last || intervention.kFrom > intervention.kTo) {
        const auto at = [&](std::int64_t k) {
            return (inside ? toString(intervention.site) : std::string("R")) + "[" + std::to_string(k) + "]";
        };
        throw Error("steering.k",
                    "Arm " + arm + " edits " + at(intervention.kFrom) + " to " + at(intervention.kTo) +
                        "; this model has " + at(0) + " to " + at(last) + ".",
                    "Choose k within the model's range.");
    }
    if (intervention.site == Site::ResidMid && spec.parallelBranches)
        throw Error("steering.site",
                    "Arm " + arm +
                        " edits resid_mid, which this model does not have: attention and MLP of a block "
                        "both read R[k].",
                    "Edit resid, attn_out or mlp_out instead.");
    if (!std::isfinite(static_cast<float>(intervention.strength)))
        throw Error("steering.strength",
                    "Arm " + arm + " has the strength " + std::to_string(intervention.strength) +
                        ", which is not finite in single precision.",
                    "Choose a smaller strength.");
}

// One unit of work: a row of the residual and the edit it receives.
struct Task {
    std::int64_t row;
    Edit edit;
};

void applyOnCpu(at::Tensor& residual, const at::Tensor& directions, const std::vector<Task>& tasks) {
    const std::int64_t width = residual.size(1);
    const auto run = [&](auto* h) {
        const float* table = directions.const_data_ptr<float>();
        parallelFor(0, static_cast<std::int64_t>(tasks.size()), std::max<std::int64_t>(1, 16384 / width),
                    [&](std::int64_t first, std::int64_t last) {
                        for (auto i = first; i < last; ++i) {
                            const auto& task = tasks[static_cast<std::size_t>(i)];
                            cpu::steer(h + task.row * width, table + task.edit.direction * width, width,
                                       task.edit.alpha, task.edit.beta);
                        }
                    });
    };
    if (residual.scalar_type() == at::kFloat)
        run(residual.mutable_data_ptr<float>());
    else
        run(static_cast<cpu::Bfloat16*>(residual.mutable_data_ptr()));
}

void applyByOperations(at::Tensor& residual, const at::Tensor& directions, const std::vector<Task>& tasks) {
    std::vector<std::int64_t> rows, indices;
    std::vector<float> alphas, betas;
    for (const auto& task : tasks) {
        rows.push_back(task.row);
        indices.push_back(task.edit.direction);
        alphas.push_back(task.edit.alpha);
        betas.push_back(task.edit.beta);
    }
    const auto device = residual.device();
    const at::Tensor row = at::tensor(rows, at::TensorOptions().dtype(at::kLong)).to(device);
    const at::Tensor r =
        directions.index_select(0, at::tensor(indices, at::TensorOptions().dtype(at::kLong)).to(device));
    const at::Tensor alpha =
        at::tensor(alphas, at::TensorOptions().dtype(at::kFloat)).to(device).unsqueeze(1);
    const at::Tensor beta = at::tensor(betas, at::TensorOptions().dtype(at::kFloat)).to(device).unsqueeze(1);
    const at::Tensor h = residual.index_select(0, row).to(at::kFloat);
    const at::Tensor edited = (h + (alpha + beta * (h * r).sum(1, true)) * r).to(residual.scalar_type());
    residual = at::GradMode::is_enabled() ? residual.index_copy(0, row, edited)
                                          : residual.index_copy_(0, row, edited);
}

} // namespace

Steering::Steering(const std::vector<Arm>& arms, std::vector<std::int64_t> armOfRow,
                   const DirectionResolver& resolve, const Decoder& decoder)
    : m_armOfRow(std::move(armOfRow)) {
    const auto& spec = decoder.spec();
    for (const auto arm : m_armOfRow)
        if (arm < 0 || arm >= static_cast<std::int64_t>(arms.size()))
            throw Error("steering.arm",
                        "A row names arm " + std::to_string(arm) + " of " + std::to_string(arms.size()) + ".",
                        "");
    std::map<std::string, at::Tensor> resolved;
    std::map<Where, std::vector<std::string>> used; // per site, the digests of its table in order
    m_firstPromptEdit.assign(arms.size(), spec.blocks + 1);
    for (std::size_t arm = 0; arm < arms.size(); ++arm)
        for (const auto& intervention : arms[arm].interventions) {
            checkIntervention(intervention, arms[arm].name, spec);
            Edit edit = editOf(intervention, 0);
            if (edit.alpha == 0 && edit.beta == 0)
                continue;
            if (!resolved.contains(intervention.direction)) {
                const at::Tensor direction =
                    resolve(intervention.direction).to(at::kCPU, at::kFloat).contiguous();
                if (direction.dim() != 1 || direction.size(0) != spec.width)
                    throw Error("steering.direction",
                                "Direction " + intervention.direction.substr(0, 12) + " has " +
                                    std::to_string(direction.numel()) + " values; the model's width is " +
                                    std::to_string(spec.width) + ".",
                                "A raw direction steers only models of its own width.");
                if (!direction.isfinite().all().item<bool>())
                    throw Error("steering.direction",
                                "Direction " + intervention.direction.substr(0, 12) +
                                    " has values that are not finite.",
                                "Extract it again.");
                resolved.emplace(intervention.direction, direction);
            }
            if (intervention.scope != TokenScope::Generated)
                m_firstPromptEdit[arm] = std::min(m_firstPromptEdit[arm], intervention.kFrom);
            for (auto k = intervention.kFrom; k <= intervention.kTo; ++k) {
                const Where where{intervention.site, k};
                auto& digests = used[where];
                const auto found = std::find(digests.begin(), digests.end(), intervention.direction);
                edit.direction = found - digests.begin();
                if (found == digests.end())
                    digests.push_back(intervention.direction);
                auto& table = m_tables[where];
                table.edits.resize(arms.size());
                table.edits[arm].push_back(edit);
                table.longest = std::max(table.longest, table.edits[arm].size());
            }
        }
    for (auto& [where, table] : m_tables) {
        std::vector<at::Tensor> rows;
        for (const auto& digest : used[where])
            rows.push_back(resolved.at(digest));
        table.directions = at::stack(rows).to(decoder.device());
    }
}

std::int64_t Steering::firstPromptEdit(std::int64_t row) const {
    if (row < 0 || m_tables.empty())
        return std::numeric_limits<std::int64_t>::max();
    return m_firstPromptEdit.at(static_cast<std::size_t>(m_armOfRow.at(static_cast<std::size_t>(row))));
}

const std::vector<Edit>* Steering::editsOf(const Table& table, std::int64_t row) const {
    if (row < 0)
        return nullptr;
    return &table.edits[static_cast<std::size_t>(m_armOfRow.at(static_cast<std::size_t>(row)))];
}

void Steering::applyAt(Where where, at::Tensor& value, const PackedBatch& batch,
                       std::span<const TokenPlace> places) const {
    const auto found = m_tables.find(where);
    if (found == m_tables.end())
        return;
    const auto& table = found->second;
    std::vector<Task> tasks;
    // The n-th edit of every row in one go: edits of one row depend on each other, rows do not.
    for (std::size_t n = 0; n < table.longest; ++n) {
        tasks.clear();
        for (std::size_t i = 0; i < places.size(); ++i) {
            const auto& sequence = batch.sequences()[static_cast<std::size_t>(places[i].sequence)];
            const auto* edits = editsOf(table, sequence.row);
            if (edits && n < edits->size() &&
                inScope((*edits)[n].scope, places[i].position, sequence.promptLength))
                tasks.push_back({static_cast<std::int64_t>(i), (*edits)[n]});
        }
        if (tasks.empty())
            continue;
        if (operations::usesKernels(value) && value.is_contiguous())
            applyOnCpu(value, table.directions, tasks);
        else
            applyByOperations(value, table.directions, tasks);
    }
}

void Steering::apply(std::int64_t k, at::Tensor& residual, const PackedBatch& batch,
                     std::span<const TokenPlace> places) const {
    applyAt({Site::Resid, k}, residual, batch, places);
}

void Steering::applyInBlock(std::int64_t k, Site site, at::Tensor& value, const PackedBatch& batch,
                            std::span<const TokenPlace> places) const {
    applyAt({site, k}, value, batch, places);
}

BlockHook Steering::blockHook(std::int64_t k, const PackedBatch& batch,
                              std::span<const TokenPlace> places) const {
    const auto inside = [&](Site site) { return m_tables.contains({site, k}); };
    if (!inside(Site::AttnOut) && !inside(Site::ResidMid) && !inside(Site::MlpOut))
        return {};
    return [this, k, &batch, places](Site site, at::Tensor& value) {
        applyInBlock(k, site, value, batch, places);
    };
}

ResidualHook Steering::hook() const {
    return [this](std::int64_t k, at::Tensor& residual, const PackedBatch& batch,
                  std::span<const TokenPlace> places) { apply(k, residual, batch, places); };
}

} // namespace azimuth
