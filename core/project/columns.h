// What stands in the columns of each table, said once for writing and reading: t is a TableWriter or a
// TableReader of the row type. Rows that are no nouns of core/study are here too: parents by id, flattened
// lists. Private to core/project.
#pragma once

#include "core/study/project_view.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth::h5 {

struct StudyRow {
    std::string title, json;
};
template <class T> void studyColumns(T& t) {
    t.text("title", &StudyRow::title);
    t.text("json", &StudyRow::json);
}

struct StudyModelRow {
    std::string name, identity;
};
template <class T> void studyModelColumns(T& t) {
    t.text("name", &StudyModelRow::name);
    t.digest("identity", &StudyModelRow::identity);
}

template <class T> void modelColumns(T& t) {
    t.id("id");
    t.digest("identity", &Model::identity);
    t.text("name", &Model::name);
    t.text("family", &Model::family);
    t.number("blocks", &Model::blocks);
    t.number("width", &Model::width);
    t.number("vocabulary", &Model::vocabulary);
    t.number("parameters", &Model::parameters);
    t.text("storage", &Model::storage);
    t.choice("compute", &Model::compute);
    t.flag("has_template", &Model::hasTemplate);
    t.number("context_length", &Model::contextLength);
    t.number("file_bytes", &Model::fileBytes);
    t.number("memory_bytes", &Model::memoryBytes);
    t.list("weights", &Model::weightsSha256);
    t.digest("config", &Model::configSha256);
    t.digest("tokenizer", &Model::tokenizerSha256);
    t.digest("template", &Model::templateSha256);
    t.text("file_name", &Model::fileName);
}

struct ConceptRow {
    std::string name, description, judge, judgeJson;
};
template <class T> void conceptColumns(T& t) {
    t.id("id");
    t.text("name", &ConceptRow::name);
    t.text("description", &ConceptRow::description);
    t.digest("judge", &ConceptRow::judge);
    t.text("judge_json", &ConceptRow::judgeJson);
}

struct SetRow {
    std::uint64_t concepts = 0;
    PromptRole role = PromptRole::Positive;
    std::string source, licence, digest;
};
template <class T> void setColumns(T& t) {
    t.id("id");
    t.number("concepts_id", &SetRow::concepts);
    t.choice("role", &SetRow::role);
    t.text("source", &SetRow::source);
    t.text("licence", &SetRow::licence);
    t.digest("digest", &SetRow::digest);
}

struct PromptRow {
    std::uint64_t sets = 0;
    Prompt prompt;
};
template <class T> void promptColumns(T& t) {
    t.id("id");
    t.number("sets_id", &PromptRow::sets);
    t.digest(
        "prompt", [](auto& row) -> auto& { return row.prompt.id; });
    t.text(
        "category", [](auto& row) -> auto& { return row.prompt.category; });
    t.text(
        "text", [](auto& row) -> auto& { return row.prompt.text; });
}

struct BankRow {
    DirectionBank bank; // without tensor, norms, positions
    std::vector<double> rawNorm, medianNorm;
    bool hasTokens = false;
};
template <class T> void bankColumns(T& t) {
    t.id("id");
    t.hexKey(
        "key", [](auto& row) -> auto& { return row.bank.key; });
    t.digest(
        "model", [](auto& row) -> auto& { return row.bank.modelIdentity; });
    t.text(
        "concept", [](auto& row) -> auto& { return row.bank.conceptName; });
    t.choice(
        "method", [](auto& row) -> auto& { return row.bank.method; });
    t.number(
        "ks", [](auto& row) -> auto& { return row.bank.ks; });
    t.number(
        "width", [](auto& row) -> auto& { return row.bank.width; });
    t.number(
        "positive_count", [](auto& row) -> auto& { return row.bank.positiveCount; });
    t.number(
        "negative_count", [](auto& row) -> auto& { return row.bank.negativeCount; });
    t.list("raw_norm", &BankRow::rawNorm);
    t.list("median_norm", &BankRow::medianNorm);
    t.flag("has_tokens", &BankRow::hasTokens);
    t.digest(
        "job", [](auto& row) -> auto& { return row.bank.jobId; });
}

struct PositionRow {
    std::uint64_t bank = 0;
    std::int32_t position = 0;
    std::string token;
};
template <class T> void positionColumns(T& t) {
    t.number("index_id", &PositionRow::bank);
    t.number("position", &PositionRow::position);
    t.text("token", &PositionRow::token);
}

struct ArmRow {
    std::string digest, name;
};
template <class T> void armColumns(T& t) {
    t.id("id");
    t.digest("arm", &ArmRow::digest);
    t.text("name", &ArmRow::name);
}

