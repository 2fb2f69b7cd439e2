#include "core/engine/checkpoint/identity.h"

#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/base/log.h"
#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/engine/checkpoint/locate.h"

#include <cmath>
#include <filesystem>

namespace azimuth {
namespace {

[[noreturn]] void refuse(const GgufFile& file, std::string_view key, const std::string& finding) {
    throw Error("checkpoint.metadata", file.origin() + ": " + forMessage(key) + " " + finding,
                "Convert the model again.");
}

bool isWide(GgufValueType type) { return type == GgufValueType::U64 || type == GgufValueType::I64; }

Json textValue(const GgufFile& file, std::string_view key, std::string_view text) {
    if (!isValidUtf8(text))
        refuse(file, key, "is not UTF-8: " + forMessage(text, 20));
    return std::string(text);
}

Json numberValue(const GgufFile& file, std::string_view key, double value) {
    if (!std::isfinite(value))
        refuse(file, key, "holds a number that is not finite.");
    return value;
}

Json arrayValue(const GgufFile& file, std::string_view key, const GgufArray& array) {
    constexpr std::uint64_t maximumElements = std::uint64_t{1} << 23; // as many as a vocabulary may have
    if (array.count > maximumElements)
        refuse(file, key,
               "holds " + std::to_string(array.count) + " elements, allowed are " +
                   std::to_string(maximumElements) + ".");
    Json::array_t values;
    values.reserve(array.count);
    if (array.elementType == GgufValueType::Text)
        for (const auto text : ggufTexts(array))
            values.push_back(textValue(file, key, text));
    else if (array.elementType == GgufValueType::F32 || array.elementType == GgufValueType::F64)
        for (const double number : ggufNumbers(array))
            values.push_back(numberValue(file, key, number));
    else
        for (const auto integer : ggufIntegers(array)) {
            if (array.elementType == GgufValueType::Bool)
                values.push_back(integer != 0);
            else if (isWide(array.elementType))
                values.push_back(std::to_string(integer));
            else
                values.push_back(integer);
        }
    return values;
}

Json jsonValue(const GgufFile& file, const GgufEntry& entry) {
    return std::visit(
        [&](const auto& value) -> Json {
            using T = std::decay_t<decltype(value)>;
            if constexpr (std::is_same_v<T, GgufArray>)
                return arrayValue(file, entry.key, value);
            else if constexpr (std::is_same_v<T, std::string_view>)
                return textValue(file, entry.key, value);
            else if constexpr (std::is_same_v<T, double>)
                return numberValue(file, entry.key, value);
            else if constexpr (std::is_same_v<T, bool>)
                return value;
            else
                return isWide(entry.value.type) ? Json(std::to_string(value)) : Json(value);
        },
        entry.value.value);
}

enum class Part { Config, Tokenizer, Template, None };

Part partOf(std::string_view key, std::string_view architecture) {
    if (key == "general.architecture" || key == "general.file_type" || key == "general.quantization_version")
        return Part::Config;
    if (key.starts_with("tokenizer.chat_template"))
        return Part::Template;
    if (key.starts_with("tokenizer."))
        return Part::Tokenizer;
    if (!architecture.empty() && key.starts_with(architecture) &&
        key.substr(architecture.size()).starts_with("."))
        return Part::Config;
    return Part::None;
}

std::string stampText(const FileStamp& stamp) {
    return std::to_string(stamp.device) + ":" + std::to_string(stamp.inode) + ":" +
           std::to_string(stamp.bytes) + ":" + std::to_string(stamp.modified);
}

std::string stampKey(const std::vector<FileStamp>& stamps) {
    if (stamps.size() == 1)
        return stampText(stamps.front());
    std::string all;
    for (const auto& stamp : stamps)
        all += stampText(stamp) + ";";
    return toHex(sha256(all));
}

} // namespace

MetadataDigests metadataDigests(const GgufFile& file) {
    const auto architecture = file.text("general.architecture").value_or("");
    std::map<Part, Json> parts{
        {Part::Config, Json::object()}, {Part::Tokenizer, Json::object()}, {Part::Template, Json::object()}};
    for (const auto& entry : file.entries())
        if (const auto part = partOf(entry.key, architecture); part != Part::None)
            parts[part][textValue(file, entry.key, entry.key).get<std::string>()] = jsonValue(file, entry);
    const auto digest = [&](Part part) { return toHex(sha256(canonicalJson(parts[part]))); };
    return {digest(Part::Config), digest(Part::Tokenizer), digest(Part::Template)};
}

std::string storageName(const GgufFile& file) {
    std::string name;
    if (const auto fileType = file.integer("general.file_type", 0, 1 << 20))
        name = ggufFileTypeName(*fileType);
    if (name.empty()) {
        std::map<std::string, std::uint64_t> elements;
        for (const auto& tensor : file.tensors())
            elements[ggufTypeName(tensor.type)] += tensor.elements;
        std::uint64_t most = 0;
        for (const auto& [type, count] : elements)
            if (count > most)
                most = count, name = type;
    }
    if (name == "F32")
        return "fp32";
    if (name == "F16")
        return "fp16";
    if (name == "BF16")
        return "bf16";
    return "dequantised " + name;
}

std::string DigestCache::defaultPath() { return cacheFolder() + "/azimuth/digests.json"; }

DigestCache::DigestCache(std::string path) : m_path(std::move(path)) { read(); }

void DigestCache::read() {
    if (m_path.empty() || !std::filesystem::exists(m_path))
        return;
    try {
        const auto json = readJsonFile(m_path);
        JsonReader reader(json, m_path, "digests", 1);
        std::map<std::string, CachedDigests> entries;
        reader.root().members("files", [&](const std::string& key, JsonObject& object) {
            CachedDigests digests{object.text("weights"),
                                  {object.text("config"), object.text("tokenizer"), object.text("template")}};
            const auto& metadata = digests.metadata;
            for (const auto& text :
                 {digests.weights, metadata.config, metadata.tokenizer, metadata.chatTemplate})
                if (!text.empty())
                    digestFromHex(text);
            entries.emplace(key, std::move(digests));
        });
        reader.finish();
        m_entries.merge(entries);
    } catch (const Error& error) {
        log::warning(m_path + " is ignored and will be written anew: " + error.message());
    }
}

CachedDigests DigestCache::find(const std::vector<FileStamp>& stamps) const {
    const auto found = m_entries.find(stampKey(stamps));
    return found == m_entries.end() ? CachedDigests{} : found->second;
}

void DigestCache::store(const std::vector<FileStamp>& stamps, const CachedDigests& digests) {
    constexpr std::size_t maximumEntries = 10'000;
    read();
    if (m_entries.size() >= maximumEntries)
        m_entries.clear();
    auto& entry = m_entries[stampKey(stamps)];
    if (!digests.weights.empty())
        entry.weights = digests.weights;
    if (!digests.metadata.config.empty())
        entry.metadata = digests.metadata;
    Json files = Json::object();
    for (const auto& [key, kept] : m_entries)
        files[key] = {{"weights", kept.weights},
                      {"config", kept.metadata.config},
                      {"tokenizer", kept.metadata.tokenizer},
                      {"template", kept.metadata.chatTemplate}};
    try {
        std::error_code ignored;
        std::filesystem::create_directories(std::filesystem::path(m_path).parent_path(), ignored);
        writeFileAtomically(m_path, prettyJson({{"azimuth", "digests"}, {"version", 1}, {"files", files}}));
    } catch (const Error& error) {
        log::warning("Digests are not kept: " + error.message());
    }
}

std::optional<ModelDigests> cachedDigests(const StoredModel& model, const DigestCache& cache) {
    ModelDigests digests;
    for (const auto* file : model.weightFiles()) {
        digests.weights.push_back(cache.find({file->stamp()}).weights);
        if (digests.weights.back().empty())
            return {};
    }
    const auto metadata = cache.find(model.metadataStamps()).metadata;
    if (metadata.config.empty())
        return {};
    digests.config = metadata.config;
    digests.tokenizer = metadata.tokenizer;
    digests.chatTemplate = metadata.chatTemplate;
    return digests;
}

ModelDigests digestsOf(const StoredModel& model, DigestCache& cache, const DigestProgress& progress) {
    const auto files = model.weightFiles();
    for (const auto* file : files)
        file->checkUnchanged();
    if (auto known = cachedDigests(model, cache))
        return *known;
    std::uint64_t total = 0, before = 0;
    for (const auto* file : files)
        total += file->bytes().size();
    const auto stamps = model.metadataStamps();
    const auto metadata = model.metadataDigests();
    cache.store(stamps, {"", metadata});
    ModelDigests digests{{}, metadata.config, metadata.tokenizer, metadata.chatTemplate};
    for (const auto* file : files) {
        auto digest = cache.find({file->stamp()}).weights;
        if (digest.empty()) {
            digest = toHex(sha256File(file->path(), 0, [&](std::uint64_t done, std::uint64_t) {
                return !progress || progress(before + done, total);
            }));
            file->checkUnchanged();
            if (stampOf(file->path()) != file->stamp())
                throw Error("file.changed", file->path() + ": another file took its place while it was read.",
                            "Open it again.");
            cache.store({file->stamp()}, {digest, {}});
        }
        digests.weights.push_back(std::move(digest));
        before += file->bytes().size();
    }
    return digests;
}

namespace {

void setDigests(Model& model, const ModelDigests& digests) {
    model.weightsSha256 = digests.weights;
    model.configSha256 = digests.config;
    model.tokenizerSha256 = digests.tokenizer;
    model.templateSha256 = digests.chatTemplate;
    model.identity = modelIdentity(model);
}

} // namespace

Model describeQuickly(const Checkpoint& checkpoint, Precision compute, const DigestCache& cache) {
    const auto& h = checkpoint.hyperparameters();
    const auto& stored = checkpoint.stored();
    Model model;
    model.fileName = modelName(checkpoint.path());
    model.name = model.fileName;
    model.family = h.family;
    model.blocks = h.blocks;
    model.width = h.width;
    model.vocabulary = h.vocabulary;
    model.parameters = checkpoint.parameters();
    model.storage = stored.storageName();
    model.compute = compute;
    model.hasTemplate = stored.hasTemplate();
    model.contextLength = h.contextLength;
    for (const auto* file : stored.weightFiles())
        model.fileBytes += file->bytes().size();
    model.memoryBytes = checkpoint.memoryBytes(scalarType(compute));
    if (const auto digests = cachedDigests(stored, cache))
        setDigests(model, *digests);
    return model;
}

Model describe(const Checkpoint& checkpoint, Precision compute, DigestCache& cache,
               const DigestProgress& progress) {
    const auto digests = digestsOf(checkpoint.stored(), cache, progress);
    Model model = describeQuickly(checkpoint, compute, cache);
    setDigests(model, digests);
    return model;
}

} // namespace azimuth
