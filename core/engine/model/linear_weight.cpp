#include "core/engine/model/linear_weight.h"

#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/huge_pages.h"
#include "core/engine/model/operations.h"
#include "core/engine/model/parallel.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <vector>

namespace azimuth {
namespace {

constexpr std::int64_t panel = cpu::panelOutputs, halfPanel = panel / 2;
// Rows that are multiplied at a time lie in the second-level cache, or in the third where there are fewer
// than these.
constexpr std::int64_t rowBytes = 320 * 1024, fewestRows = 96;
// A piece of work worth a thread of its own, in multiplications.
constexpr std::int64_t grainProducts = 1 << 18;
// Up to as many elements every thread packs for itself: quicker than waiting for each other.
constexpr std::int64_t packedByEach = 32768;

std::int64_t panelsOf(std::int64_t outputs) { return (outputs + panel - 1) / panel; }

template <class Body> void onType(const at::Tensor& tensor, const Body& body) {
    if (tensor.scalar_type() == at::kFloat)
        body(static_cast<float*>(tensor.data_ptr()));
    else
        body(static_cast<cpu::Bfloat16*>(tensor.data_ptr()));
}

bool canPack(const at::Tensor& weight) {
    return weight.is_cpu() && weight.dim() == 2 && weight.size(1) % 2 == 0 &&
           (weight.scalar_type() == at::kFloat || weight.scalar_type() == at::kBFloat16);
}

// Memory that only we see, of whole panels.
at::Tensor ownPanels(at::Tensor weight) {
    const auto padded = panelsOf(weight.size(0)) * panel;
    if (padded != weight.size(0)) {
        at::Tensor larger = at::zeros({padded, weight.size(1)}, weight.options());
        larger.narrow(0, 0, weight.size(0)).copy_(weight);
        return larger;
    }
    const bool alone = weight.is_contiguous() && weight.use_count() == 1 && weight.storage().use_count() == 1;
    return alone ? weight : weight.clone(at::MemoryFormat::Contiguous);
}

// A group of rows of the first, one of the second, and so on; zeros where the last group is not full. Whole
// panels.
at::Tensor interleaved(const at::Tensor& first, const at::Tensor& second) {
    const auto half = first.size(0), group = cpu::gateGroup();
    auto shape = first.sizes().vec();
    shape[0] = (half + halfPanel - 1) / halfPanel * panel;
    at::Tensor all = at::zeros(shape, first.options());
    for (std::int64_t from = 0; from < half; from += group) {
        const auto count = std::min(group, half - from);
        all.narrow(0, 2 * from, count).copy_(first.narrow(0, from, count));
        all.narrow(0, 2 * from + group, count).copy_(second.narrow(0, from, count));
    }
    return all;
}

std::vector<float>& threadRows(std::int64_t size) {
    thread_local std::vector<float> rows;
    rows.resize(static_cast<std::size_t>(size));
    return rows;
}

} // namespace

LinearWeight::LinearWeight(at::Tensor weight, bool pack, at::Tensor bias)
    : m_bias(std::move(bias)), m_outputs(weight.size(0)), m_depth(weight.size(1)),
      m_packed(pack && canPack(weight)) {
    if (!m_packed) {
        m_weight = std::move(weight);
        return;
    }
    if (m_bias.defined()) {
        m_panelBias = at::zeros({panelsOf(m_outputs) * panel}, at::kFloat);
        m_panelBias.narrow(0, 0, m_outputs).copy_(m_bias);
    }
    m_weight = ownPanels(std::move(weight));
    packPanels();
}

LinearWeight LinearWeight::gated(const at::Tensor& gate, const at::Tensor& up, bool pack,
                                 const at::Tensor& gateBias, const at::Tensor& upBias) {
    LinearWeight result;
    result.m_outputs = 2 * gate.size(0);
    result.m_depth = gate.size(1);
    result.m_gated = true;
    result.m_packed = pack && canPack(gate);
    if (gateBias.defined()) {
        result.m_bias = at::cat({gateBias, upBias});
        if (result.m_packed)
            result.m_panelBias = interleaved(gateBias, upBias).to(at::kFloat);
    }
    result.m_weight = result.m_packed ? interleaved(gate, up) : at::cat({gate, up});
    if (result.m_packed)
        result.packPanels();
    return result;
}

void LinearWeight::packPanels() {
    onType(m_weight, [&]<class T>(T* values) {
        parallelFor(0, m_weight.size(0) / panel, 8, [&](std::int64_t first, std::int64_t last) {
            std::vector<T> scratch(static_cast<std::size_t>(panel * m_depth));
            cpu::packPanels(values, m_depth, scratch.data(), first, last);
        });
    });
    preferHugePages(m_weight);
}

bool LinearWeight::fuses(const at::Tensor& x) const { return m_packed && operations::usesKernels(x); }

void LinearWeight::multiplyPacked(const at::Tensor& out, const ProductInput& input,
                                  cpu::ProductArguments& arguments) const {
    const at::Tensor x = input.rows.stride(1) == 1 ? input.rows : input.rows.contiguous();
    const std::int64_t rows = x.size(0), block = cpu::blockRows();
    const std::int64_t perPanel = arguments.after == cpu::After::Gate ? halfPanel : panel;
    const std::int64_t firstPanel = arguments.firstOutput / perPanel,
                       lastPanel = (arguments.lastOutput + perPanel - 1) / perPanel;
    cpu::RowArguments packing;
    packing.depth = arguments.depth = m_depth;
    packing.stride = x.stride(0);
    packing.normWeight = input.normWeight.defined() ? input.normWeight.const_data_ptr<float>() : nullptr;
    packing.epsilon = input.epsilon;
    packing.castThenScale = input.castThenScale;
    arguments.outStride = out.stride(0);
    arguments.bias = m_panelBias.defined() ? m_panelBias.const_data_ptr<float>() : nullptr;
    const std::int64_t together =
        std::max(fewestRows, rowBytes / (static_cast<std::int64_t>(sizeof(float)) * m_depth)) / block * block;
    onType(m_weight, [&]<class T>(const T* weight) {
        const T* from = static_cast<const T*>(x.const_data_ptr());
        T* to = static_cast<T*>(out.mutable_data_ptr());
        for (std::int64_t row = 0; row < rows; row += together) {
            packing.rows = arguments.rows = std::min(together, rows - row);
            const T* here = from + row * x.stride(0);
            const std::int64_t blocks = (packing.rows + block - 1) / block;
            const bool byEach = packing.rows * m_depth <= packedByEach;
            float* const shared = byEach ? nullptr : threadRows(blocks * block * m_depth).data();
            if (!byEach)
                parallelFor(0, blocks, std::max<std::int64_t>(1, 65536 / (block * m_depth)),
                            [&](std::int64_t first, std::int64_t last) {
                                cpu::packRows(shared, here, packing, first, last);
                            });
            parallelFor(firstPanel, lastPanel,
                        std::max<std::int64_t>(1, grainProducts / (panel * m_depth * arguments.rows)),
                        [&](std::int64_t first, std::int64_t last) {
                            float* packed = shared;
                            if (byEach) {
                                packed = threadRows(blocks * block * m_depth).data();
                                cpu::packRows(packed, here, packing, 0, blocks);
                            }
                            cpu::multiply(to + row * arguments.outStride, packed, weight, arguments, first,
                                          last);
                        });
        }
    });
}

at::Tensor LinearWeight::multiply(const ProductInput& x, std::int64_t first, std::int64_t count) const {
    if (count < 0)
        count = m_outputs - first;
    if (!fuses(x.rows)) {
        const at::Tensor weight = plain().narrow(0, first, count);
        return m_bias.defined() ? at::linear(x.rows, weight, m_bias.narrow(0, first, count))
                                : at::linear(x.rows, weight);
    }
    const std::int64_t skipped = first % panel;
    const at::Tensor out = at::empty({x.rows.size(0), count + skipped}, x.rows.options());
    cpu::ProductArguments arguments;
    arguments.firstOutput = first - skipped;
    arguments.lastOutput = first + count;
    multiplyPacked(out, x, arguments);
    return skipped == 0 ? out : out.narrow(1, skipped, count);
}

void LinearWeight::multiplyOnto(const at::Tensor& to, const at::Tensor& x) const {
    cpu::ProductArguments arguments;
    arguments.lastOutput = m_outputs;
    arguments.after = cpu::After::Add;
    multiplyPacked(to, {x, {}, 0, false}, arguments);
}

at::Tensor LinearWeight::multiplyGated(const ProductInput& x, Activation activation) const {
    const std::int64_t half = m_outputs / 2;
    if (!fuses(x.rows)) {
        const at::Tensor inner = multiply(x);
        return operations::activate(inner.narrow(1, 0, half), activation) * inner.narrow(1, half, half);
    }
    const at::Tensor out = at::empty({x.rows.size(0), half}, x.rows.options());
    cpu::ProductArguments arguments;
    arguments.lastOutput = half;
    arguments.after = cpu::After::Gate;
    arguments.activation = operations::kernelOf(activation, false);
    multiplyPacked(out, x, arguments);
    return out;
}

std::int64_t LinearWeight::packedRow(std::int64_t output) const {
    if (!m_gated)
        return output;
    const auto half = m_outputs / 2, of = output % half, group = cpu::gateGroup();
    return of / group * 2 * group + of % group + (output < half ? 0 : group);
}

at::Tensor LinearWeight::rows(const at::Tensor& ids) const {
    if (!m_packed)
        return at::embedding(m_weight, ids);
    const std::int64_t count = ids.size(0);
    const auto* index = ids.const_data_ptr<std::int64_t>();
    at::Tensor out = at::empty({count, m_depth}, m_weight.options());
    onType(out, [&]<class T>(T* to) {
        const T* weight = static_cast<const T*>(m_weight.const_data_ptr());
        parallelFor(0, count, std::max<std::int64_t>(1, 16384 / m_depth),
                    [&](std::int64_t first, std::int64_t last) {
                        for (auto i = first; i < last; ++i)
                            cpu::unpackRow(to + i * m_depth, weight, packedRow(index[i]), m_depth);
                    });
    });
    return out;
}

at::Tensor LinearWeight::plain() const {
    return m_packed ? rows(at::arange(m_outputs, at::kLong)) : m_weight;
}

} // namespace azimuth