struct InterventionRow {
    std::uint64_t arm = 0;
    Intervention intervention;
};
template <class T> void interventionColumns(T& t) {
    t.number("arms_id", &InterventionRow::arm);
    t.choice(
        "operation", [](auto& row) -> auto& { return row.intervention.operation; });
    t.digest(
        "direction", [](auto& row) -> auto& { return row.intervention.direction; });
    t.number(
        "strength", [](auto& row) -> auto& { return row.intervention.strength; });
    t.number(
        "k_from", [](auto& row) -> auto& { return row.intervention.kFrom; });
    t.number(
        "k_to", [](auto& row) -> auto& { return row.intervention.kTo; });
    t.choice(
        "scope", [](auto& row) -> auto& { return row.intervention.scope; });
    t.choice(
        "site", [](auto& row) -> auto& { return row.intervention.site; });
}

struct CompletionIndexRow {
    Digest key{};
    std::uint32_t part = 0, row = 0;
    std::uint64_t model = 0, prompt = 0, arm = 0;
    Finish finish = Finish::Length;
    std::uint32_t tokens = 0;
};
template <class T> void completionIndexColumns(T& t) {
    t.key("key", &CompletionIndexRow::key);
    t.number("part", &CompletionIndexRow::part);
    t.number("row", &CompletionIndexRow::row);
    t.number("models_id", &CompletionIndexRow::model);
    t.number("prompts_id", &CompletionIndexRow::prompt);
    t.number("arms_id", &CompletionIndexRow::arm);
    t.choice("finish", &CompletionIndexRow::finish);
    t.number("tokens", &CompletionIndexRow::tokens);
}

template <class T> void completionColumns(T& t) {
    t.key("key", &Completion::key);
    t.digest("model", &Completion::modelIdentity);
    t.digest("prompt", &Completion::promptId);
    t.digest("arm", &Completion::armDigest);
    t.list("ids", &Completion::ids);
    t.text("text", &Completion::text);
    t.choice("finish", &Completion::finish);
    t.number("log_probability", &Completion::logProbability);
    t.number("prompt_tokens", &Completion::promptTokens);
    t.digest("job", &Completion::jobId);
}

template <class T> void scoreColumns(T& t) {
    t.key("key", &Score::key);
    t.digest("model", &Score::modelIdentity);
    t.digest("prompt", &Score::promptId);
    t.digest("continuation", &Score::continuationDigest);
    t.digest("arm", &Score::armDigest);
    t.digest("reference", &Score::referenceDigest);
    t.list("ids", &Score::ids);
    t.list("log_probability", &Score::logProbabilities);
    t.number("sum", &Score::sum);
    t.list("kl", &Score::kl);
    t.number("prompt_tokens", &Score::promptTokens);
    t.digest("job", &Score::jobId);
}

template <class T> void labelColumns(T& t) {
    t.key("key", &Label::completionKey);
    t.digest("judge", &Label::judgeDigest);
    t.choice("source", &Label::source);
    t.choice("verdict", &Label::verdict);
    t.flag("behaves", &Label::behaves);
    t.text("reason", &Label::reason);
    t.text("rater", &Label::rater);
    t.number("time", &Label::time);
    t.flag("retracted", &Label::retracted);
}

template <class T> void noteColumns(T& t) {
    t.choice("subject", &Note::subject);
    t.text("object", &Note::object);
    t.text("text", &Note::text);
    t.text("author", &Note::author);
    t.number("time", &Note::time);
}

struct CalibrationRow {
    Calibration value; // without points
    std::int64_t chosen = -1;
};
template <class T> void calibrationColumns(T& t) {
    t.id("id");
    t.hexKey(
        "key", [](auto& row) -> auto& { return row.value.id; });
    t.digest(
        "model", [](auto& row) -> auto& { return row.value.modelIdentity; });
    t.text(
        "concept", [](auto& row) -> auto& { return row.value.conceptName; });
    t.digest(
        "judge", [](auto& row) -> auto& { return row.value.judgeDigest; });
    t.digest(
        "bank", [](auto& row) -> auto& { return row.value.bankKey; });
    t.choice(
        "rule", [](auto& row) -> auto& { return row.value.rule; });
    t.choice(
        "status", [](auto& row) -> auto& { return row.value.status; });
    t.text(
        "reason", [](auto& row) -> auto& { return row.value.reason; });
    t.number(
        "control_n", [](auto& row) -> auto& { return row.value.controlN; });
    t.number(
        "control_coherent", [](auto& row) -> auto& { return row.value.controlCoherent; });
    t.number(
        "control_garbled", [](auto& row) -> auto& { return row.value.controlGarbled; });
    t.number("chosen", &CalibrationRow::chosen);
    t.digest(
        "inputs", [](auto& row) -> auto& { return row.value.inputDigest; });
    t.time(
        "created", [](auto& row) -> auto& { return row.value.created; });
}

