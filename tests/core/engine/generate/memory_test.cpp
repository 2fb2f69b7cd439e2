// What is free, what is needed, the refusal; and that work goes on with less when memory runs out, to the
// same results.
#include "core/engine/capture/capture.h"
#include "core/engine/checkpoint/memory.h"
#include "core/engine/generate/generate.h"
#include "core/engine/generate/memory_need.h"
#include "core/engine/generate/score.h"
#include "core/engine/methods/dim.h"
#include "tests/core/checks.h"
#include "tests/core/engine/support/limited_allocator.h"
#include "tests/core/engine/support/tiny_model.h"

#include <ATen/ops/empty.h>

#include <QtTest/QtTest>

using namespace azimuth;
using test::allocator;
using test::withShare;

namespace {

void write(const QString& path, const QByteArray& text) {
    QDir().mkpath(QFileInfo(path).path());
    QFile file(path);
    QVERIFY(file.open(QIODevice::WriteOnly));
    file.write(text);
}

ArchitectureSpec broad() { // with a vocabulary whose logits weigh
    auto spec = tiny::gemma3();
    spec.vocabulary = 4096;
    return spec;
}

at::Tensor direction(const std::string&) {
    auto generator = at::detail::createCPUGenerator(3);
    const at::Tensor raw = at::randn({48}, generator, at::TensorOptions().dtype(at::kFloat));
    return raw / raw.norm();
}

} // namespace

class MemoryTest : public QObject {
    Q_OBJECT

    static void shares() { // of the memory that the work takes when there is enough
        QTest::addColumn<double>("share");
        for (const double share : {0.7, 0.4, 0.2})
            QTest::addRow("%.0f %%", 100 * share) << share;
    }

private Q_SLOTS:
    void initTestCase() { c10::SetCPUAllocator(&allocator(), 100); }

    void freeMemory_data() {
        QTest::addColumn<QByteArray>("groups"); // /proc/self/cgroup
        QTest::addColumn<QStringList>("files"); // path=text
        QTest::addColumn<qulonglong>("expected");
        const qulonglong mib = 1 << 20;
        const auto v2 = [](const char* folder, const char* max, const char* current, const char* stat) {
            const auto base = QStringLiteral("sys/fs/cgroup") + QString::fromLatin1(folder);
            return QStringList{base + QStringLiteral("/memory.max=") + QString::fromLatin1(max),
                               base + QStringLiteral("/memory.current=") + QString::fromLatin1(current),
                               base + QStringLiteral("/memory.stat=") + QString::fromLatin1(stat)};
        };
        const auto v1 = [](const char* folder, const char* limit, const char* usage, const char* stat) {
            const auto base = QStringLiteral("sys/fs/cgroup/memory") + QString::fromLatin1(folder);
            return QStringList{base + QStringLiteral("/memory.limit_in_bytes=") + QString::fromLatin1(limit),
                               base + QStringLiteral("/memory.usage_in_bytes=") + QString::fromLatin1(usage),
                               base + QStringLiteral("/memory.stat=") + QString::fromLatin1(stat)};
        };
        QTest::newRow("no group") << QByteArray() << QStringList() << 8192 * mib;
        QTest::newRow("v2") << QByteArray("0::/job/step\n")
                            << v2("/job/step", "1073741824", "536870912", "anon 1\nfile 268435456\nshmem 0\n")
                            << 768 * mib;
        QTest::newRow("v2, shared memory stays")
            << QByteArray("0::/job\n")
            << v2("/job", "1073741824", "536870912", "file 268435456\nshmem 268435456\n") << 512 * mib;
        QTest::newRow("v2, a parent is tighter")
            << QByteArray("0::/job/step\n")
            << v2("/job/step", "max", "1048576", "file 0\n") + v2("/job", "104857600", "52428800", "file 0\n")
            << 50 * mib;
        QTest::newRow("v2 in a container")
            << QByteArray("0::/\n") << v2("", "209715200", "104857600", "file 0\n") << 100 * mib;
        QTest::newRow("v2 without a limit")
            << QByteArray("0::/job\n") << v2("/job", "max", "1", "file 0\n") << 8192 * mib;
        QTest::newRow("v1") << QByteArray("5:cpu,cpuacct:/job\n4:memory:/job\n")
                            << v1("/job", "1073741824", "536870912",
                                  "cache 5\ntotal_cache 268435456\ntotal_shmem 0\n")
                            << 768 * mib;
        QTest::newRow("v1, its folder not in sight")
            << QByteArray("4:hugetlb,memory:/docker/abc\n")
            << v1("", "314572800", "104857600", "total_cache 0\n") << 200 * mib;
        QTest::newRow("over its limit")
            << QByteArray("0::/job\n") << v2("/job", "100", "200", "file 0\n") << qulonglong{0};
    }
    void freeMemory() {
        QFETCH(QByteArray, groups);
        QFETCH(QStringList, files);
        QFETCH(qulonglong, expected);
        const QTemporaryDir root;
        write(root.filePath(QStringLiteral("proc/meminfo")),
              "MemTotal:       16777216 kB\nMemFree:  1 kB\nMemAvailable:    8388608 kB\nBuffers: 5 kB\n");
        write(root.filePath(QStringLiteral("proc/self/cgroup")), groups);
        for (const auto& file : files)
            write(root.filePath(file.section(QLatin1Char('='), 0, 0)),
                  file.section(QLatin1Char('='), 1).toLatin1());
        QCOMPARE(qulonglong{availableMemoryUnder(root.path().toStdString())}, expected);
    }

