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

std::string stampKey(const FileStamp& stamp) {
    return std::to_string(stamp.device) + ":" + std::to_string(stamp.inode) + ":" +
           std::to_string(stamp.bytes) + ":" + std::to_string(stamp.modified);
}

} // namespace

FileDigests metadataDigests(const GgufFile& file) {
    const auto architecture = file.text("general.architecture").value_or("");
    std::map<Part, Json> parts{
        {Part::Config, Json::object()}, {Part::Tokenizer, Json::object()}, {Part::Template, Json::object()}};
    for (const auto& entry : file.entries())
        if (const auto part = partOf(entry.key, architecture); part != Part::None)
            parts[part][textValue(file, entry.key, entry.key).get<std::string>()] = jsonValue(file, entry);
    const auto digest = [&](Part part) { return toHex(sha256(canonicalJson(parts[part]))); };
    return {"", digest(Part::Config), digest(Part::Tokenizer), digest(Part::Template)};
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
        std::map<std::string, FileDigests> entries;
        reader.root().members("files", [&](const std::string& key, JsonObject& object) {
            FileDigests digests{object.text("weights"), object.text("config"), object.text("tokenizer"),
                                object.text("template")};
            for (const auto* text :
                 {&digests.weights, &digests.config, &digests.tokenizer, &digests.chatTemplate})
                digestFromHex(*text);
            entries.emplace(key, std::move(digests));
        });
        reader.finish();
        m_entries.merge(entries);
    } catch (const Error& error) {
        log::warning(m_path + " is ignored and will be written anew: " + error.message());
    }
}

std::optional<FileDigests> DigestCache::find(const FileStamp& stamp) const {
    const auto found = m_entries.find(stampKey(stamp));
    if (found == m_entries.end())
        return {};
    return found->second;
}

void DigestCache::store(const FileStamp& stamp, const FileDigests& digests) {
    constexpr std::size_t maximumEntries = 10'000;
    read();
    if (m_entries.size() >= maximumEntries)
        m_entries.clear();
    m_entries[stampKey(stamp)] = digests;
    Json files = Json::object();
    for (const auto& [key, entry] : m_entries)
        files[key] = {{"weights", entry.weights},
                      {"config", entry.config},
                      {"tokenizer", entry.tokenizer},
                      {"template", entry.chatTemplate}};
    try {
        std::error_code ignored;
        std::filesystem::create_directories(std::filesystem::path(m_path).parent_path(), ignored);
        writeFileAtomically(m_path, prettyJson({{"azimuth", "digests"}, {"version", 1}, {"files", files}}));
    } catch (const Error& error) {
        log::warning("Digests are not kept: " + error.message());
    }
}

FileDigests digestsOf(const GgufFile& file, DigestCache& cache, const DigestProgress& progress) {
    const auto& mapping = *file.mapping();
    mapping.checkUnchanged();
    if (const auto known = cache.find(mapping.stamp()))
        return *known;
    auto digests = metadataDigests(file);
    digests.weights = toHex(sha256File(mapping.path(), 0, progress));
    mapping.checkUnchanged();
    if (stampOf(mapping.path()) != mapping.stamp())
        throw Error("file.changed", mapping.path() + ": another file took its place while it was read.",
                    "Open it again.");
    cache.store(mapping.stamp(), digests);
    return digests;
}

Model describeQuickly(const Checkpoint& checkpoint, Precision compute, const DigestCache& cache) {
    const auto& h = checkpoint.hyperparameters();
    const auto& file = checkpoint.file();
    Model model;
    model.fileName = std::filesystem::path(checkpoint.path()).filename().string();
    model.name = model.fileName;
    model.family = h.family;
    model.blocks = h.blocks;
    model.width = h.width;
    model.vocabulary = h.vocabulary;
    model.parameters = checkpoint.parameters();
    model.storage = storageName(file);
    model.compute = compute;
    model.hasTemplate = file.find("tokenizer.chat_template") != nullptr;
    model.contextLength = h.contextLength;
    model.fileBytes = file.fileBytes();
    model.memoryBytes = checkpoint.memoryBytes(scalarType(compute));
    if (const auto digests = cache.find(file.mapping()->stamp())) {
        model.weightsSha256 = {digests->weights};
        model.configSha256 = digests->config;
        model.tokenizerSha256 = digests->tokenizer;
        model.templateSha256 = digests->chatTemplate;
        model.identity = modelIdentity(model);
    }
    return model;
}

Model describe(const Checkpoint& checkpoint, Precision compute, DigestCache& cache,
               const DigestProgress& progress) {
    const auto digests = digestsOf(checkpoint.file(), cache, progress);
    Model model = describeQuickly(checkpoint, compute, cache);
    model.weightsSha256 = {digests.weights};
    model.configSha256 = digests.config;
    model.tokenizerSha256 = digests.tokenizer;
    model.templateSha256 = digests.chatTemplate;
    model.identity = modelIdentity(model);
    return model;
}

} // namespace azimuth