struct PointRow {
    std::uint64_t calibration = 0;
    SweepPoint point;
};
template <class T> void pointColumns(T& t) {
    t.number("calibrations_id", &PointRow::calibration);
    t.number(
        "k", [](auto& row) -> auto& { return row.point.k; });
    t.number(
        "grid_strength", [](auto& row) -> auto& { return row.point.gridStrength; });
    t.number(
        "alpha", [](auto& row) -> auto& { return row.point.alpha; });
    t.number(
        "dose", [](auto& row) -> auto& { return row.point.dose; });
    t.number(
        "n", [](auto& row) -> auto& { return row.point.n; });
    t.number(
        "coherent", [](auto& row) -> auto& { return row.point.coherent; });
    t.number(
        "garbled", [](auto& row) -> auto& { return row.point.garbled; });
    t.number(
        "normal", [](auto& row) -> auto& { return row.point.normal; });
}

struct TransferRow {
    TransferCell cell;
    std::uint64_t matrix = 0;
    std::uint32_t row = 0, column = 0;
    std::uint8_t notMeasured = 0; // 0 measured, else 1 + NotMeasured::Kind
    std::string shortReason, reason;
};
template <class T> void rateColumns(T& t, const std::string& name, Rate TransferCell::*rate) {
    t.number((name + "_count").c_str(), [rate](auto& row) -> auto& { return (row.cell.*rate).count; });
    t.number((name + "_n").c_str(), [rate](auto& row) -> auto& { return (row.cell.*rate).n; });
    t.number((name + "_value").c_str(), [rate](auto& row) -> auto& { return (row.cell.*rate).value; });
    t.number((name + "_low").c_str(), [rate](auto& row) -> auto& { return (row.cell.*rate).low; });
    t.number((name + "_high").c_str(), [rate](auto& row) -> auto& { return (row.cell.*rate).high; });
}
template <class T> void transferColumns(T& t) {
    const auto number = [&t](const char* name, double TransferCell::*field) {
        t.number(
            name, [field](auto& row) -> auto& { return row.cell.*field; });
    };
    t.id("id");
    t.number("matrices_id", &TransferRow::matrix);
    t.number("row", &TransferRow::row);
    t.number("column", &TransferRow::column);
    t.text(
        "source", [](auto& row) -> auto& { return row.cell.source; });
    t.text(
        "target", [](auto& row) -> auto& { return row.cell.target; });
    t.text(
        "concept", [](auto& row) -> auto& { return row.cell.conceptName; });
    t.choice(
        "kind", [](auto& row) -> auto& { return row.cell.kind; });
    t.choice("not_measured", &TransferRow::notMeasured);
    t.text("short_reason", &TransferRow::shortReason);
    t.text("reason", &TransferRow::reason);
    t.number(
        "k", [](auto& row) -> auto& { return row.cell.k; });
    number("alpha", &TransferCell::alpha);
    rateColumns(t, "foreign", &TransferCell::foreign);
    rateColumns(t, "own", &TransferCell::own);
    rateColumns(t, "control", &TransferCell::control);
    rateColumns(t, "foreign_garbled", &TransferCell::foreignGarbled);
    rateColumns(t, "own_garbled", &TransferCell::ownGarbled);
    rateColumns(t, "control_garbled", &TransferCell::controlGarbled);
    number("te", &TransferCell::te);
    number("excess_te", &TransferCell::excessTe);
    number("excess_te_low", &TransferCell::excessTeLow);
    number("excess_te_high", &TransferCell::excessTeHigh);
    number("excess", &TransferCell::excess);
    number("excess_low", &TransferCell::excessLow);
    number("excess_high", &TransferCell::excessHigh);
    number("difference", &TransferCell::difference);
    number("difference_low", &TransferCell::differenceLow);
    number("difference_high", &TransferCell::differenceHigh);
    number("cosine", &TransferCell::cosine);
    number("source_raw_norm", &TransferCell::sourceRawNorm);
    number("target_raw_norm", &TransferCell::targetRawNorm);
}

template <class T> void figureColumns(T& t) {
    t.text("name", &StoredFigure::name);
    t.text("kind", &StoredFigure::kind);
    t.text("specification", &StoredFigure::specification);
}

template <class T> void jobColumns(T& t) {
    t.digest("job", &JobRecord::id);
    t.text("kind", &JobRecord::kind);
    t.choice("state", &JobRecord::state);
    t.digest("model", &JobRecord::modelIdentity);
    t.time("started", &JobRecord::started);
    t.time("ended", &JobRecord::ended);
    t.number("seconds", &JobRecord::seconds);
    t.number("results", &JobRecord::results);
    t.text("environment", &JobRecord::environment);
    t.text("error", &JobRecord::error);
}

template <class T> void provenanceColumns(T& t) {
    t.time("time", &ProvenanceRecord::time);
    t.text("actor", &ProvenanceRecord::actor);
    t.text("action", &ProvenanceRecord::action);
    t.text("object", &ProvenanceRecord::object);
    t.text("details", &ProvenanceRecord::details);
}

} // namespace azimuth::h5
