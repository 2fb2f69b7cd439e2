#include "core/engine/checkpoint/checkpoint.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/engine/checkpoint/dequantise.h"
#include "core/engine/checkpoint/memory.h"
#include "core/engine/checkpoint/row_reader.h"
#include "core/engine/checkpoint/simulated_precision.h"

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
#include <tuple>

namespace azimuth {
namespace {

std::string shapeText(const std::vector<std::int64_t>& shape) {
    std::string text = "[";
    for (const auto extent : shape)
        text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
    return text + "]";
}

std::int64_t elementsOf(const TensorPlan& plan) {
    std::int64_t elements = 1;
    for (const auto extent : plan.shape)
        elements *= extent;
    return elements;
}

std::uint64_t bytesOf(const TensorPlan& plan, at::ScalarType type) {
    return static_cast<std::uint64_t>(elementsOf(plan)) * c10::elementSize(type);
}

void checkType(at::ScalarType type, Precision precision) {
    if (type != at::kFloat && type != at::kBFloat16)
        throw Error("checkpoint.precision",
                    std::string("Weights cannot be loaded as ") + c10::toString(type) + ".",
                    "Choose fp32 or bf16.");
    if (type != at::kFloat && isSimulated(precision))
        throw Error("checkpoint.precision",
                    "Weights of " + toString(precision) + " are computed with in fp32, not in " +
                        c10::toString(type) + ".",
                    "Choose bf16 as the precision, or load them as fp32.");
}

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

void roundInPlace(at::Tensor& tensor, Precision precision) {
    const auto columns = tensor.sizes().back(), unit = simulationUnit(precision, columns);
    const auto units = (tensor.numel() + unit - 1) / unit;
    float* values = tensor.mutable_data_ptr<float>();
    inPieces(units, std::max<std::int64_t>(1, (1 << 16) / unit), [&](std::int64_t first, std::int64_t last) {
        const auto begin = first * unit, end = std::min(last * unit, tensor.numel());
        simulate(precision, columns, {values + begin, static_cast<std::size_t>(end - begin)});
    });
}

} // namespace

Checkpoint Checkpoint::open(const std::string& path, Precision precision) {
    return Checkpoint(openStored(path), precision);
}

Checkpoint::Checkpoint(std::shared_ptr<const StoredModel> stored, Precision precision)
    : m_stored(std::move(stored)), m_precision(precision), m_hyperparameters(m_stored->hyperparameters()) {
    std::map<std::string_view, const StoredTensor*> byName;
    for (const auto& tensor : m_stored->tensors())
        byName.emplace(tensor.name, &tensor);
    std::vector<std::string> findings;
    std::set<std::string_view> planned;
    const auto container = m_stored->container();
    for (auto& plan : tensorPlan(m_hyperparameters, container,
                                 [&](std::string_view name) { return byName.contains(name); })) {
        const auto found = byName.find(plan.stored);
        if (found == byName.end()) {
            findings.push_back(plan.stored + ": missing, expected " + shapeText(plan.storedShape) + ".");
            continue;
        }
        const auto* tensor = found->second;
        planned.insert(tensor->name);
        if (tensor->shape != plan.storedShape)
            findings.push_back(plan.stored + ": expected " + shapeText(plan.storedShape) + ", file has " +
                               shapeText(tensor->shape) + ".");
        m_sources.push_back({std::move(plan), tensor});
    }
    for (const auto& tensor : m_stored->tensors())
        if (!planned.contains(tensor.name) && !isIgnorable(m_hyperparameters, container, tensor.name))
            findings.push_back(forMessage(tensor.name) + ": a " + m_hyperparameters.family +
                               " model has no such tensor.");
    if (!findings.empty())
        throw joinErrors("checkpoint.tensor", findings,
                         "The file is not what it says it is: choose another one.")
            .within(path());
    for (const auto& source : m_sources)
        checkReadable(source);
    std::ranges::stable_sort(m_sources, {}, [](const Source& source) {
        return std::tuple(source.tensor->file, source.tensor->offset, source.plan.firstRow);
    });
}

TokenizerSource Checkpoint::tokenizerSource() const {
    return m_stored->tokenizerSource(m_hyperparameters.vocabulary);
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
        sum += elementsOf(source.plan);
    return sum;
}

std::uint64_t Checkpoint::memoryBytes(at::ScalarType type) const {
    return static_cast<std::uint64_t>(parameters()) * c10::elementSize(type);
}

at::Tensor Checkpoint::load(std::string_view name, at::ScalarType type) const {
    checkType(type, m_precision);
    return loadSource(source(name), type);
}

void Checkpoint::checkReadable(const Source& source) const {
    const auto& tensor = *source.tensor;
    if (!tensor.type || !canDequantise(*tensor.type))
        throw Error("checkpoint.type",
                    path() + ": " + tensor.name + " is stored as " + tensor.typeName + "; readable are " +
                        (m_stored->container() == Container::Gguf ? dequantisableTypes() : "F32, F16, BF16") +
                        ".",
                    "Choose a file with one of these types.");
    RowReader::check(source.plan, tensor);
}

at::Tensor Checkpoint::loadSource(const Source& source, at::ScalarType type) const {
    const auto& tensor = *source.tensor;
    const auto& mapping = *m_stored->weightFiles()[tensor.file];
    const RowReader reader(source.plan, tensor, m_stored->data(tensor));
    mapping.checkUnchanged();
    mapping.announce(reader.used());

    const at::NoGradGuard noGrad;
    const c10::InferenceMode normalTensors(false);
    at::Tensor result = at::empty(source.plan.shape, at::TensorOptions(type));
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
    mapping.release(reader.used());
    if (finite && isSimulated(m_precision) && isRounded(source.plan.canonical))
        roundInPlace(result, m_precision);
    if (!finite)
        throw Error("checkpoint.tensor", path() + ": " + tensor.name + " holds a value that is not finite.",
                    "The file is damaged: download it again.");
    return result;
}

Weights Checkpoint::loadAll(at::ScalarType type, at::Device device, const Progress& progress) const {
    checkType(type, m_precision);
    const auto total = memoryBytes(type);
    if (const auto available = availableMemory(); device.is_cpu() && total > available)
        throw Error("checkpoint.memory",
                    path() + " needs " + bytesText(total) + " for its weights, " + bytesText(available) +
                        " are available.",
                    type == at::kFloat && !isSimulated(m_precision)
                        ? "Choose bf16, which takes half, or close other programs."
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
        done += bytesOf(source.plan, type);
        report();
    }
    return weights;
}

at::ScalarType scalarType(Precision precision) {
    return precision == Precision::Bf16 ? at::kBFloat16 : at::kFloat;
}

} // namespace azimuth
