// Job specifications: everything a worker needs, inline, with tensors by digest (design: job contract). Paths
// never appear in a specification; where to search and where to write come with the submission.
#pragma once

#include "core/base/json.h"
#include "core/base/sha256.h"
#include "core/study/completion.h"
#include "core/study/direction.h"
#include "core/study/intervention.h"
#include "core/study/model.h"
#include "core/study/rendering.h"
#include "core/study/score.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace azimuth {

struct Message {
    std::string role, content;
    friend bool operator==(const Message&, const Message&) = default;
};

// Exactly one of text (one user message, or plain where there is no template), messages, ids (used
// untouched).
struct JobPrompt {
    std::string id;
    std::variant<std::string, std::vector<Message>, std::vector<std::int32_t>> content;
    friend bool operator==(const JobPrompt&, const JobPrompt&) = default;
};

JobPrompt readJobPrompt(JsonObject& object);

struct JobModel {
    ModelReference reference; // find, sha256, precision
    std::string identity;     // expected; empty for inspect and for verbs: not checked
};

// Resolves `find`; result: one Model (a shard, or where `out` ends in .json the JSON of the Model).
// list: instead every GGUF file in the search folders and the default ones (find is "*"); nothing is hashed;
// result, where `out` ends in .json: {"models": [{"path", "model": Model or null, "reason": why there is
// none}]}, identity empty where not memoised.
struct InspectJob {
    bool list = false;
};

// Renders and tokenises; result lines {id, text, ids, post_instruction} in order (a JSON-lines file).
struct TokensJob {
    std::vector<JobPrompt> prompts;
};

// R[k] at positions; result: a safetensors file as PROTOCOL.md says.
struct CaptureJob {
    std::vector<JobPrompt> prompts;
    bool allPositions = false; // false: last
    std::vector<std::string> sites{"resid"};
};

// A DirectionBank; result: a shard with the model and the bank.
struct ExtractJob {
    Digest key{};
    std::string conceptName;
    Method method = Method::Dim;
    std::vector<JobPrompt> positive, negative;
};

struct GenerateRow {
    Digest key{};
    std::uint32_t prompt = 0, arm = 0; // indices
};

// Completions; result: a shard with arms and completions, or, where `out` ends in .jsonl, one line {id, ids,
// text, finish} per row in order. Rows are cut into fixed batches of decoding.rows, in order.
struct GenerateJob {
    std::vector<JobPrompt> prompts;
    std::vector<Arm> arms;
    std::vector<GenerateRow> rows; // not empty; indices in range
    Decoding decoding;
    // Directions by digest: the name of the blob file <sha256>.safetensors (one F32 [d] tensor "direction").
    std::map<std::string, std::string> blobs;
    bool live = false; // stream token partials; no shard
};

struct JobContinuation {
    std::string id; // not empty, unique; of a study the continuation's digest
    Continuation content;
    friend bool operator==(const JobContinuation&, const JobContinuation&) = default;
};

struct ScoreRow {
    Digest key{};
    std::uint32_t prompt = 0, continuation = 0, arm = 0; // indices
};

// Teacher-forced log-probabilities; result: a shard with arms and scores, or, where `out` ends in .jsonl, one
// line {prompt, continuation, ids, log_probabilities, sum, kl where measured} per row in order.
struct ScoreJob {
    std::vector<JobPrompt> prompts;
    std::vector<JobContinuation> continuations;
    std::vector<Arm> arms;
    std::vector<ScoreRow> rows; // not empty; indices in range, each (prompt, continuation, arm) once
    std::optional<std::uint32_t> reference; // index of the arm that the divergence is measured from
    std::int64_t batch = 32; // pairs of prompt and arm that are computed together; does not name the result
    std::map<std::string, std::string> blobs; // as of GenerateJob
};

struct JobSpec {
    std::string id; // digest of the key list and kind; for verbs a digest of the payload
    JobModel model;
    Rendering rendering;
    std::variant<InspectJob, TokensJob, CaptureJob, ExtractJob, GenerateJob, ScoreJob> payload;

    std::string kind() const; // inspect, tokens, capture, extract, generate, score
    std::vector<Digest> keys() const;
};

// {"azimuth": "job", "version": 1, ...}. Error json.* with every finding.
JobSpec readJobSpec(const Json& json, const std::string& origin);
Json toJson(const JobSpec& spec);

// What comes beside the specification.
struct Submission {
    std::uint64_t run = 0; // counter of submissions; every event carries it
    JobSpec job;
    // File to publish; empty for live. Its ending says what: .h5 a shard (inspect, extract, generate, score),
    // .json the Model (inspect), .jsonl lines (tokens, generate, score), .safetensors (capture).
    std::string out;
    std::string project;                    // uuid of the project a shard is for; empty: none
    std::string blobs;                      // folder of <sha256>.safetensors; may be empty
    std::vector<std::string> searchFolders; // where `find` is searched, in order
    int threads = 0;                        // 0: as many as cores
    std::string device = "cpu";             // cpu, cuda:N
};
Json toJson(const Submission& submission);
Submission readSubmission(const Json& json, const std::string& origin);

} // namespace azimuth
