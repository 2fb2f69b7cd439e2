// A dense array by value: row-major, last axis fastest. The buffer is shared and never changes once inside,
// so a copy is two words and may cross threads.
#pragma once

#include "core/base/error.h"

#include <cstdint>
#include <memory>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace azimuth {

template <class T> class Array {
public:
    Array() : m_values(std::make_shared<const std::vector<T>>()) {}

    // Error array.shape if the product of shape is not values.size().
    Array(std::vector<std::int64_t> shape, std::vector<T> values)
        : m_shape(std::move(shape)), m_values(std::make_shared<const std::vector<T>>(std::move(values))) {
        std::int64_t product = 1;
        for (const auto extent : m_shape)
            if (extent < 0 || __builtin_mul_overflow(product, extent, &product))
                throw Error("array.shape", "An array extent is negative or too large.", "");
        if (m_shape.empty())
            product = 0;
        if (product != static_cast<std::int64_t>(m_values->size()))
            throw Error("array.shape",
                        "The shape holds " + std::to_string(product) + " values, given are " +
                            std::to_string(m_values->size()) + ".",
                        "");
    }

    const std::vector<std::int64_t>& shape() const { return m_shape; }
    std::int64_t extent(std::size_t axis) const { return m_shape.at(axis); }
    std::size_t size() const { return m_values->size(); }
    bool empty() const { return m_values->empty(); }
    const T* data() const { return m_values->data(); }
    const std::vector<T>& values() const { return *m_values; }
    std::shared_ptr<const std::vector<T>> shared() const { return m_values; }

    // One index per axis. Error array.index if there are more or fewer, or one is outside its axis.
    template <class... I> const T& at(I... index) const {
        const std::int64_t indices[] = {static_cast<std::int64_t>(index)...};
        std::int64_t flat = 0;
        bool inside = sizeof...(I) == m_shape.size();
        for (std::size_t axis = 0; inside && axis < sizeof...(I); ++axis) {
            inside = indices[axis] >= 0 && indices[axis] < m_shape[axis];
            flat = flat * m_shape[axis] + indices[axis];
        }
        if (!inside)
            throw Error("array.index",
                        "An array of " + std::to_string(m_shape.size()) + " axes was read outside its shape.",
                        "");
        return (*m_values)[static_cast<std::size_t>(flat)];
    }

private:
    std::vector<std::int64_t> m_shape;
    std::shared_ptr<const std::vector<T>> m_values;
};

using ArrayF = Array<float>;
using ArrayD = Array<double>;

} // namespace azimuth
