// Which activation caches a study needs, and that only those of Azimuth that it does not need are removed.
#include "app/session/caches.h"
#include "core/base/atomic_file.h"
#include "core/container/safetensors.h"
#include "core/project/project.h"
#include "core/project/user_block.h"

#include "tests/core/checks.h"
#include "tests/core/project/sample.h"

#include <filesystem>
#include <QtTest>

using namespace azimuth;
using checks::codeOf;
namespace fs = std::filesystem;

namespace {

QString text(const std::string& value) { return QString::fromStdString(value); }

} // namespace

class CachesTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const std::string& name) const {
        return m_folder.filePath(QString::fromStdString(name)).toStdString();
    }

    static std::map<std::string, std::string> metadata(const ProjectView& view) {
        return {{"format", "azimuth_capture"},
                {"model.identity", view.modelIdentities[0]},
                {"prompts.digest", view.study->concepts[0].set(PromptRole::Neutral)->digest()},
                {"render", canonicalJson({{"rendering", toJson(view.study->rendering)}})},
                {"position.rule", "all"}};
    }
    static void write(const std::string& file, const std::map<std::string, std::string>& metadata) {
        SafetensorsWriter writer(file, {{"acts/mlp_out/3", DType::F32, {4}}}, metadata);
        writer.append("acts/mlp_out/3", std::span<const float>(std::vector<float>(4)));
        writer.finish();
    }
    static void writeBlock(const std::string& file, const UserBlock& block) {
        auto whole = block;
        whole.fileBytes = userBlockBytes;
        const auto bytes = encodeUserBlock(whole);
        writeFileAtomically(file, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
    }

private Q_SLOTS:
    void eachFileHasAState() {
        const auto file = path("states.h5");
        auto view = sample::fullView();
        view.uuid = createProject(file, *view.study).uuid;
        saveProject(file, view);
        const auto folder = sideFolder(file).cache;
        ensureFolder(folder);
        auto good = metadata(view);
        write(folder + "/used.safetensors", good);
        const auto changed = [&](const char* name, const char* key, const std::string& value) {
            auto other = good;
            other[key] = value;
            write(folder + "/" + name + ".safetensors", other);
        };
        changed("model", "model.identity", sample::hexOf("another model"));
        changed("prompts", "prompts.digest", sample::hexOf("other prompts"));
        changed("rendering", "render", "{\"rendering\":{}}");
        changed("broken rendering", "render", "{");
        changed("format", "format", "something");
        changed("no digest", "prompts.digest", "");
        write(folder + "/.unfinished.safetensors", good);
        writeFileAtomically(folder + "/text.safetensors", "no tensors");
        writeFileAtomically(folder + "/text", "nothing");
        fs::create_directory(folder + "/folder");
        fs::create_symlink(folder + "/model.safetensors", folder + "/link.safetensors");
        UserBlock block;
        block.kind = FileKind::Cache;
        block.project = view.uuid;
        writeBlock(folder + "/own.h5", block);
        block.project = "11111111-2222-3333-4444-555555555555";
        writeBlock(folder + "/others.h5", block);

        std::map<std::string, std::string> states;
        for (const auto& cache : listCaches(view, file, true)) {
            states[cache.name] = toString(cache.state);
            QVERIFY2(!cache.what.empty(), cache.name.c_str());
            if (cache.name == "used.safetensors") {
                QCOMPARE(text(cache.sha256), text(toHex(sha256File(cache.path))));
                QCOMPARE(cache.bytes, static_cast<std::uint64_t>(fs::file_size(cache.path)));
                QCOMPARE(text(cache.what),
                         QStringLiteral("SmolLM2 fp32, neutral prompts of verse, all positions, mlp_out"));
            }
        }
        const std::map<std::string, std::string> expected{{"used.safetensors", "used"},
                                                          {"own.h5", "used"},
                                                          {"model.safetensors", "unused"},
                                                          {"prompts.safetensors", "unused"},
                                                          {"rendering.safetensors", "unused"},
                                                          {"broken rendering.safetensors", "unused"},
                                                          {"format.safetensors", "foreign"},
                                                          {"no digest.safetensors", "foreign"},
                                                          {"text.safetensors", "foreign"},
                                                          {"text", "foreign"},
                                                          {"folder", "foreign"},
                                                          {"link.safetensors", "foreign"},
                                                          {"others.h5", "foreign"}};
        QCOMPARE(states, expected);

        std::uint64_t bytes = 0;
        for (const char* name : {"model", "prompts", "rendering", "broken rendering"})
            bytes += fs::file_size(folder + "/" + name + ".safetensors");
        auto store = ProjectStore::open(file);
        auto second = ProjectStore::open(file); // may only look
        QCOMPARE(codeOf([&] { removeUnusedCaches(second); }), std::string("project.readonly"));
        const auto removal = removeUnusedCaches(store);
        QCOMPARE(removal.files, std::size_t{4});
        QCOMPARE(removal.bytes, bytes);
        QCOMPARE(removal.foreign.size(), std::size_t{7});
        QVERIFY(removal.problems.empty());
        QVERIFY(text(removalText(removal)).startsWith(QStringLiteral("Removed 4 activation caches")));
        QVERIFY(text(removalText(removal)).contains(QStringLiteral("and 2 more.")));
        const auto left = listCaches(view, file, false);
        QCOMPARE(left.size(), std::size_t{9});
        QVERIFY(left[0].sha256.empty());
        QVERIFY(fs::exists(folder + "/.unfinished.safetensors"));
        QCOMPARE(removeUnusedCaches(store).files, std::size_t{0});
        QCOMPARE(openProject(file).completions->size(), view.completions->size());
    }
};

QTEST_GUILESS_MAIN(CachesTest)
#include "caches_test.moc"
