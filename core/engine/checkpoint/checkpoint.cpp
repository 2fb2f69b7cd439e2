#include "core/engine/checkpoint/checkpoint.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/engine/checkpoint/dequantise.h"
#include "core/engine/checkpoint/hyperparameters_reader.h"
#include "core/engine/checkpoint/memory.h"
#include "core/engine/checkpoint/tokenizer_source_reader.h"

#include <algorithm>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/Parallel.h>
#include <atomic>
#include <c10/core/InferenceMode.h>
#include <exception>
#include <mutex>
#include <set>
#include <thread>

namespace azimuth {
namespace {

std::string shapeText(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (const auto extent : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
    return text + "]";
}

std::uint64_t bytesOf(const GgufTensor& tensor, at::ScalarType type) {
    return tensor.elements * c10::elementSize(type);
}

void checkType(at::ScalarType type) {
    if (type != at::kFloat && type != at::kBFloat16)
        throw Error("checkpoint.precision",
                    std::string("Weights cannot be loaded as ") + c10::toString(type) + ".",
                    "Choose fp32 or bf16.");
}

// Rows of one tensor from blocks to values. Pieces may run on several threads; each writes its own rows.
class RowReader {
public:
    RowReader(const TensorPlan& plan, const GgufTensor& tensor, std::span<const std::byte> data)
        : m_plan(plan), m_tensor(tensor), m_data(data),
          m_rows(plan.shape.size() > 1 ? plan.shape.front() : 1), m_columns(plan.shape.back()),
          m_rowBytes(data.size() / static_cast<std::size_t>(m_rows)) {}

    std::int64_t rows() const { return m_rows; }
    std::int64_t columns() const { return m_columns; }

    // Rows first .. last - 1 into values; false if one is not finite.
    bool read(std::int64_t first, std::int64_t last, std::span<float> values) const {
        if (m_plan.interleavedHeads == 0)
            dequantise(m_tensor.type, bytes(first, last), values);
        else
            for (auto row = first; row < last; ++row) {
                const auto stored = storedRow(row);
                dequantise(m_tensor.type, bytes(stored, stored + 1),
                           values.subspan(static_cast<std::size_t>((row - first) * m_columns),
                                          static_cast<std::size_t>(m_columns)));
            }
        if (m_plan.offset != 0)
            addToAll(values, m_plan.offset);
        return allFinite(values);
    }

private:
    std::span<const std::byte> bytes(std::int64_t first, std::int64_t last) const {
        return m_data.subspan(static_cast<std::size_t>(first) * m_rowBytes,
                              static_cast<std::size_t>(last - first) * m_rowBytes);
    }

    std::int64_t storedRow(std::int64_t row) const {
        const auto width = m_rows / m_plan.interleavedHeads;
        const auto head = row / width, inside = row % width;
        return head * width + 2 * (inside % (width / 2)) + inside / (width / 2);
    }

    const TensorPlan& m_plan;
    const GgufTensor& m_tensor;
    std::span<const std::byte> m_data;
    std::int64_t m_rows, m_columns;
    std::size_t m_rowBytes;
};

// Calls work(first, last) for pieces of 0 .. rows - 1, on as many threads as torch uses. (at::parallel_for
// needs the caller compiled with OpenMP, which would bring a second OpenMP runtime into the process.)
// Rethrows what one threw.
template <class Work> void inPieces(std::int64_t rows, std::int64_t rowsPerPiece, const Work& work) {
    const auto pieces = (rows + rowsPerPiece - 1) / rowsPerPiece;
    std::atomic<std::int64_t> next{0};
    std::mutex mutex;
    std::exception_ptr failure;
    const auto run = [&] {
        try {
            for (auto piece = next++; piece < pieces; piece = next++)
                work(piece * rowsPerPiece, std::min(rows, (piece + 1) * rowsPerPiece));
        } catch (...) {
            next = pieces;
            const std::lock_guard lock(mutex);
            failure = std::current_exception();
        }
    };
    {
        std::vector<std::jthread> helpers;
        for (std::int64_t i = 1; i < std::min<std::int64_t>(at::get_num_threads(), pieces); ++i)
            helpers.emplace_back(run);
        run();
    }
    if (failure)
        std::rethrow_exception(failure);
}

} // namespace

Checkpoint Checkpoint::open(const std::string& path) {
    return Checkpoint(std::make_shared<const GgufFile>(GgufFile::open(path)));
}

Checkpoint::Checkpoint(std::shared_ptr<const GgufFile> file)
    : m_file(std::move(file)), m_hyperparameters(readHyperparameters(*m_file)) {
    std::vector<std::string> findings;
    std::set<std::string_view> planned;
    for (auto& plan : tensorPlan(m_hyperparameters)) {
        const auto* tensor = m_file->findTensor(plan.stored);
        if (!tensor) {
            findings.push_back(plan.stored + ": missing, expected " + shapeText(plan.shape) + ".");
            continue;
        }
        planned.insert(tensor->name);
        if (tensor->shape != plan.shape)
            findings.push_back(plan.stored + ": expected " + shapeText(plan.shape) + ", file has " +
                               shapeText(tensor->shape) + ".");
        m_sources.push_back({std::move(plan), tensor});
    }
    for (const auto& tensor : m_file->tensors())
        if (!planned.contains(tensor.name) && !isConsumedElsewhere(tensor.name))
            findings.push_back(forMessage(tensor.name) + ": a " + m_hyperparameters.family +
                               " model has no such tensor.");
    if (!findings.empty())
        throw joinErrors("checkpoint.tensor", findings,
                         "The file is not what it says it is: choose another one.")
            .within(m_file->origin());
    std::ranges::sort(m_sources, {}, [](const Source& source) { return source.tensor->offset; });
}

TokenizerSource Checkpoint::tokenizerSource() const {
    return readTokenizerSource(*m_file, m_hyperparameters.vocabulary);
}

std::vector<std::string> Checkpoint::names() const {
    std::vector<std::string> names;
    for (const auto& source : m_sources)
        names.push_back(source.plan.canonical);
    return names;
}

bool Checkpoint::contains(std::string_view name) const {
    return std::ranges::any_of(m_sources,
                               [&](const Source& source) { return source.plan.canonical == name; });
}

const Checkpoint::Source& Checkpoint::source(std::string_view name) const {
    for (const auto& source : m_sources)
        if (source.plan.canonical == name)
            return source;
    throw Error("checkpoint.tensor", path() + ": there is no tensor named " + forMessage(name) + ".", "");
}

std::vector<std::int64_t> Checkpoint::shape(std::string_view name) const { return source(name).plan.shape; }

std::int64_t Checkpoint::parameters() const {
    std::int64_t sum = 0;
    for (const auto& source : m_sources)
        sum += static_cast<std::int64_t>(source.tensor->elements);
    return sum;
}

std::uint64_t Checkpoint::memoryBytes(at::ScalarType type) const {
    return static_cast<std::uint64_t>(parameters()) * c10::elementSize(type);
}

at::Tensor Checkpoint::load(std::string_view name, at::ScalarType type) const {
    checkType(type);
    return loadSource(source(name), type);
}

at::Tensor Checkpoint::loadSource(const Source& source, at::ScalarType type) const {
    const auto& tensor = *source.tensor;
    if (!canDequantise(tensor.type))
        throw Error("checkpoint.type",
                    path() + ": " + tensor.name + " is stored as " + ggufTypeName(tensor.type) +
                        "; readable are " + dequantisableTypes() + ".",
                    "Choose a file with one of these quantisations.");
    const auto& mapping = *m_file->mapping();
    const auto data = m_file->data(tensor);
    mapping.checkUnchanged();
    mapping.announce(data);

    const at::NoGradGuard noGrad;
    const c10::InferenceMode normalTensors(false);
    at::Tensor result = at::empty(source.plan.shape, at::TensorOptions(type));
    const RowReader reader(source.plan, tensor, data);
    constexpr std::int64_t elementsPerPiece = 1 << 16; // stays in the second-level cache
    const auto columns = reader.columns();
    const auto rowsPerPiece = std::max<std::int64_t>(1, elementsPerPiece / columns);
    std::atomic<bool> finite{true};
    if (type == at::kFloat) {
        float* values = result.mutable_data_ptr<float>();
        inPieces(reader.rows(), rowsPerPiece, [&](std::int64_t first, std::int64_t last) {
            const auto count = static_cast<std::size_t>((last - first) * columns);
            if (!reader.read(first, last, {values + first * columns, count}))
                finite = false;
        });
    } else {
        auto* values = reinterpret_cast<std::uint16_t*>(result.mutable_data_ptr<at::BFloat16>());
        inPieces(reader.rows(), rowsPerPiece, [&](std::int64_t first, std::int64_t last) {
            thread_local std::vector<float> piece;
            piece.resize(static_cast<std::size_t>((last - first) * columns));
            if (!reader.read(first, last, piece))
                finite = false;
            roundToBfloat(piece, values + first * columns);
        });
    }
    mapping.release(data);
    if (!finite)
        throw Error("checkpoint.tensor", path() + ": " + tensor.name + " holds a value that is not finite.",
                    "The file is damaged: download it again.");
    return result;
}

Weights Checkpoint::loadAll(at::ScalarType type, at::Device device, const Progress& progress) const {
    checkType(type);
    for (const auto& source : m_sources)
        if (!canDequantise(source.tensor->type))
            loadSource(source, type); // refuses
    const auto total = memoryBytes(type);
    if (const auto available = availableMemory(); device.is_cpu() && total > available)
        throw Error("checkpoint.memory",
                    path() + " needs " + bytesText(total) + " for its weights, " + bytesText(available) +
                        " are available.",
                    type == at::kFloat ? "Choose bf16, which takes half, or close other programs."
                                       : "Close other programs, or choose a smaller model.");
    Weights weights;
    std::uint64_t done = 0;
    const auto report = [&] {
        if (progress && !progress(done, total))
            throw Error("cancelled", path() + ": loading was cancelled.", "");
    };
    report();
    for (const auto& source : m_sources) {
        auto tensor = loadSource(source, type);
        weights.emplace(source.plan.canonical, device.is_cpu() ? std::move(tensor) : tensor.to(device));
        done += bytesOf(*source.tensor, type);
        report();
    }
    return weights;
}

at::ScalarType scalarType(Precision precision) {
    switch (precision) {
    case Precision::Fp32:
        return at::kFloat;
    case Precision::Bf16:
        return at::kBFloat16;
    default:
        break;
    }
    throw Error("checkpoint.precision", "The precision " + toString(precision) + " cannot be computed yet.",
                "Choose fp32 or bf16.");
}

} // namespace azimuth
