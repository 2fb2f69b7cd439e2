// engine_bench MODEL fp32|bf16 [threads]: one side of tests/bench/run.py. Loads the model, then answers JSON
// lines, one task a line, on standard output: {"tokens": n, "seconds": s, ...}. Seconds are wall time of the
// task alone.
//   {"task": "extract", "prompts": [[id]]}                         R[k], all k, at each prompt's last token;
//   + "norms" [k]
//   {"task": "generate", "prompts": [[id]], "direction": [d], "k": k, "strengths": [s], "new_tokens": n}
//        every prompt under every strength, greedy, no end token; rows = prompts x strengths in one batch; +
//        "ids" [row][n]
//   {"task": "linear", "rows": n}       the linear layers of one step alone through at::linear, which bound a
//   decoder on top
//   {"task": "stream"}                  one pass over the weights' bytes by a plain sum; + "bytes"
//   {"task": "load"}                    the model once more, from the file to the first token
//   {"task": "dequantise"}              every tensor of the file to fp32, one after the other; tokens: values
#include "core/base/json.h"
#include "core/engine/capture/capture.h"
#include "core/engine/generate/generate.h"
#include "core/engine/model/huge_pages.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/randn.h>
#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/Version.h>
#include <ATen/core/grad_mode.h>
#include <c10/core/InferenceMode.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <numeric>
#include <string>
#include <torch/version.h>

using namespace azimuth;