    // Counted by hand for SmolLM2-135M: L 30, d 576, 9 and 3 heads of 64, f 1536, V 49152.
    void need() {
        auto spec = tiny::sizes("llama");
        spec.blocks = 30;
        spec.width = 576;
        spec.heads = 9;
        spec.keyValueHeads = 3;
        spec.headWidth = 64;
        spec.feedForward = 1536;
        spec.vocabulary = 49152;
        MemoryShape shape{32, 100, 2048, 32, 0, 0, 2};
        const auto found = memoryNeed(spec, at::kFloat, 538060032, shape);
        QCOMPARE(found.weights, std::uint64_t{538060032});
        QCOMPARE(found.cache, std::uint64_t{30} * 2 * 192 * 4 * 32 * 100);
        QCOMPARE(found.logits, std::uint64_t{32} * 49152 * 16);
        QVERIFY(found.total() > found.weights + found.cache + found.activations + found.logits);
        auto elsewhere = shape; // on a GPU threads have no room of their own
        elsewhere.threads = 0;
        QCOMPARE(found.activations - memoryNeed(spec, at::kFloat, 538060032, elsewhere).activations,
                 std::uint64_t{100} * 64 * 4 * 2);
        const auto low = memoryNeed(spec, at::kBFloat16, 269030016, shape);
        QCOMPARE(low.cache * 2, found.cache);
        shape.rows = shape.positions = INT64_MAX;
        QCOMPARE(memoryNeed(spec, at::kFloat, 0, shape).total(), UINT64_MAX); // no overflow
    }

