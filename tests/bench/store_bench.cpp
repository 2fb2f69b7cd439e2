// store_bench [COMPLETIONS]: what a project of that many completions (100,000) costs, on the disk of the
// current folder. Prints a table and asserts nothing.
#include "app/session/project_store.h"
#include "core/base/time.h"
#include "core/container/safetensors.h"
#include "core/project/project.h"
#include "tests/bench/measure.h"
#include "tests/core/project/sample.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <unistd.h>
#include <vector>

using namespace azimuth;
using bench::forget;
using bench::print;
using bench::residentMegabytes;
namespace fs = std::filesystem;

namespace {

double millisecondsOf(const std::function<void()>& body) {
    const auto start = std::chrono::steady_clock::now();
    body();
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
}

void measureCompletions(const std::string& path, std::size_t count) {
    auto view = createProject(path, sample::study());
    view.completions =
        std::make_shared<const CompletionTable>(CompletionTable().with(sample::completions(count, 200, 800)));
    print("first save", millisecondsOf([&] { view = saveProject(path, view); }), "ms", "2000");
    print("next save", millisecondsOf([&] { view = saveProject(path, view); }), "ms", "2000");
    print("file", static_cast<double>(fs::file_size(path)) / 1e6, "MB", "");
}

void measureOpening(const std::string& path) {
    forget(path);
    const double empty = residentMegabytes();
    ProjectView view;
    print("opened, cold", millisecondsOf([&] { view = openProject(path); }), "ms", "500");
    print("memory above empty", residentMegabytes() - empty, "MB", "150");
    std::string text;
    print("a text", millisecondsOf([&] { text = view.completions->text(view.completions->size() / 2); }),
          "ms", "50");
    print("opened again", millisecondsOf([&] { openProject(path); }), "ms", "");
}

void measureEdits(const std::string& path) {
    auto store = ProjectStore::open(path);
    std::vector<double> times;
    const auto& rows = *store.view()->completions;
    for (std::size_t i = 0; i < 200; ++i) {
        const Edit edit{
            "label", "bench", unixSeconds(),
            SetLabels{{{rows.key(i % rows.size()), i % 2 ? Verdict::Normal : Verdict::Coherent}}, "bench"}};
        times.push_back(millisecondsOf([&] { store.head()->edit(edit); }));
    }
    std::sort(times.begin(), times.end());
    print("a label, durable and applied: median of 200", times[100], "ms", "5");
    print("                              99th of 100", times[198], "ms", "");
    print("save with these labels", millisecondsOf([&] { store.save(); }), "ms", "2000");
}

void measureBank(const std::string& path) {
    auto view = createProject(path, sample::study());
    auto bank = sample::jobResult().banks.front();
    constexpr std::int64_t ks = 64, width = 5120;
    for (int i = 0; i < 20; ++i) {
        auto one = bank;
        one.key = sample::hexOf("bank " + std::to_string(i));
        one.positions = {-1};
        one.positionTokens.clear();
        one.ks = ks;
        one.width = width;
        one.tensor = ArrayF({1, ks, width}, std::vector<float>(ks * width, static_cast<float>(i)));
        one.rawNorm = one.medianNorm = Array<double>({1, ks}, std::vector<double>(ks, 1));
        view.banks.push_back(std::make_shared<const DirectionBank>(std::move(one)));
    }
    view.models = {std::make_shared<const Model>(sample::jobResult().models.front())};
    view = saveProject(path, view);
    forget(path);
    print("one of 20 banks of 64 x 5120, cold",
          millisecondsOf([&] { readBankTensor(path, view.banks[10]->key); }), "ms", "100");
}

// A file of those bytes, durable, in pieces of one.
double rawWriteMilliseconds(const std::string& path, const std::vector<std::byte>& piece,
                            std::size_t pieces) {
    return millisecondsOf([&] {
        const int file = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
        for (std::size_t i = 0; i < pieces; ++i)
            if (::write(file, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size()))
                std::perror("write");
        ::fsync(file);
        ::close(file);
    });
}

// 64 layers x 256 prompts x 2,560 in bf16, as capture writes it, and the same bytes by plain writes in turns.
void measureActivations(const std::string& folder) {
    constexpr std::size_t layers = 64;
    std::vector<SafetensorsDeclaration> declarations;
    for (std::size_t k = 0; k < layers; ++k)
        declarations.push_back({"acts/resid/" + std::to_string(k), DType::BF16, {256, 2560}});
    std::vector<std::byte> layer(std::size_t{256} * 2560 * 2);
    std::mt19937_64 random(1); // no file system can make it smaller
    for (std::size_t i = 0; i + 8 <= layer.size(); i += 8) {
        const auto value = random();
        std::memcpy(layer.data() + i, &value, sizeof value);
    }
    std::vector<double> ratios, rates;
    for (int round = 0; round < 7; ++round) {
        const auto raw = rawWriteMilliseconds(folder + "/raw", layer, layers);
        const auto ours = millisecondsOf([&] {
            SafetensorsWriter writer(folder + "/acts.safetensors", declarations);
            for (const auto& one : declarations)
                writer.append(one.name, std::span<const std::byte>(layer));
            writer.finish();
        });
        ratios.push_back(100 * raw / ours);
        rates.push_back(static_cast<double>(layer.size() * layers) / 1e3 / ours);
    }
    std::sort(ratios.begin(), ratios.end());
    std::sort(rates.begin(), rates.end());
    print("activations written: median of 7", rates[3], "MB/s", "");
    print("of the rate of plain writes in the same turns", ratios[3], "%", "70");
}

} // namespace

int main(int argc, char** argv) {
    if (argc == 3 && std::string(argv[1]) == "--open") { // a process of its own: nothing is in its memory
        measureOpening(argv[2]);
        return 0;
    }
    const std::size_t count = argc > 1 ? static_cast<std::size_t>(std::atoll(argv[1])) : 100000;
    char place[] = "./store-bench-XXXXXX";
    const std::string folder = mkdtemp(place);
    std::printf("%zu completions of 200 tokens and 800 characters%*s budget\n", count, 30, "");
    measureCompletions(folder + "/large.h5", count);
    std::fflush(stdout);
    if (std::system(("'" + std::string(argv[0]) + "' --open '" + folder + "/large.h5'").c_str()) != 0)
        return 1;
    measureEdits(folder + "/large.h5");
    measureBank(folder + "/banks.h5");
    measureActivations(folder);
    if (!std::getenv("AZIMUTH_KEEP"))
        fs::remove_all(folder);
    return 0;
}
