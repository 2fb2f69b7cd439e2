// One linear layer: its matrix [outputs, depth] and, where it has one, its bias [outputs]. On a CPU at F32
// and BF16 it is packed for our kernels in place: then each output of each row is one sum in a fixed order,
// whose bits depend on nothing but the row and the weights, whatever the number of rows or threads. Elsewhere
// it stays as it is and ATen multiplies. Differentiable with respect to x in both layouts (a packed one is
// unpacked for it, which is slow). Immutable; safe from several threads.
#pragma once

#include "core/engine/model/architecture_spec.h"

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace azimuth {

namespace cpu {
struct ProductArguments;
}

// Rows that go into a product, and the RMS norm that each passes first where the weight fuses them.
struct ProductInput {
    at::Tensor rows;       // [rows, depth]
    at::Tensor normWeight; // F32 [depth]; undefined: no norm
    float epsilon = 0;
    bool castThenScale = false; // see NormRounding
};

class LinearWeight {
public:
    LinearWeight() = default;
    // Takes the tensors over. pack: where the device and type allow it. The bias has the weight's type and is
    // added before the result is rounded.
    LinearWeight(at::Tensor weight, bool pack, at::Tensor bias = {});
    // Gates [half, depth] and the outputs that pass them, likewise; the matrix is gates, then outputs.
    // Biases: both or none.
    static LinearWeight gated(const at::Tensor& gate, const at::Tensor& up, bool pack,
                              const at::Tensor& gateBias = {}, const at::Tensor& upBias = {});

    bool defined() const { return m_weight.defined(); }
    bool packed() const { return m_packed; }
    std::int64_t outputs() const { return m_outputs; }
    std::int64_t depth() const { return m_depth; }
    // Whether a product of x runs on our kernels, which norm their input and add to what is there in one go.
    bool fuses(const at::Tensor& x) const;

    // x [rows, depth] -> [rows, count] for outputs [first, first + count); count < 0: all from first on. Not
    // for gated weights. A norm in the input only where the weight fuses it.
    at::Tensor multiply(const ProductInput& x, std::int64_t first = 0, std::int64_t count = -1) const;
    at::Tensor multiply(const at::Tensor& x, std::int64_t first = 0, std::int64_t count = -1) const {
        return multiply(ProductInput{x, {}, 0, false}, first, count);
    }
    // to += x times the matrix, in place; bits as if the product had been stored and then added. Where it
    // fuses.
    void multiplyOnto(const at::Tensor& to, const at::Tensor& x) const;
    // Of gated weights: activation(x times the gates) * (x times the outputs), [rows, outputs / 2].
    at::Tensor multiplyGated(const ProductInput& x, Activation activation) const;
    at::Tensor rows(const at::Tensor& ids) const; // [ids, depth], the weights of these outputs
    at::Tensor plain() const;                     // [outputs, depth]; a copy where packed

private:
    void packPanels();
    void multiplyPacked(const at::Tensor& out, const ProductInput& x, cpu::ProductArguments& arguments) const;
    std::int64_t packedRow(std::int64_t output) const; // the row of the packed matrix that holds it

    at::Tensor m_weight, m_bias;
    at::Tensor m_panelBias; // F32, of whole panels
    std::int64_t m_outputs = 0, m_depth = 0;
    bool m_packed = false, m_gated = false;
};

} // namespace azimuth
