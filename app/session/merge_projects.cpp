#include "app/session/merge_projects.h"

#include "app/session/project_store.h"
#include "core/base/time.h"
#include "core/project/file_checker.h"
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/project/user_block.h"
#include "core/results/rates.h"
#include "core/study/keys.h"

#include <algorithm>
#include <filesystem>
#include <set>

namespace azimuth {
namespace {
namespace fs = std::filesystem;

// Models and concepts for which the target's own choice still counts although the source has another.
void noteChoices(MergedSource& source, const ProjectView& before, const ProjectView& after,
                 const ProjectView& other) {
    for (const auto& value : before.study->concepts)
        for (std::size_t i = 0; i < before.study->models.size() && i < before.modelIdentities.size(); ++i) {
            const auto& identity = before.modelIdentities[i];
            const auto* own = before.calibration(identity, value.name);
            const auto* theirs = other.calibration(identity, value.name);
            if (own && theirs && own->id != theirs->id &&
                after.calibration(identity, value.name)->id == own->id)
                source.notes.push_back("The calibration of " + before.study->models[i].name + ", " +
                                       value.name + " stays the one of " + own->created + "; that of " +
                                       theirs->created + " is kept beside it.");
        }
}

std::size_t outsideStudy(const ProjectView& view, std::size_t from) {
    const CompletionKeys keys(view.study->rendering, view.study->decoding);
    const std::set<std::string> models(view.modelIdentities.begin(), view.modelIdentities.end());
    std::set<std::string> prompts;
    for (const auto& value : view.study->concepts)
        for (const auto& [role, set] : value.sets)
            for (const auto& prompt : set.prompts)
                prompts.insert(prompt.id);
    std::size_t count = 0;
    for (std::size_t i = from; i < view.completions->size(); ++i) {
        const auto row = view.completions->head(i);
        count += !models.count(row.modelIdentity) || !prompts.count(row.promptId) ||
                 keys.of(row.modelIdentity, row.promptId, row.armDigest) != row.key;
    }
    return count;
}

// One source after the other, on a view of the target that is not published yet.
class Merge {
public:
    explicit Merge(const ProjectView& target) : m_view(target) {}

    MergedSource add(const std::string& path) {
        const auto block = readUserBlock(path);
        MergedSource source{path, toString(block.kind), {}, {}, 0, {}};
        const auto before = m_view.completions->size();
        if (block.kind == FileKind::Project)
            addProject(source);
        else if (block.kind == FileKind::Shard)
            addShard(source);
        else
            throw Error("project.kind",
                        path + " is a " + source.kind + "; projects and result shards can be merged.", "");
        source.outsideStudy = outsideStudy(m_view, before);
        if (!source.count.nothing())
            remember(source, block);
        return source;
    }

    ProjectView finish() {
        for (auto& label : labelMissing(m_view, unixSeconds()))
            m_view.labels.push_back(std::make_shared<const Label>(std::move(label)));
        return std::move(m_view);
    }

private:
    void addProject(MergedSource& source) {
        const auto store = ProjectStore::look(source.path);
        source.notes = store.notes();
        const auto shown = store.view();
        const auto& other = *shown;
        source.title = other.title;
        checkMergeable(m_view, other, source.path);
        auto merged = merge(m_view, other, &source.count);
        noteChoices(source, m_view, merged, other);
        m_view = std::move(merged);
    }

    void addShard(MergedSource& source) {
        FileChecker checker;
        const auto result = readShard(checker.admit(source.path, FileKind::Shard));
        checkMergeable(m_view, result, source.path);
        m_view = merge(m_view, result, &source.count);
    }

    // Whence it came, by digests: paths are not stored.
    void remember(const MergedSource& source, const UserBlock& block) {
        Json details{{"file", block.file},
                     {"sha256", toHex(block.digest)},
                     {"completions", source.count.completions},
                     {"banks", source.count.banks},
                     {"scores", source.count.scores},
                     {"labels", source.count.labels},
                     {"calibrations", source.count.calibrations},
                     {"differing", source.count.differing}};
        if (block.kind == FileKind::Project)
            details["generation"] = std::to_string(block.generation);
        if (!block.project.empty())
            details["project"] = block.project;
        m_view.provenance.push_back({utcNow(), "user", "merge",
                                     source.kind + (source.title.empty() ? "" : " " + source.title),
                                     canonicalJson(details)});
    }

    ProjectView m_view;
};

} // namespace

MergeCount MergeReport::total() const {
    MergeCount sum;
    for (const auto& source : sources)
        sum += source.count;
    return sum;
}

MergeReport mergeProjects(const std::string& project, const std::vector<std::string>& from) {
    for (const auto& path : from) {
        std::error_code unknown;
        if (fs::equivalent(project, path, unknown))
            throw Error("merge.self", path + " is the project itself.", "Give other projects or shards.");
    }
    auto store = ProjectStore::open(project);
    if (!store.readOnly().empty())
        throw Error("project.readonly", store.readOnly(), "Close it there, then merge again.");
    MergeReport report;
    report.project = project;
    report.notes = store.notes();
    Merge merge(*store.view());
    for (const auto& path : from)
        report.sources.push_back(merge.add(path));
    if (!report.total().nothing())
        store.head()->update([&](ProjectView& view) { view = merge.finish(); });
    report.published = store.modified();
    if (report.published) {
        const auto before = store.view();
        for (auto& note : droppedNotes(*before, *store.save()))
            report.notes.push_back(std::move(note));
    }
    report.generation = store.view()->generation;
    return report;
}

} // namespace azimuth
