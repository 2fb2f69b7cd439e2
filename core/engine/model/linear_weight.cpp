#include "core/engine/model/linear_weight.h"

#include "core/engine/model/cpu_kernels.h"
#include "core/engine/model/operations.h"
#include "core/engine/model/parallel.h"

#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <vector>

namespace azimuth {
namespace {

constexpr std::int64_t panel = cpu::panelOutputs;
// Rows that are multiplied at a time lie in the second-level cache, or in the third where there are fewer
// than these.
constexpr std::int64_t rowBytes = 768 * 1024, fewestRows = 96;
// A piece of work worth a thread of its own, in multiplications.
constexpr std::int64_t grainProducts = 1 << 18;

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
    onType(m_weight, [&]<class T>(T* values) {
        parallelFor(0, panelsOf(m_outputs), 8, [&](std::int64_t first, std::int64_t last) {
            std::vector<T> scratch(static_cast<std::size_t>(panel * m_depth));
            cpu::packPanels(values, m_depth, scratch.data(), first, last);
        });
    });
}

at::Tensor LinearWeight::multiplyPacked(const at::Tensor& given, std::int64_t first,
                                        std::int64_t count) const {
    const at::Tensor x = given.stride(1) == 1 ? given : given.contiguous();
    const std::int64_t rows = x.size(0), firstPanel = first / panel, skipped = first % panel;
    at::Tensor out = at::empty({rows, count + skipped}, x.options());
    cpu::ProductArguments arguments;
    arguments.depth = m_depth;
    arguments.outStride = out.size(1);
    arguments.firstOutput = firstPanel * panel;
    arguments.lastOutput = first + count;
    arguments.bias = m_panelBias.defined() ? m_panelBias.const_data_ptr<float>() : nullptr;
    const std::int64_t block = cpu::blockRows();
    const std::int64_t together =
        std::max(fewestRows, rowBytes / (static_cast<std::int64_t>(sizeof(float)) * m_depth)) / block * block;
    thread_local std::vector<float> packedRows;
    packedRows.resize(static_cast<std::size_t>(std::min(together, rows + block) * m_depth));
    float* const packed = packedRows.data();
    onType(m_weight, [&]<class T>(const T* weight) {
        const T* values = static_cast<const T*>(x.const_data_ptr());
        T* to = static_cast<T*>(out.mutable_data_ptr());
        for (std::int64_t row = 0; row < rows; row += together) {
            arguments.rows = std::min(together, rows - row);
            parallelFor(0, (arguments.rows + block - 1) / block,
                        std::max<std::int64_t>(1, 65536 / (block * m_depth)),
                        [&](std::int64_t from, std::int64_t until) {
                            cpu::packRows(packed, values + row * x.stride(0), x.stride(0), arguments.rows,
                                          m_depth, from, until);
                        });
            parallelFor(firstPanel, panelsOf(first + count),
                        std::max<std::int64_t>(1, grainProducts / (panel * m_depth * arguments.rows)),
                        [&](std::int64_t from, std::int64_t until) {
                            cpu::multiply(to + row * arguments.outStride, packed, weight, arguments, from,
                                          until);
                        });
        }
    });
    return skipped == 0 ? out : out.narrow(1, skipped, count);
}

at::Tensor LinearWeight::multiply(const at::Tensor& x, std::int64_t first, std::int64_t count) const {
    if (count < 0)
        count = m_outputs - first;
    if (m_packed && operations::usesKernels(x))
        return multiplyPacked(x, first, count);
    const at::Tensor weight = plain().narrow(0, first, count);
    return m_bias.defined() ? at::linear(x, weight, m_bias.narrow(0, first, count)) : at::linear(x, weight);
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
                            cpu::unpackRow(to + i * m_depth, weight, index[i], m_depth);
                    });
    });
    return out;
}

at::Tensor LinearWeight::plain() const {
    if (!m_packed)
        return m_weight;
    at::Tensor out = at::empty({m_outputs, m_depth}, m_weight.options());
    onType(out, [&]<class T>(T* to) {
        const T* weight = static_cast<const T*>(m_weight.const_data_ptr());
        parallelFor(0, m_outputs, std::max<std::int64_t>(1, 16384 / m_depth),
                    [&](std::int64_t first, std::int64_t last) {
                        for (auto i = first; i < last; ++i)
                            cpu::unpackRow(to + i * m_depth, weight, i, m_depth);
                    });
    });
    return out;
}

} // namespace azimuth