    void refusal() {
        const auto spec = broad();
        const auto shapeOf = [](std::int64_t rows) { return MemoryShape{rows, 100000, 1000, rows, 0, 0, 2}; };
        const MemoryPlan plan{64, "decoding rows", shapeOf};
        const MemorySettings settings{400 << 20, 200 << 20};
        const auto needOf = [&](at::ScalarType type, std::uint64_t weights, std::int64_t rows) {
            return memoryNeed(spec, type, weights, shapeOf(rows)).total();
        };
        const auto need = needOf(at::kFloat, 400 << 20, 64);
        QCOMPARE(checks::codeOf([&] { checkMemory("M", spec, at::kFloat, plan, settings, need); }),
                 std::string("nothing was thrown"));
        const auto refusalOf = [&](std::uint64_t available, const MemorySettings& how) -> std::string {
            try {
                checkMemory("M", spec, at::kFloat, plan, how, available);
            } catch (const Error& error) {
                return error.code() + "|" + error.message() + "|" + error.remedy();
            }
            return {};
        };
        const auto text = refusalOf(need - 1, settings);
        QVERIFY2(text.starts_with("memory.prediction|M needs ") &&
                     text.find("weights 419 MB") != std::string::npos &&
                     text.find(" are free.") != std::string::npos,
                 text.c_str());
        QVERIFY2(text.find("The largest that fits is 63 decoding rows.") != std::string::npos, text.c_str());
        // What is named fits, one more does not.
        const auto available = needOf(at::kFloat, 400 << 20, 6) + 1000;
        const auto half = refusalOf(available, settings);
        const auto at = half.find("fits is ") + 8;
        const auto fitting = std::stoll(half.substr(at));
        QVERIFY(fitting > 0 && needOf(at::kFloat, 400 << 20, fitting) <= available);
        QVERIFY(needOf(at::kFloat, 400 << 20, fitting + 1) > available);

        const MemorySettings heavy{std::uint64_t{4000} << 20,
                                   200 << 20}; // its weights alone are more than all of it in bf16
        const auto inBf16 = needOf(at::kBFloat16, 200 << 20, 64);
        QVERIFY(refusalOf(inBf16, heavy).ends_with("|It fits in bf16."));
        QVERIFY(refusalOf(needOf(at::kBFloat16, 200 << 20, 1), settings)
                    .ends_with("|The largest that fits is bf16 with 1 decoding rows."));
        // A precision that a study compares is never advised away.
        const auto simulated = refusalOf(inBf16, {std::uint64_t{4000} << 20, {}});
        QVERIFY2(simulated.find("bf16") == std::string::npos, simulated.c_str());
        QVERIFY(simulated.ends_with(
            "No setting of this model fits; use a smaller one, or a machine with more memory."));
        // What does not fit is not the model.
        const auto weightsAlone = memoryNeed(spec, at::kFloat, 400 << 20, {}).total();
        QVERIFY(refusalOf(weightsAlone, {400 << 20, {}})
                    .ends_with("|The model itself fits: use shorter prompts, and fewer tokens for each."));
        QVERIFY(refusalOf(1 << 20, settings).find("No setting of this model fits") != std::string::npos);
    }

    // Less than what the work takes at least is neither advised nor counted with.
    void refusalKnowsTheLeast() {
        const auto spec = broad();
        const MemoryPlan plan{
            64, "pairs", [](std::int64_t rows) { return MemoryShape{rows, 100000, 1000, rows, 0, 0, 2}; }, 2};
        const auto needOf = [&](at::ScalarType type, std::uint64_t weights, std::int64_t rows) {
            return memoryNeed(spec, type, weights, plan.shapeOf(rows)).total();
        };
        const auto remedyOf = [&](std::uint64_t available, const MemorySettings& how) -> std::string {
            try {
                checkMemory("M", spec, at::kFloat, plan, how, available);
            } catch (const Error& error) {
                return error.remedy();
            }
            return {};
        };
        const MemorySettings settings{400 << 20, 200 << 20}, alone{400 << 20, {}};
        const auto two = needOf(at::kFloat, 400 << 20, 2);
        QCOMPARE(remedyOf(two, alone), std::string("The largest that fits is 2 pairs."));
        QCOMPARE(remedyOf(two - 1, alone),
                 std::string("The model itself fits: use shorter prompts, and fewer tokens for each."));
        QCOMPARE(remedyOf(needOf(at::kBFloat16, 200 << 20, 2), settings),
                 std::string("The largest that fits is bf16 with 2 pairs."));
        QVERIFY(remedyOf(needOf(at::kBFloat16, 200 << 20, 2) - 1, settings)
                    .starts_with("The model itself fits in bf16"));
    }

