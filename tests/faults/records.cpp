#include "tests/faults/records.h"

#include "core/base/crc32.h"
#include "core/base/ids.h"
#include "core/base/time.h"
#include "tests/core/project/sample.h"

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

const Model& model() { // under a name that no study has
    static const Model one = [] {
        auto model = sample::jobResult().models.front();
        model.name = "measured";
        return model;
    }();
    return one;
}
const Arm& control() {
    static const Arm one{"control", {}};
    return one;
}

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

} // namespace

Completion completion() {
    Completion row;
    row.key = sha256(newUuid());
    row.modelIdentity = model().identity;
    row.promptId = hexOf("prompt");
    row.armDigest = control().digest();
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
    result.models = {model()};
    result.arms = {control()};
    for (std::size_t i = 0; i < rows; ++i)
        result.completions.push_back(completion());
    DirectionBank bank;
    bank.key = hexOf(newUuid());
    bank.modelIdentity = model().identity;
    bank.conceptName = "a concept that no study has";
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

SetLabels labels(const ProjectView& view) {
    const auto rows = view.completions->size();
    const auto key = rows > 0 ? view.completions->row(random()() % rows).key : completion().key;
    return {{{key, random()() % 2 ? Verdict::Coherent : Verdict::Garbled}}, newText("Ana Ž.")};
}

SetNote note() {
    return {NoteSubject::Completion, toHex(completion().key), "Grüße 詩 " + std::to_string(random()())};
}

JobRecord failedJob() {
    JobRecord job;
    job.id = hexOf(newUuid());
    job.kind = "generate";
    job.state = random()() % 2 ? JobState::Failed : JobState::Cancelled;
    job.modelIdentity = model().identity;
    job.started = job.ended = utcNow();
    job.seconds = static_cast<double>(random()() % 1000) / 8;
    job.results = static_cast<std::int64_t>(random()() % 100);
    job.environment = "{}";
    job.error = "engine.memory: Grüße " + std::to_string(random()());
    return job;
}

Study changed(const Study& study) {
    auto next = study;
    const auto name = " " + std::to_string(random()() % 1000000);
    switch (random()() % 4) {
    case 0:
        next.models[random()() % next.models.size()].name = "model" + name;
        break;
    case 1:
        next.concepts[0].sets.at(PromptRole::Positive).prompts[0] = Prompt::of("prompt" + name);
        break;
    case 2:
        if (next.concepts.size() > 1) {
            next.concepts.pop_back();
        } else {
            next.concepts.push_back(next.concepts[0]);
            next.concepts.back().name = "concept" + name;
        }
        break;
    default:
        if (next.models.size() > 1) {
            next.models.pop_back();
        } else {
            next.models.push_back(next.models[0]);
            next.models.back().name = "another model" + name;
        }
    }
    return next;
}

std::string newText(const std::string& what) { return what + " " + newUuid(); }

PlannedJob plannedJob(const Study& study) {
    PlannedJob job;
    job.spec.id = hexOf(newUuid());
    job.spec.model = {study.models[0], model().identity};
    job.spec.rendering = study.rendering;
    GenerateJob generate;
    generate.prompts = {{hexOf("prompt"), std::string("Say something.")}};
    generate.decoding = study.decoding;
    for (std::uint32_t i = 0; i < 2; ++i) {
        Direction direction;
        for (int d = 0; d < 64; ++d)
            direction.unit.push_back(static_cast<float>(random()() % 1000) / 8);
        direction.digest = directionDigest(direction.unit);
        generate.arms.push_back(
            {"arm " + std::to_string(i), {{Operation::Add, direction.digest, 2.5, 3, 3, TokenScope::All}}});
        generate.rows.push_back({completion().key, 0, i});
        job.directions.push_back(std::move(direction));
    }
    job.spec.payload = std::move(generate);
    return job;
}

std::string lineOf(const std::string& kind, const std::string& key, const std::string& content) {
    const auto sum = crc32(std::as_bytes(std::span(content.data(), content.size())));
    return kind + " " + key + " " + std::to_string(sum) + "\n";
}

std::string lineOf(const Completion& row) {
    const std::string key(reinterpret_cast<const char*>(row.key.data()), row.key.size());
    return lineOf("completion", toHex(row.key),
                  key + row.modelIdentity + row.promptId + row.armDigest + bytesOf(row.ids) + row.text +
                      toString(row.finish) + bytesOf(row.logProbability) + bytesOf(row.promptTokens) +
                      row.jobId);
}

std::string lineOf(const DirectionBank& bank) {
    return lineOf("bank", bank.key,
                  bank.modelIdentity + bank.conceptName + bytesOf(bank.tensor.values()) + bank.jobId);
}

std::string lineOf(const Label& label) {
    const auto key = toHex(label.completionKey);
    return lineOf("label", hexOf(key + label.rater), key + toString(label.verdict) + label.rater);
}

std::string lineOf(const Note& note) {
    return lineOf("note", note.object, toString(note.subject) + note.object + note.text + note.author);
}

std::string lineOf(const JobRecord& job) {
    return lineOf("job", job.id,
                  job.kind + toString(job.state) + job.modelIdentity + job.started + job.ended +
                      bytesOf(job.seconds) + bytesOf(job.results) + job.environment + job.error);
}

std::string lineOf(const ProvenanceRecord& edit) {
    return lineOf("edit", hexOf(edit.object), edit.actor + edit.object);
}

std::string lineOf(const Study& study) {
    const auto json = canonicalJson(toJson(study));
    return "study " + std::to_string(crc32(std::as_bytes(std::span(json.data(), json.size())))) + "\n";
}

} // namespace azimuth::records
