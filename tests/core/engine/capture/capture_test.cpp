// Packing, wanted rows, early stops and edits change nothing but what they should.
#include "core/engine/capture/capture.h"
#include "tests/core/checks.h"
#include "tests/core/engine/support/tiny_model.h"

#include <QtTest/QtTest>

#include <numeric>
#include <set>

using namespace azimuth;

namespace {

std::vector<std::int64_t> upTo(std::int64_t count) {
    std::vector<std::int64_t> values(static_cast<std::size_t>(count));
    std::iota(values.begin(), values.end(), std::int64_t{0});
    return values;
}

std::vector<CaptureRequest> requests() {
    std::vector<CaptureRequest> result;
    std::uint32_t seed = 3;
    for (const std::int64_t length : {5, 1, 40, 12, 12, 3, 27})
        result.push_back({tiny::ids(length, seed++), upTo(length)});
    return result;
}

CaptureOptions every(std::int64_t budget = 0) {
    CaptureOptions options;
    options.ks = upTo(5);
    options.tokenBudget = budget;
    return options;
}

// Prompts that begin with the same `common` tokens; the last tokens of each are wanted.
std::vector<CaptureRequest> alikeRequests(std::int64_t common) {
    const auto beginning = tiny::ids(common, 99);
    std::vector<CaptureRequest> result;
    std::uint32_t seed = 5;
    for (const std::int64_t length : {9, 2, 31, 2, 17, 5}) {
        auto ids = beginning;
        const auto own = tiny::ids(length, seed++);
        ids.insert(ids.end(), own.begin(), own.end());
        const auto end = static_cast<std::int64_t>(ids.size());
        result.push_back({std::move(ids), {end - 2, end - 1}});
    }
    return result;
}

// And whether their beginning was computed once.
std::pair<std::vector<at::Tensor>, bool> capturedAndShared(const Decoder& decoder,
                                                           const std::vector<CaptureRequest>& given,
                                                           CaptureOptions options) {
    bool shared = false;
    options.note = [&](const std::string& text) {
        shared = shared || text.ends_with("tokens, which are computed once.");
    };
    auto rows = captureRows(decoder, given, options);
    return {std::move(rows), shared};
}

} // namespace

class CaptureTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void packedEqualsSingles_data() {
        QTest::addColumn<bool>("low");
        QTest::newRow("fp32") << false;
        QTest::newRow("bf16") << true;
    }
    void packedEqualsSingles() {
        QFETCH(bool, low);
        const auto decoder = tiny::decoder(tiny::gemma3(), 1, low ? at::kBFloat16 : at::kFloat);
        const auto packed = captureRows(decoder, requests(), every());
        for (const std::int64_t budget : {1, 13, 45}) {
            const auto other = captureRows(decoder, requests(), every(budget));
            for (std::size_t k = 0; k < packed.size(); ++k)
                QVERIFY(other[k].equal(packed[k])); // packed weights: to the last bit
        }
    }

    void wantedRowsAndEarlyStop() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const auto full = captureRows(decoder, requests(), every());
        auto some = requests();
        std::vector<std::int64_t> where;
        std::int64_t first = 0;
        for (auto& request : some) {
            const auto length = static_cast<std::int64_t>(request.ids.size());
            request.positions = length > 4 ? std::vector<std::int64_t>{1, length - 2, length - 1}
                                           : std::vector<std::int64_t>{length - 1};
            for (const auto position : request.positions)
                where.push_back(first + position);
            first += length;
        }
        for (const auto& ks : {std::vector<std::int64_t>{0}, {1}, {0, 3}, {2, 4}, {4}}) {
            CaptureOptions options;
            options.ks = ks;
            const auto rows = captureRows(decoder, some, options);
            QCOMPARE(rows.size(), ks.size());
            for (std::size_t i = 0; i < ks.size(); ++i) {
                const auto expected =
                    full[static_cast<std::size_t>(ks[i])].index_select(0, at::tensor(where));
                QVERIFY(tiny::relativeError(rows[i], expected) <= 1e-5);
            }
        }
    }

    void sinkSeesEachOnce() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        std::set<std::pair<std::int64_t, std::int64_t>> seen;
        std::vector<std::int64_t> done;
        capture(
            decoder, requests(), every(30),
            [&](std::int64_t request, std::int64_t k, const at::Tensor& rows) {
                QVERIFY(seen.emplace(request, k).second);
                QCOMPARE(rows.size(0),
                         static_cast<std::int64_t>(requests()[std::size_t(request)].positions.size()));
                QVERIFY(k == 0 || seen.contains({request, k - 1}));
            },
            [&](std::int64_t now, std::int64_t total) {
                done.push_back(now);
                return total == 100;
            });
        QCOMPARE(seen.size(), std::size_t{35});
        QCOMPARE(done.front(), std::int64_t{0});
        QCOMPARE(done.back(), std::int64_t{100});
        QVERIFY(std::is_sorted(done.begin(), done.end()));
    }

    // R[k] + attn_out = resid_mid and R[k] + attn_out + mlp_out = R[k + 1], at all tokens and at wanted ones.
    void insideBlocks() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        auto options = every(30);
        for (std::int64_t k = 0; k < 4; ++k)
            for (const auto site : {Site::ResidMid, Site::AttnOut, Site::MlpOut})
                options.inside.push_back({k, site});
        const auto all = captureRows(decoder, requests(), options);
        QCOMPARE(all.size(), std::size_t{5 + 12});
        for (std::size_t k = 0; k < 4; ++k) {
            const auto &mid = all[5 + 3 * k], &attention = all[6 + 3 * k], &mlp = all[7 + 3 * k];
            QVERIFY(tiny::relativeError(all[k] + attention, mid) <= 1e-6);
            QVERIFY(tiny::relativeError(mid + mlp, all[k + 1]) <= 1e-6);
            QVERIFY(tiny::relativeError(mid, all[k]) > 1e-2);
        }
        auto some = requests();
        std::vector<std::int64_t> where;
        std::int64_t first = 0;
        for (auto& request : some) {
            const auto length = static_cast<std::int64_t>(request.ids.size());
            request.positions = {length - 1};
            where.push_back(first + length - 1);
            first += length;
        }
        CaptureOptions few;
        few.inside = {{1, Site::MlpOut}, {2, Site::ResidMid}};
        const auto rows = captureRows(decoder, some, few);
        QCOMPARE(rows.size(), std::size_t{2});
        QVERIFY(tiny::relativeError(rows[0], all[10].index_select(0, at::tensor(where))) <= 1e-5);
        QVERIFY(tiny::relativeError(rows[1], all[11].index_select(0, at::tensor(where))) <= 1e-5);
        few.inside = {{4, Site::MlpOut}};
        QCOMPARE(checks::codeOf([&] { captureRows(decoder, some, few); }), std::string("capture.request"));
        few.inside = {{1, Site::MlpOut}, {1, Site::AttnOut}};
        QCOMPARE(checks::codeOf([&] { captureRows(decoder, some, few); }), std::string("capture.request"));
    }

    // What all prompts begin with is computed once, and nothing comes out differently for it.
    void beginningsAreShared_data() {
        QTest::addColumn<bool>("low");
        QTest::newRow("fp32") << false;
        QTest::newRow("bf16") << true;
    }
    void beginningsAreShared() {
        QFETCH(bool, low);
        const auto decoder = tiny::decoder(tiny::gemma3(), 1, low ? at::kBFloat16 : at::kFloat);
        const auto alike = alikeRequests(70);
        for (const auto& ks : {std::vector<std::int64_t>{0, 1, 2, 3, 4}, {3}, {1, 4}}) {
            for (const std::int64_t budget : {0, 13, 90}) {
                CaptureOptions options;
                options.ks = ks;
                options.inside = {{0, Site::MlpOut}, {2, Site::ResidMid}};
                options.tokenBudget = budget;
                const auto [shared, once] = capturedAndShared(decoder, alike, options);
                options.shareBeginnings = false;
                const auto [apart, each] = capturedAndShared(decoder, alike, options);
                QVERIFY(once && !each);
                for (std::size_t i = 0; i < apart.size(); ++i)
                    QVERIFY(shared[i].equal(apart[i]));
            }
        }
    }

    void nothingToShare() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        CaptureOptions options;
        options.ks = {4};
        const auto shares = [&](const std::vector<CaptureRequest>& given, const CaptureOptions& with) {
            return capturedAndShared(decoder, given, with).second;
        };
        QVERIFY(shares(alikeRequests(70), options));
        QVERIFY(!shares(requests(), options));
        QVERIFY(!shares({alikeRequests(70)[0]}, options));
        auto early = alikeRequests(70);
        early[2].positions.insert(early[2].positions.begin(), 5); // wanted itself
        QVERIFY(!shares(early, options));
        auto embeddings = options;
        embeddings.ks = {0};
        QVERIFY(!shares(alikeRequests(70), embeddings));
        auto edited = options;
        edited.edit = [](std::int64_t, at::Tensor&, const PackedBatch&, std::span<const TokenPlace>) {};
        QVERIFY(!shares(alikeRequests(70), edited));
        const Decoder plain(tiny::gemma3(), tiny::randomWeights(tiny::gemma3(), 1), at::kFloat, at::kCPU,
                            WeightLayout::Plain);
        QVERIFY(!capturedAndShared(plain, alikeRequests(70), options).second); // it would change bits
    }

    // Keys turn by the length of their sequence: those of a beginning serve short sequences only.
    void lengthsThatTurnKeys() {
        auto spec = tiny::sizes("llama");
        QVERIFY(tiny::decoder(spec).sharable(70, 200) > 0);
        spec.rope.scaling = RopeScaling::Dynamic;
        spec.rope.factor = 2;
        spec.rope.originalContext = 100;
        const auto decoder = tiny::decoder(spec);
        QVERIFY(decoder.sharable(70, 100) > 0);
        QCOMPARE(decoder.sharable(70, 101), std::int64_t{0});
        CaptureOptions options;
        options.ks = {4};
        auto apart = options;
        apart.shareBeginnings = false;
        for (const auto& [common, expected] : {std::pair{60, true}, {70, false}}) { // up to 91, 101 tokens
            const auto [rows, shared] = capturedAndShared(decoder, alikeRequests(common), options);
            QCOMPARE(shared, expected);
            QVERIFY(rows[0].equal(captureRows(decoder, alikeRequests(common), apart)[0]));
        }
    }

    // Also where blocks take every way but our kernels.
    void commonKeysAreThoseOfThePast() {
        const Decoder decoder(tiny::gemma3(), tiny::randomWeights(tiny::gemma3(), 1), at::kFloat, at::kCPU,
                              WeightLayout::Plain);
        const at::NoGradGuard noGrad;
        const auto whole = tiny::ids(30, 5);
        const std::span<const std::int32_t> all(whole), before = all.first(11), after = all.subspan(11);
        KeyValueCache common(decoder.spec(), 1, 11, at::kFloat, at::kCPU);
        BlockOptions writes, reads;
        writes.cache = &common;
        reads.common = &common;
        const PackedBatch first({{0, 11, 11, -1, {0}}}, std::span(&before, 1), at::kCPU);
        const PackedBatch together({{0, 30, 30, -1, {}}}, std::span(&all, 1), at::kCPU);
        const std::vector<std::span<const std::int32_t>> twice{after, after};
        const PackedBatch rest({{11, 19, 30, -1, {}}, {11, 19, 30, -1, {}}}, twice, at::kCPU);
        at::Tensor a = decoder.embed(first), b = decoder.embed(together), c = decoder.embed(rest);
        for (std::int64_t k = 0; k < decoder.spec().blocks; ++k) {
            a = decoder.block(k, a, first, writes);
            b = decoder.block(k, b, together);
            c = decoder.block(k, c, rest, reads);
            QVERIFY(tiny::relativeError(c.narrow(0, 0, 19), b.narrow(0, 11, 19)) <= 1e-5);
            QVERIFY(tiny::relativeError(c.narrow(0, 19, 19), b.narrow(0, 11, 19)) <= 1e-5);
        }
    }

    void beginningsOfOtherLengthsAreRefused() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const at::NoGradGuard noGrad;
        const KeyValueCache common(decoder.spec(), 1, 8, at::kFloat, at::kCPU);
        const auto ids = tiny::ids(4, 1);
        const std::vector<std::span<const std::int32_t>> given{ids, ids};
        BlockOptions options;
        options.common = &common;
        const auto codeOf = [&](std::int64_t first, std::int64_t second) {
            const PackedBatch batch({{first, 4, 4, -1, {}}, {second, 4, 4, -1, {}}}, given, at::kCPU);
            return checks::codeOf([&] { decoder.block(0, decoder.embed(batch), batch, options); });
        };
        QCOMPARE(codeOf(8, 8), std::string("nothing was thrown"));
        QCOMPARE(codeOf(8, 7), std::string("cache.common"));
        QCOMPARE(codeOf(9, 9), std::string("cache.common"));
    }

    // What is captured is the residual after the edit; R[k + 1] follows from it.
    void editsComeFirst() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        auto options = every();
        options.edit = [](std::int64_t k, at::Tensor& residual, const PackedBatch&,
                          std::span<const TokenPlace>) {
            if (k == 2)
                residual = residual * 1.5;
        };
        const auto plain = captureRows(decoder, requests(), every());
        const auto edited = captureRows(decoder, requests(), options);
        QVERIFY(edited[1].equal(plain[1]));
        QVERIFY(edited[2].equal(plain[2] * 1.5));
        QVERIFY(tiny::relativeError(edited[3], plain[3]) > 1e-3);
    }

    void cancelStops() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        int calls = 0;
        const auto code = checks::codeOf([&] {
            captureRows(decoder, requests(), every(20),
                        [&](std::int64_t, std::int64_t) { return ++calls < 3; });
        });
        QCOMPARE(code, std::string("cancelled"));
        QCOMPARE(calls, 3);
    }

    void refusals() {
        const auto decoder = tiny::decoder(tiny::gemma3());
        const auto codeOf = [&](std::vector<CaptureRequest> given, std::vector<std::int64_t> ks) {
            CaptureOptions options;
            options.ks = std::move(ks);
            return checks::codeOf([&] { captureRows(decoder, given, options); });
        };
        QCOMPARE(codeOf({{{}, {0}}}, {0}), std::string("capture.request"));
        QCOMPARE(codeOf({{{1, 2}, {}}}, {0}), std::string("capture.request"));
        QCOMPARE(codeOf({{{1, 2}, {2}}}, {0}), std::string("capture.request"));
        QCOMPARE(codeOf({{{1, 2}, {1, 1}}}, {0}), std::string("capture.request"));
        QCOMPARE(codeOf({{{1, 2}, {1}}}, {}), std::string("capture.request"));
        QCOMPARE(codeOf({{{1, 2}, {1}}}, {5}), std::string("capture.request"));
        QCOMPARE(codeOf({{{1, 2}, {1}}}, {1, 0}), std::string("capture.request"));
        QCOMPARE(codeOf({{{1, 101}, {1}}}, {0}), std::string("model.token"));
        QCOMPARE(codeOf({{{-1}, {0}}}, {0}), std::string("model.token"));
        QCOMPARE(codeOf({{tiny::ids(257, 1), {0}}}, {4}), std::string("model.context"));
        CaptureOptions options;
        options.ks = {0, 1};
        QCOMPARE(checks::codeOf([&] { captureRows(decoder, requests(), options, {}, 1000); }),
                 std::string("capture.memory"));
    }
};

QTEST_GUILESS_MAIN(CaptureTest)
#include "capture_test.moc"