    void withinMemoryTellsMemoryFromTheRest() {
        QVERIFY(withinMemory([] {}));
        QVERIFY(!withinMemory([] { throw std::bad_alloc(); }));
        allocator().limit = allocator().live + 1000;
        QVERIFY(!withinMemory([] { at::empty({1 << 20}, at::kFloat); }));
        allocator().limit = INT64_MAX;
        // libtorch's own failure, of a size that no machine has
        c10::SetCPUAllocator(c10::GetDefaultCPUAllocator(), 100);
        QVERIFY(!withinMemory([] { at::empty({std::int64_t{1} << 45}, at::kFloat); }));
        c10::SetCPUAllocator(&allocator(), 100);
        QCOMPARE(checks::codeOf([] { withinMemory([] { throw Error("other", "", ""); }); }),
                 std::string("other"));
        bool passed = false;
        try {
            withinMemory([] { at::empty({-1}); });
        } catch (const c10::Error&) {
            passed = true;
        }
        QVERIFY(passed);
    }

    void generationGoesOn_data() {
        QTest::addColumn<double>("share");
        QTest::addColumn<bool>("refill");
        for (const double share : {0.7, 0.4, 0.2})
            for (const bool refill : {false, true})
                QTest::addRow("%.0f %%%s", 100 * share, refill ? ", refill" : "") << share << refill;
    }
    void generationGoesOn() {
        QFETCH(double, share);
        QFETCH(bool, refill);
        const Decoder decoder(broad(), tiny::randomWeights(broad(), 5), at::kFloat);
        std::vector<GenerateRequest> requests;
        std::vector<std::int64_t> armOfRow;
        for (std::uint32_t i = 0; i < 24; ++i) {
            requests.push_back({tiny::ids(40 + i, 60 + i), i});
            armOfRow.push_back(i % 2);
        }
        const Steering steering({{"control", {}}, {"add", {{Operation::Add, "r", 5, 1, 1}}}}, armOfRow,
                                direction, decoder);
        GenerateOptions options;
        options.decoding.rows = 16;
        options.decoding.maximumNewTokens = 10;
        options.decoding.temperature = 0.8;
        options.decoding.seed = 5;
        options.refill = refill;
        options.logProbability = true;
        const auto whole = generate(decoder, requests, steering, options);
        options.stop = {whole[3].ids[4]}; // some rows end early
        std::vector<std::string> notes;
        std::vector<std::vector<std::int32_t>> streamed;
        std::vector<int> finished;
        GenerateCallbacks callbacks;
        callbacks.note = [&](const std::string& text) { notes.push_back(text); };
        callbacks.token = [&](std::int64_t request, std::int32_t id) {
            streamed[std::size_t(request)].push_back(id);
        };
        callbacks.row = [&](std::int64_t request, const GeneratedRow&) { ++finished[std::size_t(request)]; };
        std::vector<std::vector<GeneratedRow>> results;
        const auto refused = withShare(share, [&] {
            notes.clear();
            streamed.assign(24, {});
            finished.assign(24, 0);
            results.push_back(generate(decoder, requests, steering, options, callbacks));
        });
        QVERIFY(refused > 0);
        QVERIFY(!notes.empty());
        for (std::size_t i = 0; i < 24; ++i) {
            QCOMPARE(results[1][i].ids, results[0][i].ids);
            QCOMPARE(results[1][i].logProbability, results[0][i].logProbability); // to the last bit
            QCOMPARE(streamed[i], results[0][i].ids);                             // each token once
            QCOMPARE(finished[i], 1);
        }
    }

