#include "core/project/schema.h"

#include "core/base/error.h"

#include <algorithm>
#include <utility>

namespace azimuth::schema {
namespace {

const std::vector<Table> allTables{
    {"/study",
     {
         {"title", Type::Text, "1", "title of the project"},
         {"json", Type::Text, "1", "the study as canonical JSON (RFC 8785), a study.json file"},
     }},
    {"/study/models",
     {
         {"name", Type::Text, "1", "the study's name of the model, in the study's order"},
         {"identity", Type::Digest, "1", "identity it resolved to; empty if not resolved yet"},
     }},
    {"/models",
     {
         {"id", Type::U64, "1", "number of the row"},
         {"identity", Type::Digest, "1",
          "SHA-256 of weights, config, tokenizer, template, storage and compute"},
         {"name", Type::Text, "1", "the study's name or the file's"},
         {"family", Type::Text, "1", "architecture"},
         {"blocks", Type::I64, "blocks", "L"},
         {"width", Type::I64, "1", "d"},
         {"vocabulary", Type::I64, "tokens", "embedding rows"},
         {"parameters", Type::I64, "1", "parameter count"},
         {"storage", Type::Text, "1", "how the weights lie on disk"},
         {"compute",
          Type::Enumeration,
          "1",
          "precision of computing",
          {"fp32", "bf16", "int8-rtn-row", "int4-rtn-g64", "nf4-b64"}},
         {"has_template", Type::Bool, "1", "a chat template is there"},
         {"context_length", Type::I64, "tokens", "longest context"},
         {"file_bytes", Type::U64, "bytes", "size of the weights files"},
         {"memory_bytes", Type::U64, "bytes", "weights at compute precision"},
         {"weights", Type::DigestList, "1", "SHA-256 of each weights file, in file order"},
         {"config", Type::Digest, "1", "SHA-256 of the configuration"},
         {"tokenizer", Type::Digest, "1", "SHA-256 of the tokenizer"},
         {"template", Type::Digest, "1", "SHA-256 of the chat template"},
         {"file_name", Type::Text, "1", "base name of the file"},
     }},
    {"/concepts",
     {
         {"id", Type::U64, "1", "number of the row"},
         {"name", Type::Text, "1", "unique in the study"},
         {"description", Type::Text, "1", "in words"},
         {"judge", Type::Digest, "1", "digest of the judge of the outcome induce"},
         {"judge_json", Type::Text, "1", "that judge as canonical JSON"},
     }},
    {"/concepts/sets",
     {
         {"id", Type::U64, "1", "number of the row"},
         {"concepts_id", Type::U64, "1", "row of /concepts"},
         {"role",
          Type::Enumeration,
          "1",
          "role of the prompts",
          {"positive", "negative", "calibration", "test-induce", "test-suppress", "neutral", "capability"}},
         {"source", Type::Text, "1", "where the prompts come from"},
         {"licence", Type::Text, "1", "their licence"},
         {"digest", Type::Digest, "1", "SHA-256 of the prompt ids in order"},
     }},
    {"/prompts",
     {
         {"id", Type::U64, "1", "number of the row"},
         {"sets_id", Type::U64, "1", "row of /concepts/sets; rows are in the set's order"},
         {"prompt", Type::Digest, "1", "SHA-256 of the text"},
         {"category", Type::Text, "1", "category within the set"},
         {"text", Type::Text, "1", "what the user says"},
     }},
    {"/banks/index",
     {
         {"id", Type::U64, "1", "number of the row; the tensor is /banks/tensors/b and six digits of it"},
         {"key", Type::Key, "1", "result key"},
         {"model", Type::Digest, "1", "model identity"},
         {"concept", Type::Text, "1", "name of the concept"},
         {"method", Type::Enumeration, "1", "method", {"dim"}},
         {"ks", Type::I64, "1", "L + 1: R[0] to R[L]"},
         {"width", Type::I64, "1", "d"},
         {"positive_count", Type::I64, "prompts", "prompts of the positive class"},
         {"negative_count", Type::I64, "prompts", "prompts of the negative class"},
         {"raw_norm", Type::F64List, "residual stream", "norm of the raw difference, [position][k]"},
         {"median_norm", Type::F64List, "residual stream",
          "median norm of R[k] over the prompts of both classes, [position][k]"},
         {"has_tokens", Type::Bool, "1", "/banks/positions holds the token texts"},
         {"job", Type::Digest, "1", "job that made it"},
     }},
    {"/banks/positions",
     {
         {"index_id", Type::U64, "1",
          "row of /banks/index; rows are in the order of the tensor's first axis"},
         {"position", Type::I32, "tokens", "offset from the prompt's end, -1 is the last token"},
         {"token", Type::Text, "1", "text of the token there in the first prompt"},
     }},
    {"/arms",
     {
         {"id", Type::U64, "1", "number of the row"},
         {"arm", Type::Digest, "1", "SHA-256 of the canonical JSON of the interventions"},
         {"name", Type::Text, "1", "name of the arm"},
     }},
    {"/arms/interventions",
     {
         {"arms_id", Type::U64, "1", "row of /arms; an arm without rows is the control"},
         {"operation",
          Type::Enumeration,
          "1",
          "what is done to the residual stream",
          {"add", "ablate", "affine"}},
         {"direction", Type::Digest, "1", "SHA-256 of the unit direction's little-endian F32 bytes"},
         {"strength", Type::F64, "residual stream", "alpha, the coefficient on the unit direction"},
         {"k_from", Type::I64, "1", "first edited R[k]"},
         {"k_to", Type::I64, "1", "last edited R[k]"},
         {"scope",
          Type::Enumeration,
          "1",
          "tokens that are edited",
          {"all", "prompt", "generated", "last-prompt-token-on"}},
         {"site",
          Type::Enumeration,
          "1",
          "where R[k] or block k is edited",
          {"resid", "resid_mid", "attn_out", "mlp_out"},
          2},
     },
     2},
    {"/completions/index",
     {
         {"key", Type::Key, "1", "result key"},
         {"part", Type::U32, "1", "number of the part, /completions/parts/p and six digits of it"},
         {"row", Type::U32, "1", "row in the part"},
         {"models_id", Type::U64, "1", "row of /models; 0 if it is not there"},
         {"prompts_id", Type::U64, "1",
          "first row of /prompts with this text; 0 if the study has it no more"},
         {"arms_id", Type::U64, "1", "row of /arms; 0 if it is not there"},
         {"finish", Type::Enumeration, "1", "why generation ended", {"stop", "length"}},
         {"tokens", Type::U32, "tokens", "length of the generated ids"},
     }},
    {"/completions/parts/p*",
     {
         {"key", Type::Key, "1", "result key"},
         {"model", Type::Digest, "1", "model identity"},
         {"prompt", Type::Digest, "1", "SHA-256 of the prompt's text"},
         {"arm", Type::Digest, "1", "digest of the arm"},
         {"ids", Type::I32List, "1", "generated token ids with the end token"},
         {"text", Type::Text, "1", "decoded without special tokens"},
         {"finish", Type::Enumeration, "1", "why generation ended", {"stop", "length"}},
         {"log_probability", Type::F64, "nat", "sum over the generated ids; NaN if not measured"},
         {"prompt_tokens", Type::I32, "tokens", "length of the prompt"},
         {"job", Type::Digest, "1", "job that made it"},
     }},
    {"/labels",
     {
         {"key", Type::Key, "1", "key of the completion"},
         {"judge", Type::Digest, "1", "digest of the judge; empty for a human label"},
         {"source", Type::Enumeration, "1", "who judged", {"rule", "human", "import"}},
         {"verdict", Type::Enumeration, "1", "the verdict", {"coherent", "garbled", "normal"}},
         {"behaves", Type::Bool, "1", "the behaviour is present, garbled or not"},
         {"reason", Type::Text, "1", "rule that fired"},
         {"rater", Type::Text, "1", "name of the rater"},
         {"time", Type::F64, "s", "unix seconds"},
         {"retracted", Type::Bool, "1", "the rater says nothing any more", {}, 2},
     },
     2},
    {"/notes",
     {
         {"subject",
          Type::Enumeration,
          "1",
          "what the note is on",
          {"project", "model", "concept", "prompt", "bank", "arm", "completion", "calibration", "transfer",
           "figure"}},
         {"object", Type::Text, "1",
          "name, key or digest of it; empty for the project; of a transfer cell \"concept: source on "
          "target\""},
         {"text", Type::Text, "1", "the note; empty: withdrawn"},
         {"author", Type::Text, "1", "name of the user"},
         {"time", Type::F64, "s", "unix seconds"},
     },
     1,
     true},
    {"/scores",
     {
         {"key", Type::Key, "1", "result key"},
         {"model", Type::Digest, "1", "model identity"},
         {"prompt", Type::Digest, "1", "SHA-256 of the prompt's text"},
         {"continuation", Type::Digest, "1", "digest of the continuation as it was asked for"},
         {"arm", Type::Digest, "1", "digest of the arm"},
         {"reference", Type::Digest, "1",
          "digest of the arm that kl is measured from; empty if it was not measured"},
         {"ids", Type::I32List, "1", "token ids that were scored"},
         {"log_probability", Type::F64List, "nat", "of each id given the prompt and the ids before it"},
         {"sum", Type::F64, "nat", "sum of log_probability"},
         {"kl", Type::F64List, "nat",
          "sum of p_reference (log p_reference - log p_arm) over the vocabulary, for each id; or empty"},
         {"prompt_tokens", Type::I32, "tokens", "length of the prompt"},
         {"job", Type::Digest, "1", "job that made it"},
     },
     1,
     true},
    {"/calibrations",
     {
         {"id", Type::U64, "1", "number of the row"},
         {"key", Type::Key, "1", "SHA-256 of the calibration's canonical JSON"},
         {"model", Type::Digest, "1", "model identity"},
         {"concept", Type::Text, "1", "name of the concept"},
         {"judge", Type::Digest, "1", "digest of the judge"},
         {"bank", Type::Digest, "1", "key of the bank"},
         {"rule", Type::Enumeration, "1", "rule of choosing", {"default", "study-2026"}},
         {"status",
          Type::Enumeration,
          "1",
          "outcome",
          {"chosen", "not-bracketed", "nothing-steers", "incomplete"}},
         {"reason", Type::Text, "1", "the choice in one sentence"},
         {"control_n", Type::I64, "completions", "of the control arm"},
         {"control_coherent", Type::I64, "completions", "coherent ones of the control"},
         {"control_garbled", Type::I64, "completions", "garbled ones of the control"},
         {"chosen", Type::I64, "1", "index of the chosen point from 0; -1 if none"},
         {"inputs", Type::Digest, "1", "SHA-256 of the completion keys and labels it was computed from"},
         {"created", Type::Time, "1", "time, UTC"},
     }},
    {"/calibrations/points",
     {
         {"calibrations_id", Type::U64, "1", "row of /calibrations"},
         {"k", Type::I64, "1", "edited R[k]"},
         {"grid_strength", Type::F64, "1", "strength in the grid's unit"},
         {"alpha", Type::F64, "residual stream", "coefficient on the unit direction"},
         {"dose", Type::F64, "1", "alpha x edited k / median norm of R[L]"},
         {"n", Type::I64, "completions", "judged"},
         {"coherent", Type::I64, "completions", "coherent"},
         {"garbled", Type::I64, "completions", "garbled"},
         {"normal", Type::I64, "completions", "normal"},
     }},
    {"/transfer/index",
     {
         {"id", Type::U64, "1", "number of the row"},
         {"matrices_id", Type::U64, "1", "the matrix /transfer/matrices/t and six digits of it"},
         {"row", Type::U32, "1", "row of the matrix: the source"},
         {"column", Type::U32, "1", "column of the matrix: the target"},
         {"source", Type::Text, "1", "the study's name of the source model"},
         {"target", Type::Text, "1", "the study's name of the target model"},
         {"concept", Type::Text, "1", "name of the concept"},
         {"kind",
          Type::Enumeration,
          "1",
          "kind of the cell",
          {"own", "model-transfer", "precision-transfer"}},
         {"not_measured",
          Type::Enumeration,
          "1",
          "why there are no numbers",
          {"measured", "cannot", "not-yet", "running", "failed", "by-choice"}},
         {"short_reason", Type::Text, "1", "fits a cell"},
         {"reason", Type::Text, "1", "one sentence"},
         {"k", Type::I64, "1", "the target's calibrated R[k]"},
         {"alpha", Type::F64, "residual stream", "coefficient on the unit direction"},
         {"foreign_count", Type::I64, "completions", "coherent with the source's direction"},
         {"foreign_n", Type::I64, "completions", "judged"},
         {"foreign_value", Type::F64, "1", "rate"},
         {"foreign_low", Type::F64, "1", "lower bound"},
         {"foreign_high", Type::F64, "1", "upper bound"},
         {"own_count", Type::I64, "completions", "coherent with the target's own direction"},
         {"own_n", Type::I64, "completions", "judged"},
         {"own_value", Type::F64, "1", "rate"},
         {"own_low", Type::F64, "1", "lower bound"},
         {"own_high", Type::F64, "1", "upper bound"},
         {"control_count", Type::I64, "completions", "coherent without a direction"},
         {"control_n", Type::I64, "completions", "judged"},
         {"control_value", Type::F64, "1", "rate"},
         {"control_low", Type::F64, "1", "lower bound"},
         {"control_high", Type::F64, "1", "upper bound"},
         {"foreign_garbled_count", Type::I64, "completions", "garbled with the source's direction"},
         {"foreign_garbled_n", Type::I64, "completions", "judged"},
         {"foreign_garbled_value", Type::F64, "1", "rate"},
         {"foreign_garbled_low", Type::F64, "1", "lower bound"},
         {"foreign_garbled_high", Type::F64, "1", "upper bound"},
         {"own_garbled_count", Type::I64, "completions", "garbled with the target's own direction"},
         {"own_garbled_n", Type::I64, "completions", "judged"},
         {"own_garbled_value", Type::F64, "1", "rate"},
         {"own_garbled_low", Type::F64, "1", "lower bound"},
         {"own_garbled_high", Type::F64, "1", "upper bound"},
         {"control_garbled_count", Type::I64, "completions", "garbled without a direction"},
         {"control_garbled_n", Type::I64, "completions", "judged"},
         {"control_garbled_value", Type::F64, "1", "rate"},
         {"control_garbled_low", Type::F64, "1", "lower bound"},
         {"control_garbled_high", Type::F64, "1", "upper bound"},
         {"te", Type::F64, "1", "foreign / own"},
         {"excess_te", Type::F64, "1", "(foreign - control) / (own - control)"},
         {"excess_te_low", Type::F64, "1", "lower bound; NaN if there is no interval"},
         {"excess_te_high", Type::F64, "1", "upper bound; NaN if there is no interval"},
         {"excess", Type::F64, "1", "foreign - control"},
         {"excess_low", Type::F64, "1", "lower bound"},
         {"excess_high", Type::F64, "1", "upper bound"},
         {"difference", Type::F64, "1", "foreign - own"},
         {"difference_low", Type::F64, "1", "lower bound"},
         {"difference_high", Type::F64, "1", "upper bound"},
         {"cosine", Type::F64, "1", "of the two unit directions; NaN if the widths differ"},
         {"source_raw_norm", Type::F64, "residual stream", "raw norm of the source's direction"},
         {"target_raw_norm", Type::F64, "residual stream", "raw norm of the target's own direction"},
     }},
    {"/figures",
     {
         {"name", Type::Text, "1", "name of the figure"},
         {"kind", Type::Text, "1", "kind of the figure"},
         {"specification", Type::Text, "1", "canonical JSON"},
     }},
    {"/jobs",
     {
         {"job", Type::Digest, "1", "digest of the key list"},
         {"kind", Type::Text, "1", "kind of the job"},
         {"state", Type::Enumeration, "1", "how it ended", {"done", "failed", "cancelled"}},
         {"model", Type::Digest, "1", "model identity; empty if none"},
         {"started", Type::Time, "1", "time, UTC"},
         {"ended", Type::Time, "1", "time, UTC"},
         {"seconds", Type::F64, "s", "duration"},
         {"results", Type::I64, "1", "number of results"},
         {"environment", Type::Text, "1", "canonical JSON: build, torch, ISA, threads, device, seeds"},
         {"error", Type::Text, "1", "code and text of a failed job"},
     }},
    {"/provenance",
     {
         {"time", Type::Time, "1", "time, UTC"},
         {"actor", Type::Text, "1", "who"},
         {"action", Type::Text, "1", "what was done"},
         {"object", Type::Text, "1", "to what"},
         {"details", Type::Text, "1", "canonical JSON"},
     }},
};

} // namespace

std::string toString(Type type) {
    static const std::vector<std::string> names{"u32",  "u64",      "i32",      "i64",     "f64",
                                                "bool", "enum",     "S32",      "S64",     "key",
                                                "text", "i32 list", "f64 list", "S64 list"};
    return names.at(static_cast<std::size_t>(type));
}

bool isRagged(Type type) {
    return type == Type::Text || type == Type::I32List || type == Type::F64List || type == Type::DigestList;
}

std::string dataName(const Column& column) {
    return column.name + (column.type == Type::Text ? "_utf8" : "");
}

const Column* Table::find(std::string_view column) const {
    const auto found =
        std::find_if(columns.begin(), columns.end(), [&](const Column& c) { return c.name == column; });
    return found == columns.end() ? nullptr : &*found;
}

const Column& Table::column(std::string_view name) const {
    if (const auto* column = find(name))
        return *column;
    throw Error("project.schema", path + " has no column " + std::string(name) + ".",
                "This is a mistake in Azimuth.");
}

const std::vector<Table>& tables() { return allTables; }

const Table& table(std::string_view path) {
    const bool part = path.substr(0, partFolder.size()) == partFolder;
    for (const auto& table : allTables)
        if (table.path == path || (part && table.path == std::string(partFolder) + "/p*"))
            return table;
    throw Error("project.schema", "There is no table " + std::string(path) + ".",
                "This is a mistake in Azimuth.");
}

std::set<std::string> datasetNames(const Table& table) {
    std::set<std::string> names;
    for (const auto& column : table.columns) {
        names.insert(dataName(column));
        if (isRagged(column.type))
            names.insert(column.name + "_offsets");
    }
    return names;
}

bool isKnown(std::string_view path) {
    for (const auto& [folder, letter] :
         {std::pair(tensorFolder, 'b'), std::pair(matrixFolder, 't'), std::pair(partFolder, 'p')}) {
        const auto name = path.substr(std::min(path.size(), folder.size() + 1));
        if (path == folder ||
            (path.starts_with(folder) && path.size() > folder.size() + 6 && path[folder.size()] == '/' &&
             name.front() == letter && name.find_first_not_of("0123456789", 1) == std::string_view::npos))
            return true;
    }
    return std::any_of(allTables.begin(), allTables.end(), [&](const Table& table) {
        return table.path == path || table.path.starts_with(std::string(path) + "/");
    });
}

std::optional<std::string> rowKey(const Table& table) {
    for (const auto& [path, column] :
         {std::pair("/study", ""), std::pair("/models", "identity"), std::pair("/arms", "arm"),
          std::pair("/banks/index", "key"), std::pair("/completions/index", "key"),
          std::pair("/completions/parts/p*", "key"), std::pair("/scores", "key"),
          std::pair("/calibrations", "key")})
        if (table.path == path)
            return column;
    return {};
}

bool isInShards(const Table& table) {
    for (const std::string_view prefix : {"/models", "/banks", "/arms", "/completions", "/scores", "/jobs"})
        if (std::string_view(table.path).substr(0, prefix.size()) == prefix)
            return true;
    return false;
}

std::string numbered(char letter, std::uint64_t number) {
    const auto digits = std::to_string(number);
    return letter + std::string(digits.size() < 6 ? 6 - digits.size() : 0, '0') + digits;
}

} // namespace azimuth::schema