namespace {

double secondsOf(const std::function<void()>& body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

using Prompts = std::vector<std::vector<std::int32_t>>;

std::size_t tokensOf(const Prompts& prompts) {
    std::size_t tokens = 0;
    for (const auto& prompt : prompts)
        tokens += prompt.size();
    return tokens;
}

Json extract(const Decoder& decoder, const Json& task) {
    const auto prompts = task.at("prompts").get<Prompts>();
    std::vector<CaptureRequest> requests;
    for (const auto& ids : prompts)
        requests.push_back({ids, {static_cast<std::int64_t>(ids.size()) - 1}});
    CaptureOptions options;
    options.ks.resize(static_cast<std::size_t>(decoder.spec().blocks) + 1);
    std::iota(options.ks.begin(), options.ks.end(), std::int64_t{0});
    std::vector<at::Tensor> rows;
    const double seconds = secondsOf([&] { rows = captureRows(decoder, requests, options); });
    Json norms = Json::array();
    for (const auto& ofK : rows)
        norms.push_back(ofK.norm(2, {-1}).mean().item<double>());
    return {{"tokens", tokensOf(prompts)}, {"seconds", seconds}, {"norms", norms}};
}

Json generateTask(const Decoder& decoder, const Json& task) {
    const auto prompts = task.at("prompts").get<Prompts>();
    const auto strengths = task.at("strengths").get<std::vector<double>>();
    auto direction = task.at("direction").get<std::vector<float>>();
    const auto k = task.at("k").get<std::int64_t>();
    std::vector<Arm> arms;
    for (const double strength : strengths)
        arms.push_back({"add", {{Operation::Add, "r", strength, k, k, TokenScope::All}}});
    std::vector<GenerateRequest> requests;
    std::vector<std::int64_t> armOfRow;
    for (const auto& prompt : prompts)
        for (std::size_t arm = 0; arm < arms.size(); ++arm) {
            requests.push_back({prompt, 0});
            armOfRow.push_back(static_cast<std::int64_t>(arm));
        }
    const Steering steering(
        arms, armOfRow,
        [&](const std::string&) {
            return at::from_blob(direction.data(), {static_cast<std::int64_t>(direction.size())}).clone();
        },
        decoder);
    GenerateOptions options;
    options.decoding.rows = static_cast<std::int64_t>(requests.size());
    options.decoding.maximumNewTokens = task.at("new_tokens").get<std::int64_t>();
    std::vector<GeneratedRow> rows;
    const double seconds = secondsOf([&] { rows = generate(decoder, requests, steering, options); });
    Json ids = Json::array();
    std::size_t tokens = 0;
    for (const auto& row : rows) {
        ids.push_back(row.ids);
        tokens += row.ids.size();
    }
    return {{"tokens", tokens}, {"seconds", seconds}, {"ids", ids}};
}

// The products of one step, each on a matrix of its own, as in a model: no two are in the cache together.
std::vector<at::Tensor> linearWeights(const Decoder& decoder) {
    const auto& spec = decoder.spec();
    std::vector<at::Tensor> weights;
    const auto add = [&](std::int64_t out, std::int64_t in) {
        weights.push_back(at::randn({out, in}).to(decoder.computeType()));
    };
    for (std::int64_t block = 0; block < spec.blocks; ++block) {
        add(spec.queryWidth() + 2 * spec.keyValueWidth(), spec.width);
        add(spec.width, spec.queryWidth());
        add(2 * spec.feedForward, spec.width);
        add(spec.width, spec.feedForward);
    }
    add(spec.vocabulary, spec.width);
    return weights;
}

Json linear(const std::vector<at::Tensor>& weights, std::int64_t rows) {
    const c10::InferenceMode inference;
    std::map<std::int64_t, at::Tensor> inputs;
    for (const auto& weight : weights)
        inputs.try_emplace(weight.size(1), at::randn({rows, weight.size(1)}).to(weight.scalar_type()));
    const int steps = rows >= 64 ? 2 : 8;
    const double seconds = secondsOf([&] {
        for (int step = 0; step < steps; ++step)
            for (const auto& weight : weights)
                at::linear(inputs.at(weight.size(1)), weight);
    });
    return {{"tokens", rows * steps}, {"seconds", seconds}};
}

Json stream(const std::vector<at::Tensor>& weights) {
    const c10::InferenceMode inference;
    std::size_t bytes = 0;
    volatile double keep = 0;
    for (const auto& weight : weights) // as the decoder's: pages of 4 KiB are read at a lower rate
        preferHugePages(weight);
    const double seconds = secondsOf([&] {
        for (const auto& weight : weights) {
            const auto words = weight.view(at::kInt); // integers: one addition a word, no conversion
            keep = keep + words.sum(at::kInt).item<double>();
            bytes += words.nbytes();
        }
    });
    return {{"tokens", 1}, {"seconds", seconds}, {"bytes", bytes}};
}

Json dequantise(const std::string& path) {
    const auto checkpoint = Checkpoint::open(path);
    std::int64_t values = 0;
    const double seconds = secondsOf([&] {
        for (const auto& name : checkpoint.names())
            values += checkpoint.load(name, at::kFloat).numel();
    });
    return {{"tokens", values}, {"seconds", seconds}};
}

Decoder load(const std::string& path, at::ScalarType type) {
    const at::NoGradGuard noGrad;
    return Decoder::load(Checkpoint::open(path), type);
}

} // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "engine_bench MODEL fp32|bf16 [threads]\n");
        return 2;
    }
    const auto type = std::string(argv[2]) == "bf16" ? at::kBFloat16 : at::kFloat;
    at::set_num_threads(argc > 3 ? std::atoi(argv[3]) : 2);
    const auto decoder = load(argv[1], type);
    std::vector<at::Tensor> weights;
    std::cout << Json{{"ready", true},
                      {"width", decoder.spec().width},
                      {"blocks", decoder.spec().blocks},
                      {"torch", TORCH_VERSION},
                      {"cpu", at::get_cpu_capability()}}
                     .dump()
              << std::endl;
    for (std::string line; std::getline(std::cin, line);) {
        const auto task = parseJson(line, "task");
        const auto name = task.at("task").get<std::string>();
        if (weights.empty() && (name == "linear" || name == "stream"))
            weights = linearWeights(decoder);
        Json answer;
        if (name == "extract")
            answer = extract(decoder, task);
        else if (name == "generate")
            answer = generateTask(decoder, task);
        else if (name == "linear")
            answer = linear(weights, task.at("rows").get<std::int64_t>());
        else if (name == "stream")
            answer = stream(weights);
        else if (name == "dequantise")
            answer = dequantise(argv[1]);
        else if (name == "load")
            answer = {{"tokens", 1}, {"seconds", secondsOf([&] { load(argv[1], type); })}};
        else
            answer = {{"error", "no such task"}};
        std::cout << answer.dump() << std::endl;
    }
}
