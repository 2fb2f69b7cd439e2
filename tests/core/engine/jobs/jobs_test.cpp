// Jobs in this process: which weights a study's digest names, what the log hears when memory runs out.
#include "core/base/atomic_file.h"
#include "core/base/sha256.h"
#include "core/container/safetensors.h"
#include "core/engine/jobs/job.h"
#include "tests/core/checks.h"
#include "tests/core/engine/checkpoint/tiny_folder.h"
#include "tests/core/engine/support/limited_allocator.h"

#include <QDir>
#include <QTemporaryDir>
#include <QtTest>

#include <algorithm>

using namespace azimuth;
using checks::codeOf;
using checks::messageOf;

class JobsTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const {
        return m_folder.filePath(QString::fromLatin1(name)).toStdString();
    }
    static LoadedModel& open(ModelCache& models, const std::string& folder,
                             std::optional<std::string> digest) {
        return models.open({{"M", folder, std::move(digest), Precision::Fp32, true}, ""}, {}, at::kCPU, {});
    }

private Q_SLOTS:
    void initTestCase() {
        qputenv("XDG_CACHE_HOME", m_folder.path().toUtf8());
        c10::SetCPUAllocator(&test::allocator(), 100);
    }

    // One file: its own digest. Several: that of their digests in order of name, here by another way.
    void aStudyNamesWeightsByTheirDigest() {
        const auto single = path("single"), sharded = path("sharded");
        auto tiny = test::tinyLlama();
        tiny.write(single);
        std::vector<std::string> names;
        for (const auto& tensor : tiny.tensors)
            names.push_back(tensor.first);
        const auto half = names.begin() + std::ptrdiff_t(names.size() / 2);
        tiny.shards = {{names.begin(), half}, {half, names.end()}};
        tiny.write(sharded);
        const auto digest = [](const std::string& file) { return toHex(sha256(readFile(file, 1 << 24))); };
        const auto ofOne = digest(single + "/model.safetensors");
        const auto first = digest(sharded + "/model-00001-of-00002.safetensors"),
                   second = digest(sharded + "/model-00002-of-00002.safetensors");
        const auto ofBoth = toHex(sha256(first + second));
        ModelCache models;
        QCOMPARE(open(models, single, ofOne).description().weightsSha256, std::vector{ofOne});
        QCOMPARE(open(models, sharded, ofBoth).description().weightsSha256, (std::vector{first, second}));
        for (const auto& wrong : {first, second, toHex(sha256(second + first)), ofOne}) {
            QCOMPARE(codeOf([&] { open(models, sharded, wrong); }), std::string("model.sha256"));
            const auto message = messageOf([&] { open(models, sharded, wrong); });
            QVERIFY2(message.find(wrong.substr(0, 12)) != std::string::npos &&
                         message.find(ofBoth.substr(0, 12)) != std::string::npos,
                     message.c_str());
        }
        QCOMPARE(codeOf([&] { open(models, single, ofBoth); }), std::string("model.sha256"));
    }

    void saysWhenMemoryRanOut() {
        const auto folder = path("model");
        test::tinyLlama().write(folder);
        Submission submission;
        submission.run = 7;
        submission.device = "cpu";
        submission.out = path("a.safetensors");
        submission.job.model.reference = {"M", folder, std::nullopt, Precision::Fp32, true};
        CaptureJob capture;
        for (int i = 0; i < 30; ++i) {
            std::vector<std::int32_t> ids;
            for (int t = 0; t < 40 + i; ++t)
                ids.push_back((t * 7 + i) % 40);
            capture.prompts.push_back({std::to_string(i), ids});
        }
        submission.job.payload = std::move(capture);
        ModelCache models;
        const std::atomic<bool> cancelled{false};
        std::vector<Event> events;
        std::vector<std::map<std::string, std::vector<float>>> results;
        const auto keep = [&](const Event& event) { events.push_back(event); };
        Job(submission, models, cancelled, keep).decoder({1, "", [](std::int64_t) { return MemoryShape{}; }});
        const auto refused =
            test::withShare(0.5, [&] { // of what it takes beside the weights, which are there
                events.clear();
                Job job(submission, models, cancelled, keep);
                runJob(job);
                auto& seen = results.emplace_back();
                const auto file = SafetensorsFile::open(submission.out);
                for (int k = 0; k <= 2; ++k)
                    seen["acts/resid/" + std::to_string(k)] =
                        file.floats("acts/resid/" + std::to_string(k), {30, 32});
            });
        QVERIFY(refused > 0);
        const auto noted = std::ranges::find_if(events, [](const Event& event) {
            const auto* log = std::get_if<event::Log>(&event);
            return log && log->run == 7 && log->level == "info" &&
                   log->text.find("Memory ran out; prompts are read ") != std::string::npos;
        });
        QVERIFY(noted != events.end());
        for (const auto& [name, rows] : results[0])
            QVERIFY2(results[1].at(name) == rows, name.c_str());
    }
};

QTEST_GUILESS_MAIN(JobsTest)
#include "jobs_test.moc"
