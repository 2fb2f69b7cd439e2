#include "tests/faults/records.h"

#include "core/base/crc32.h"
#include "core/base/ids.h"
#include "core/base/time.h"

#include <cstring>
#include <random>
#include <span>

namespace azimuth::records {
namespace {

std::mt19937_64& random() {
    static std::mt19937_64 generator{std::random_device{}()};
    return generator;
}

std::string hexOf(const std::string& text) { return toHex(sha256(text)); }

template <class T> std::string bytesOf(const T& value) {
    std::string bytes(sizeof value, '\0');
    std::memcpy(bytes.data(), &value, sizeof value);
    return bytes;
}
template <class T> std::string bytesOf(const std::vector<T>& values) {
    std::string bytes(values.size() * sizeof(T), '\0');
    if (!values.empty())
        std::memcpy(bytes.data(), values.data(), bytes.size());
    return bytes;
}

std::string line(const std::string& kind, const std::string& key, const std::string& content) {
    const auto sum = crc32(std::as_bytes(std::span(content.data(), content.size())));
    return kind + " " + key + " " + std::to_string(sum) + "\n";
}

} // namespace

Completion completion() {
    Completion row;
    row.key = sha256(newUuid());
    row.modelIdentity = hexOf("model");
    row.promptId = hexOf("prompt");
    row.armDigest = hexOf("arm");
    for (auto count = random()() % 40; count > 0; --count)
        row.ids.push_back(static_cast<std::int32_t>(random()()));
    for (auto count = random()() % 60; count > 0; --count)
        row.text += random()() % 3 ? "moon " : "Grüße 詩\n";
    row.finish = random()() % 2 ? Finish::Stop : Finish::Length;
    row.logProbability = -static_cast<double>(random()() % 100000) / 7;
    row.promptTokens = static_cast<std::int32_t>(random()() % 100);
    row.jobId = hexOf("job");
    return row;
}

JobResult result(std::size_t rows) {
    JobResult result;
    result.job.id = hexOf(newUuid());
    result.job.kind = "generate";
    result.job.started = result.job.ended = utcNow();
    result.job.environment = "{}";
    for (std::size_t i = 0; i < rows; ++i)
        result.completions.push_back(completion());
    DirectionBank bank;
    bank.key = hexOf(newUuid());
    bank.modelIdentity = hexOf("model");
    bank.conceptName = "verse";
    bank.positions = {-1};
    bank.ks = 5;
    bank.width = 64;
    bank.rawNorm = bank.medianNorm = Array<double>({1, 5}, std::vector<double>(5, 1.0));
    std::vector<float> values(5 * 64);
    for (auto& value : values)
        value = static_cast<float>(random()() % 1000) / 8;
    bank.tensor = ArrayF({1, 5, 64}, values);
    bank.jobId = result.job.id;
    result.banks.push_back(bank);
    return result;
}

SetLabels labels() {
    const auto verdict = random()() % 2 ? Verdict::Coherent : Verdict::Garbled;
    return {{{completion().key, verdict}}, "Ana Ž. " + std::to_string(random()() % 1000)};
}

std::string lineOf(const Completion& row) {
    const std::string key(reinterpret_cast<const char*>(row.key.data()), row.key.size());
    return line("completion", toHex(row.key),
                key + row.modelIdentity + row.promptId + row.armDigest + bytesOf(row.ids) + row.text +
                    toString(row.finish) + bytesOf(row.logProbability) + bytesOf(row.promptTokens) +
                    row.jobId);
}

std::string lineOf(const DirectionBank& bank) {
    return line("bank", bank.key,
                bank.modelIdentity + bank.conceptName + bytesOf(bank.tensor.values()) + bank.jobId);
}

std::string lineOf(const SetLabels& labels) {
    const auto& item = labels.items.front();
    return line("label", toHex(item.key), toString(*item.verdict) + labels.rater);
}

} // namespace azimuth::records
