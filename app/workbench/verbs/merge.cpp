// azimuth merge: what came from where, as a table or as JSON.
#include "app/session/merge_projects.h"
#include "app/workbench/verbs/table.h"
#include "app/workbench/verbs/verbs.h"
#include "core/base/json.h"

#include <cstdio>

namespace azimuth {
namespace {

struct Part {
    const char *title, *key;
    std::size_t MergeCount::*count;
};
constexpr Part parts[] = {
    {"Completions", "completions", &MergeCount::completions},
    {"Banks", "banks", &MergeCount::banks},
    {"Scores", "scores", &MergeCount::scores},
    {"Labels", "labels", &MergeCount::labels},
    {"Notes", "notes", &MergeCount::notes},
    {"Calibrations", "calibrations", &MergeCount::calibrations},
    {"Figures", "figures", &MergeCount::figures},
    {"Arms", "arms", &MergeCount::arms},
    {"Models", "models", &MergeCount::models},
    {"Jobs", "jobs", &MergeCount::jobs},
    {"Provenance", "provenance", &MergeCount::provenance},
};

std::string countText(std::size_t count, const char* one, const char* many) {
    return std::to_string(count) + " " + (count == 1 ? one : many);
}

std::string notesText(const MergedSource& source) {
    std::string out;
    const auto line = [&](const std::string& text) { out += source.path + ": " + text + "\n"; };
    if (source.count.differing > 0)
        line(countText(source.count.differing, "result has", "results have") +
             " another content than the project has under the same key. The project's stay; the others and "
             "their labels were left out.");
    if (source.outsideStudy > 0)
        line(countText(source.outsideStudy, "completion is", "completions are") +
             " not asked for by the project's study. They are kept, and count once it asks for them "
             "(azimuth run STUDY -o PROJECT).");
    for (const auto& note : source.notes)
        line(note);
    return out;
}

std::string reportText(const MergeReport& report) {
    std::vector<TextColumn> columns{{"New from"}};
    for (const auto& part : parts)
        columns.push_back({part.title, true});
    std::vector<std::vector<std::string>> rows;
    std::string notes;
    for (const auto& note : report.notes)
        notes += note + "\n";
    for (const auto& source : report.sources) {
        std::vector<std::string> row{source.path};
        for (const auto& part : parts)
            row.push_back(std::to_string(source.count.*part.count));
        rows.push_back(std::move(row));
        notes += notesText(source);
    }
    return textTable(columns, rows) + notes + report.project +
           (report.published ? " is now generation " : " has all of it already; it stays generation ") +
           std::to_string(report.generation) + ".\n";
}

Json toJson(const MergeCount& count) {
    Json json{{"differing", count.differing}};
    for (const auto& part : parts)
        json[part.key] = count.*part.count;
    return json;
}

Json reportJson(const MergeReport& report) {
    Json sources = Json::array();
    for (const auto& source : report.sources)
        sources.push_back({{"path", source.path},
                           {"kind", source.kind},
                           {"title", source.title},
                           {"new", toJson(source.count)},
                           {"outside_study", source.outsideStudy},
                           {"notes", source.notes}});
    return {{"azimuth", "merge"},
            {"version", 1},
            {"project", report.project},
            {"generation", report.generation},
            {"published", report.published},
            {"from", sources},
            {"new", toJson(report.total())},
            {"notes", report.notes}};
}

} // namespace

int mergeInto(const std::string& project, const std::vector<std::string>& from, bool json) {
    const auto report = mergeProjects(project, from);
    std::printf("%s", (json ? prettyJson(reportJson(report)) : reportText(report)).c_str());
    return 0;
}

} // namespace azimuth
