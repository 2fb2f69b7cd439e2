// The verbs of azimuth-worker but serve: each builds a job, runs it and prints. They throw azimuth::Error;
// main turns it into the exit code. output: descriptor of the real standard output.
#pragma once

#include "app/worker/steering_options.h"

#include <cstdint>
#include <string>
#include <vector>

namespace azimuth::worker {

struct PlaceOptions {                // where and how a job runs
    std::vector<std::string> search; // folders of models, before the default ones
    int threads = 0;
    std::string device = "cpu";
};

struct CommonOptions {
    std::string model;
    std::string precision = "fp32";
    std::string prompts; // file of prompt lines
    std::string out;
    bool noTemplate = false;
    std::string rendering; // file; empty: the default
    PlaceOptions place;
};

struct GenerateOptions {
    std::int64_t maximumNewTokens = 0;
    double temperature = 0;
    std::uint64_t seed = 0;
    SteeringOptions steering;
};

struct ScoreOptions {
    std::string continuations; // file of continuation lines
    SteeringOptions steering;
    bool kl = false;
    std::int64_t batch = 32;
};

struct RunOptions {
    std::string job, out, blobs, project;
    PlaceOptions place;
};

void inspect(const CommonOptions& options, bool asJson, int output);
void listModels(const PlaceOptions& place, bool asJson, int output);
void tokens(const CommonOptions& options, int output);
void capture(const CommonOptions& options, const std::string& positions,
             const std::vector<std::string>& sites);
void generate(const CommonOptions& options, const GenerateOptions& how);
void score(const CommonOptions& options, const ScoreOptions& how);
void runJob(const RunOptions& options, int output);
void bench(const CommonOptions& options, int output);

void print(int output, const std::string& text); // all of it; Error file.write

} // namespace azimuth::worker