    void scoringGoesOn() {
        const Decoder decoder(broad(), tiny::randomWeights(broad(), 5), at::kFloat);
        const Steering steering({{"control", {}}, {"add", {{Operation::Add, "r", 5, 1, 1}}}}, {0, 1},
                                direction, decoder);
        std::vector<std::vector<std::int32_t>> prompts;
        std::vector<ScoreRequest> requests;
        for (std::uint32_t p = 0; p < 10; ++p) {
            prompts.push_back(tiny::ids(50 + p, p));
            for (std::int64_t arm = 0; arm < 2; ++arm)
                requests.push_back({p, arm, tiny::ids(20, 70 + p)});
        }
        ScoreOptions options;
        options.reference = 0;
        std::vector<std::vector<ScoredRow>> results;
        std::vector<std::string> notes;
        ScoreCallbacks callbacks;
        callbacks.note = [&](const std::string& text) { notes.push_back(text); };
        QVERIFY(withShare(0.75, [&] {
                    notes.clear();
                    results.push_back(score(decoder, prompts, requests, steering, options, callbacks));
                }) > 0);
        QVERIFY(!notes.empty());
        for (std::size_t i = 0; i < requests.size(); ++i) {
            QCOMPARE(results[1][i].logProbabilities.size(), std::size_t{20});
            for (std::size_t t = 0; t < 20; ++t) {
                QVERIFY(std::abs(results[1][i].logProbabilities[t] - results[0][i].logProbabilities[t]) <=
                        1e-5);
                QVERIFY(std::abs(results[1][i].kl[t] - results[0][i].kl[t]) <= 1e-5);
            }
        }
        QCOMPARE(checks::codeOf([&] {
                     withShare(0.001, [&] { score(decoder, prompts, requests, steering, options); });
                 }),
                 std::string("memory.exhausted"));
    }

    void captureGoesOn_data() { shares(); }
    void captureGoesOn() {
        QFETCH(double, share);
        const Decoder decoder(broad(), tiny::randomWeights(broad(), 5), at::kFloat);
        std::vector<CaptureRequest> requests;
        for (std::uint32_t i = 0; i < 30; ++i)
            requests.push_back({tiny::ids(40 + i, i), {static_cast<std::int64_t>(39 + i)}});
        CaptureOptions options;
        options.ks = {0, 1, 2, 3, 4};
        std::vector<std::string> notes;
        options.note = [&](const std::string& text) { notes.push_back(text); };
        std::vector<std::map<std::pair<std::int64_t, std::int64_t>, at::Tensor>> results;
        QVERIFY(
            withShare(share, [&] {
                notes.clear();
                auto& seen = results.emplace_back();
                capture(
                    decoder, requests, options,
                    [&](std::int64_t request, std::int64_t k, const at::Tensor& rows) {
                        QVERIFY(seen.emplace(std::pair{request, k}, rows.clone()).second); // nothing twice
                    });
            }) > 0);
        QVERIFY(!notes.empty());
        QCOMPARE(results[1].size(), std::size_t{150});
        for (const auto& [place, rows] : results[0])
            QVERIFY(tiny::sameBits(results[1].at(place), rows));
    }

    // Prompts that begin alike: with less memory in smaller batches, with too little for what they share each
    // for itself, and never without end.
    void captureOfSharedBeginningsGoesOn() {
        const Decoder decoder(broad(), tiny::randomWeights(broad(), 5), at::kFloat);
        std::vector<CaptureRequest> requests;
        for (std::uint32_t i = 0; i < 30; ++i) {
            auto ids = tiny::ids(150, 1);
            const auto own = tiny::ids(3 + i % 20, 10 + i);
            ids.insert(ids.end(), own.begin(), own.end());
            const auto last = static_cast<std::int64_t>(ids.size()) - 1;
            requests.push_back({std::move(ids), {last}});
        }
        CaptureOptions options;
        options.ks = {0, 1, 2, 3, 4};
        std::vector<std::string> notes;
        options.note = [&](const std::string& text) { notes.push_back(text); };
        using Seen = std::map<std::pair<std::int64_t, std::int64_t>, std::vector<float>>;
        std::vector<Seen> results;
        const auto read = [&] {
            notes.clear();
            Seen seen; // of its own memory, which is not short
            capture(
                decoder, requests, options,
                [&](std::int64_t request, std::int64_t k, const at::Tensor& rows) {
                    const auto* from = rows.const_data_ptr<float>();
                    QVERIFY(
                        seen.emplace(std::pair{request, k}, std::vector(from, from + rows.numel())).second);
                });
            results.push_back(std::move(seen));
        };
        bool apart = false, smaller = false;
        for (const double share : {0.9, 0.6, 0.4, 0.3, 0.25, 0.2, 0.15, 0.1, 0.05, 0.001}) {
            results.clear();
            const auto code = checks::codeOf([&] { withShare(share, read); });
            QVERIFY(results.size() == 2 ? code == "nothing was thrown" : code == "memory.exhausted");
            for (const auto& note : notes) {
                apart = apart || note.find("for each of them") != std::string::npos;
                smaller = smaller || note.find("at a time") != std::string::npos;
            }
            QCOMPARE(results[0].size(), std::size_t{150});
            QVERIFY(results.size() < 2 || results[0] == results[1]);
        }
        QVERIFY(apart && smaller);
        QCOMPARE(results.size(), std::size_t{1}); // a thousandth is too little
    }

