// The weights of a folder: one file or shards; an index that lies, leaves the folder or leaves something out.
#include "core/base/json.h"
#include "core/container/safetensors_folder.h"
#include "tests/core/checks.h"

#include <QDir>
#include <QFile>
#include <QTemporaryDir>
#include <QtTest>

using namespace azimuth;
using azimuth::checks::codeOf;
using azimuth::checks::messageOf;

class TestSafetensorsFolder : public QObject {
    Q_OBJECT
    std::unique_ptr<QTemporaryDir> m_folder;

    std::string folder() const { return m_folder->path().toStdString(); }
    std::string path(const std::string& name) const { return folder() + "/" + name; }
    void shard(const std::string& name, const std::vector<std::string>& tensors) const {
        std::vector<SafetensorsDeclaration> declarations;
        for (const auto& tensor : tensors)
            declarations.push_back({tensor, DType::F32, {2}});
        SafetensorsWriter writer(path(name), declarations);
        for (const auto& tensor : tensors) {
            const std::vector<float> values{static_cast<float>(tensor.size()), 1};
            writer.append(tensor, std::span<const float>(values));
        }
        writer.finish();
    }
    void index(const Json& map) const {
        writeFileAtomically(path("model.safetensors.index.json"), Json{{"weight_map", map}}.dump());
    }
    std::string code() const {
        return codeOf([&] { SafetensorsFolder::open(folder()); });
    }
    std::string message() const {
        return messageOf([&] { SafetensorsFolder::open(folder()); });
    }

private Q_SLOTS:
    void init() { m_folder = std::make_unique<QTemporaryDir>(); }

    void opensOneFile() {
        shard("model.safetensors", {"a", "bb"});
        index({{"zz", "other.safetensors"}}); // not looked at
        const auto opened = SafetensorsFolder::open(folder());
        QCOMPARE(opened.files().size(), std::size_t{1});
        QCOMPARE(opened.tensors().size(), std::size_t{2});
        QVERIFY(opened.find("bb") && !opened.find("zz"));
    }

    void opensShards() {
        shard("b.safetensors", {"a", "bb"});
        shard("a.safetensors", {"ccc"});
        index({{"a", "b.safetensors"}, {"bb", "b.safetensors"}, {"ccc", "a.safetensors"}});
        const auto opened = SafetensorsFolder::open(folder());
        QCOMPARE(opened.files().size(), std::size_t{2});
        QCOMPARE(opened.files().front().origin(), path("a.safetensors"));
        const auto* found = opened.find("bb");
        QCOMPARE(found->file, std::size_t{1});
        QCOMPARE(opened.files()[1].floats("bb", {2}), (std::vector<float>{2, 1}));
    }

    void opensLinks() { // Hugging Face's cache keeps the files elsewhere
        shard("blob.safetensors", {"a"});
        QVERIFY(QFile::link(QString::fromStdString(path("blob.safetensors")),
                            QString::fromStdString(path("model.safetensors"))));
        QVERIFY(SafetensorsFolder::open(folder()).find("a"));
    }

    void refusesNamesThatLeaveTheFolder() {
        shard("a.safetensors", {"a"});
        for (const char* name :
             {"../a.safetensors", "/etc/a.safetensors", "x/a.safetensors", "..\\a.safetensors", "..",
              ".safetensors", ".a.safetensors", "a.bin", "", "a.safetensors/../a.safetensors"}) {
            index({{"a", name}});
            QCOMPARE(code(), std::string("safetensors.index"));
            QVERIFY(message().find("index.json: a is said to lie in") != std::string::npos);
        }
        index({{"a", std::string("a\0.safetensors", 14)}});
        QCOMPARE(code(), std::string("safetensors.index"));
        index({{"a", 7}});
        QCOMPARE(code(), std::string("safetensors.index"));
    }

    void refusesALyingIndex() {
        shard("a.safetensors", {"a"});
        shard("b.safetensors", {"b"});
        index({{"a", "b.safetensors"}, {"b", "b.safetensors"}}); // the first is elsewhere
        QCOMPARE(code(), std::string("safetensors.index"));
        QVERIFY(message().find("a: the index says b.safetensors, it is in no file") != std::string::npos);
        index({{"a", "b.safetensors"}, {"b", "a.safetensors"}});
        QVERIFY(message().find("a: the index says b.safetensors, it is in a.safetensors") !=
                std::string::npos);
        index({{"a", "a.safetensors"}, {"b", "b.safetensors"}, {"c", "a.safetensors"}});
        QVERIFY(message().find("c: the index says a.safetensors, it is in no file") != std::string::npos);
        shard("b.safetensors", {"b", "extra"});
        index({{"a", "a.safetensors"}, {"b", "b.safetensors"}});
        QVERIFY(message().find("extra: lies in b.safetensors, the index does not name it") !=
                std::string::npos);
        shard("b.safetensors", {"b", "a"});
        QCOMPARE(code(), std::string("safetensors.index"));
        QVERIFY(message().find("a is also in a.safetensors") != std::string::npos);
    }

    void refusesWhatIsMissing() {
        QCOMPARE(code(), std::string("safetensors.missing"));
        writeFileAtomically(path("pytorch_model.bin"), "x");
        QCOMPARE(code(), std::string("safetensors.missing"));
        QVERIFY(message().find("pytorch_model.bin, a Python pickle") != std::string::npos);
        shard("a.safetensors", {"a"});
        index({{"a", "a.safetensors"}, {"b", "gone.safetensors"}});
        QCOMPARE(code(), std::string("file.open"));
        QVERIFY(message().find("gone.safetensors") != std::string::npos);
        for (const char* text : {"", "[]", "{", "{\"weight_map\": []}", "{\"weight_map\": {}}", "{}",
                                 "{\"weight_map\": {\"a\": \"a.safetensors\", \"a\": \"a.safetensors\"}}"}) {
            writeFileAtomically(path("model.safetensors.index.json"), text);
            QVERIFY2(code() == "safetensors.index" || code().starts_with("json."), text);
        }
        Json many = Json::object();
        for (int i = 0; i < 1'001; ++i)
            many["t" + std::to_string(i)] = std::to_string(i) + ".safetensors";
        index(many);
        QVERIFY(message().find("names 1001 files, allowed are 1000") != std::string::npos);
    }

    void survivesDamage() {
        shard("a.safetensors", {"a", "b"});
        shard("c.safetensors", {"c"});
        const std::string good =
            Json{{"weight_map", {{"a", "a.safetensors"}, {"b", "a.safetensors"}, {"c", "c.safetensors"}}}}
                .dump();
        std::uint64_t state = 88172645463325252u;
        const auto random = [&] {
            state ^= state << 13, state ^= state >> 7, state ^= state << 17;
            return state;
        };
        int refused = 0;
        for (int round = 0; round < 400; ++round) {
            auto changed = good;
            if (round % 4 == 0)
                changed.resize(random() % good.size());
            else
                changed[random() % changed.size()] = static_cast<char>(random());
            QFile file(QString::fromStdString(path("model.safetensors.index.json")));
            QVERIFY(file.open(QIODevice::WriteOnly));
            file.write(QByteArray::fromStdString(changed));
            file.close();
            refused += code() == "nothing was thrown" ? 0 : 1;
        }
        QVERIFY(refused > 300);
    }
};

QTEST_APPLESS_MAIN(TestSafetensorsFolder)
#include "safetensors_folder_test.moc"
