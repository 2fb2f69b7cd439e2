// One linear layer: its matrix [outputs, depth] and, where it has one, its bias [outputs]. On a CPU at F32
// and BF16 it is packed for our kernels in place: then each output of each row is one sum in a fixed order,
// whose bits depend on nothing but the row and the weights, whatever the number of rows or threads. Elsewhere
// it stays as it is and ATen multiplies. Differentiable with respect to x in both layouts (a packed one is
// unpacked for it, which is slow). Immutable; safe from several threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace azimuth {

class LinearWeight {
public:
    LinearWeight() = default;
    // Takes the tensors over. pack: where the device and type allow it. The bias has the weight's type and is
    // added before the result is rounded.
    LinearWeight(at::Tensor weight, bool pack, at::Tensor bias = {});

    bool defined() const { return m_weight.defined(); }
    bool packed() const { return m_packed; }
    std::int64_t outputs() const { return m_outputs; }
    std::int64_t depth() const { return m_depth; }

    // x [rows, depth] -> [rows, count] for outputs [first, first + count); count < 0: all from first on.
    at::Tensor multiply(const at::Tensor& x, std::int64_t first = 0, std::int64_t count = -1) const;
    at::Tensor rows(const at::Tensor& ids) const; // [ids, depth], the weights of these outputs
    at::Tensor plain() const;                     // [outputs, depth]; a copy where packed

private:
    at::Tensor multiplyPacked(const at::Tensor& x, std::int64_t first, std::int64_t count) const;

    at::Tensor m_weight, m_bias;
    at::Tensor m_panelBias; // F32, of whole panels
    std::int64_t m_outputs = 0, m_depth = 0;
    bool m_packed = false;
};

} // namespace azimuth