    // What sharing takes is predicted.
    void sharedBeginningsAreCounted() {
        const Decoder decoder(broad(), tiny::randomWeights(broad(), 5), at::kFloat);
        for (const auto& [common, own] : {std::pair{150, 5}, {40, 200}, {100, 100}}) {
            std::vector<CaptureRequest> requests;
            std::vector<std::span<const std::int32_t>> prompts;
            for (std::uint32_t i = 0; i < 40; ++i) {
                auto ids = tiny::ids(common, 1);
                const auto tail = tiny::ids(own, 10 + i);
                ids.insert(ids.end(), tail.begin(), tail.end());
                const auto last = static_cast<std::int64_t>(ids.size()) - 1;
                requests.push_back({std::move(ids), {last}});
            }
            for (const auto& request : requests)
                prompts.push_back(std::span(request.ids).first(request.ids.size() - 1));
            QCOMPARE(commonBeginning(prompts), std::int64_t{common});
            CaptureOptions options;
            options.ks = {4};
            const auto peakOf = [&] {
                auto& memory = allocator();
                const auto before = memory.live.load();
                memory.peak = before;
                const auto rows = captureRows(decoder, requests, options);
                return static_cast<std::uint64_t>(memory.peak - before);
            };
            MemoryShape shape;
            shape.positions = common + own;
            shape.tokens = 1024;
            shape.shared = sharingBytes(decoder.spec(), common, 40, shape.positions);
            shape.results = 40 * 48 * 4;
            shape.threads = 2;
            const auto need = memoryNeed(decoder.spec(), at::kFloat, 0, shape);
            QVERIFY(need.cache == shape.shared);
            const auto peak = peakOf();
            QVERIFY2(peak <= need.cache + need.activations + need.results,
                     qPrintable(QStringLiteral("%1 of %2").arg(peak).arg(need.cache + need.activations)));
            QVERIFY(need.cache < 4 * peak);
        }
    }

    void differenceInMeansGoesOn_data() { shares(); }
    void differenceInMeansGoesOn() {
        QFETCH(double, share);
        const Decoder decoder(broad(), tiny::randomWeights(broad(), 5), at::kFloat);
        DimRequest request;
        request.positions = 3;
        for (std::uint32_t i = 0; i < 15; ++i) {
            request.positive.push_back(tiny::ids(40 + i, i));
            request.negative.push_back(tiny::ids(45 + i, 100 + i));
        }
        std::vector<std::string> notes;
        request.note = [&](const std::string& text) { notes.push_back(text); };
        std::vector<DimResult> results;
        QVERIFY(withShare(share, [&] {
                    notes.clear();
                    results.push_back(differenceInMeans(decoder, request));
                }) > 0);
        QVERIFY(!notes.empty());
        QCOMPARE(results[1].positiveCount, 15);
        QVERIFY(std::ranges::equal(results[1].raw.values(), results[0].raw.values()));
        QVERIFY(std::ranges::equal(results[1].rawNorm.values(), results[0].rawNorm.values()));
        QVERIFY(std::ranges::equal(results[1].medianNorm.values(), results[0].medianNorm.values()));
    }
};

QTEST_GUILESS_MAIN(MemoryTest)
#include "memory_test.moc"
