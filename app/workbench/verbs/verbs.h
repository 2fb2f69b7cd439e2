// The verbs of `azimuth` that need no window: run, show, export, merge, caches, models, validate. Exit codes: 0 done, 1
// failed, 2 the input is at fault, 130 interrupted. Errors are one line on standard error with what to do.
#pragma once

#include "core/study/project_view.h"

#include <memory>
#include <string>
#include <vector>

namespace azimuth {

bool isVerb(const std::string& word);
// argv as main has it; argv[1] is the verb (or --help).
int runVerb(int argc, char** argv);

int exitCodeOf(const std::string& errorCode);

struct RunOptions {
    std::string study,
        project;          // project: where to store it; an existing project of the study is gone on with
    std::string progress; // auto, json, none
    std::string device = "cpu";
    int threads = 0;
};
// The project as it is, whoever has it, with its shards and its log; what there is to say goes to standard error.
std::shared_ptr<const ProjectView> viewOf(const std::string& path);
int runStudy(const RunOptions& options, int argc, char** argv);
int mergeInto(const std::string& project, const std::vector<std::string>& from, bool json);
int showModels(bool json, int argc, char** argv);
int showCaches(const std::string& project, bool remove, bool json);

} // namespace azimuth
