// engine_bench MODEL [precision] [threads]: tokens per second of extraction, steered decoding and a sweep, the best of several
// runs, and of the linear layers alone, which bound them. Time is the processor's (all threads), which a busy machine hardly
// changes, divided by the number of threads. tests/bench/transformers_bench.py measures the peer the same way;
// compare as ratios of one session only.
#include "core/engine/capture/capture.h"
#include "core/engine/generate/generate.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/Version.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <c10/core/InferenceMode.h>

#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <numeric>
#include <string>

using namespace azimuth;

namespace {

double seconds() { return double(std::clock()) / CLOCKS_PER_SEC / at::get_num_threads(); }

double bestSeconds(int runs, const std::function<void()>& body) {
    double best = 1e300;
    for (int i = 0; i < runs; ++i) {
        const double start = seconds();
        body();
        best = std::min(best, seconds() - start);
    }
    return best;
}

std::vector<std::int32_t> someIds(std::int64_t count, std::uint32_t seed) {
    std::vector<std::int32_t> ids;
    for (std::int64_t i = 0; i < count; ++i) {
        seed = seed * 1664525u + 1013904223u;
        ids.push_back(static_cast<std::int32_t>((seed >> 8) % 40000));
    }
    return ids;
}

void line(const char* name, double tokens, double seconds) {
    std::printf("%-34s %8.1f tok/s\n", name, tokens / seconds);
    std::fflush(stdout);
}

void extraction(const Decoder& decoder) {
    std::vector<CaptureRequest> requests;
    for (std::uint32_t i = 0; i < 128; ++i)
        requests.push_back({someIds(39, i), {38}});
    CaptureOptions options;
    options.ks.resize(static_cast<std::size_t>(decoder.spec().blocks) + 1);
    std::iota(options.ks.begin(), options.ks.end(), std::int64_t{0});
    for (const std::int64_t budget : {256, 512, 1024, 2048}) {
        options.tokenBudget = budget;
        line(("extraction, budget " + std::to_string(budget)).c_str(), 128 * 39,
             bestSeconds(2, [&] { captureRows(decoder, requests, options); }));
    }
}

Steering addAt(const Decoder& decoder, std::int64_t rows, std::int64_t arms) {
    std::vector<Arm> list;
    for (std::int64_t i = 0; i < arms; ++i)
        list.push_back({"a", {{Operation::Add, "r", 0.1 * double(i + 1), decoder.spec().blocks / 2,
                               decoder.spec().blocks / 2, TokenScope::All}}});
    std::vector<std::int64_t> armOfRow;
    for (std::int64_t row = 0; row < rows; ++row)
        armOfRow.push_back(row % arms);
    return Steering(list, armOfRow, [&](const std::string&) {
        const at::Tensor raw = at::randn({decoder.spec().width});
        return raw / raw.norm();
    }, decoder);
}

void decoding(const Decoder& decoder, std::int64_t rows, std::int64_t tokens) {
    std::vector<GenerateRequest> requests;
    for (std::int64_t row = 0; row < rows; ++row)
        requests.push_back({someIds(39, static_cast<std::uint32_t>(row)), 0});
    GenerateOptions options;
    options.decoding.rows = rows;
    options.decoding.maximumNewTokens = tokens;
    const auto steering = addAt(decoder, rows, 1);
    std::int64_t steps = 0;
    double best = 1e300; // of the steps alone
    for (int run = 0; run < 2; ++run) {
        double start = 0;
        steps = 0;
        GenerateCallbacks callbacks;
        callbacks.progress = [&](const GenerateProgress&) {
            if (steps++ == 1)
                start = seconds();
            return true;
        };
        generate(decoder, requests, steering, options, callbacks);
        best = std::min(best, seconds() - start);
    }
    line(("decoding, rows " + std::to_string(rows)).c_str(), double(rows) * double(steps - 1), best);
}

void sweep(const Decoder& decoder) {
    std::vector<GenerateRequest> requests;
    for (std::uint32_t row = 0; row < 128; ++row)
        requests.push_back({someIds(39, row / 16), 0});
    GenerateOptions options;
    options.decoding.rows = 128;
    options.decoding.maximumNewTokens = 32;
    const auto steering = addAt(decoder, 128, 16);
    line("sweep 16 arms x 8 prompts, 32 new", 128 * 32,
         bestSeconds(2, [&] { generate(decoder, requests, steering, options); }));
}

// The products of one step, weights as they lie in a model: no two alike in the cache.
void linearLayers(const Decoder& decoder, std::int64_t rows) {
    const c10::InferenceMode inference;
    const auto& spec = decoder.spec();
    const auto type = at::TensorOptions().dtype(decoder.computeType());
    const auto matrix = [&](std::int64_t out, std::int64_t in) { return at::randn({out, in}).to(decoder.computeType()); };
    std::vector<at::Tensor> weights;
    for (std::int64_t block = 0; block < spec.blocks; ++block) {
        weights.push_back(matrix(spec.queryWidth() + 2 * spec.keyValueWidth(), spec.width));
        weights.push_back(matrix(spec.width, spec.queryWidth()));
        weights.push_back(matrix(2 * spec.feedForward, spec.width));
        weights.push_back(matrix(spec.width, spec.feedForward));
    }
    weights.push_back(matrix(spec.vocabulary, spec.width));
    std::map<std::int64_t, at::Tensor> inputs;
    for (const auto& weight : weights)
        inputs.try_emplace(weight.size(1), at::randn({rows, weight.size(1)}).to(type));
    line(("linear layers alone, rows " + std::to_string(rows)).c_str(), double(rows), bestSeconds(5, [&] {
             for (const auto& weight : weights)
                 at::linear(inputs.at(weight.size(1)), weight);
         }));
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 2) {
        std::fprintf(stderr, "engine_bench MODEL [fp32|bf16] [threads]\n");
        return 2;
    }
    const std::string precision = argc > 2 ? argv[2] : "fp32";
    at::set_num_threads(argc > 3 ? std::atoi(argv[3]) : 2);
    const auto decoder = Decoder::load(Checkpoint::open(argv[1]), precision == "bf16" ? at::kBFloat16 : at::kFloat);
    std::printf("%s, %s, %d threads, %s\n", argv[1], precision.c_str(), at::get_num_threads(),
                at::get_cpu_capability().c_str());
    for (const std::int64_t rows : {1, 8, 32, 128, 1024})
        linearLayers(decoder, rows);
    extraction(decoder);
    for (const std::int64_t rows : {1, 8, 32, 128})
        decoding(decoder, rows, rows == 128 ? 12 : 24);
    sweep(decoder);
}
