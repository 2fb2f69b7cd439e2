#include "core/project/merge.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <map>
#include <set>
#include <tuple>

namespace azimuth {
namespace {

// What comes, as pointers into it.
struct Incoming {
    std::vector<const Model*> models;
    std::vector<const DirectionBank*> banks;
    std::vector<const Arm*> arms;
    std::vector<CompletionTable> completions;
    std::vector<const Score*> scores;
    std::vector<const JobRecord*> jobs;
    std::vector<const Label*> labels;
    std::vector<const Note*> notes;
    std::vector<const Calibration*> calibrations;
    std::vector<const StoredFigure*> figures;
    std::vector<const ProvenanceRecord*> provenance;

    void add(const JobResult& result) {
        take(models, result.models);
        take(banks, result.banks);
        take(arms, result.arms);
        completions.push_back(CompletionTable().with(result.completions));
        take(scores, result.scores);
        if (!(result.job.id.empty() && result.job.kind.empty()))
            jobs.push_back(&result.job);
    }

    void add(const ProjectView& view) {
        for (const auto& identity : view.modelIdentities) // those that the study names now come first
            if (const auto* model = view.modelByIdentity(identity))
                models.push_back(model);
        take(models, view.models);
        take(banks, view.banks);
        take(arms, view.arms);
        completions.push_back(*view.completions);
        take(scores, view.scores);
        take(jobs, view.jobs);
        take(labels, view.labels);
        take(notes, view.notes);
        take(calibrations, view.calibrations);
        take(figures, view.figures);
        take(provenance, view.provenance);
    }

private:
    template <class Row> static void take(std::vector<const Row*>& out, const std::vector<Row>& rows) {
        for (const auto& row : rows)
            out.push_back(&row);
    }
    template <class Row>
    static void take(std::vector<const Row*>& out, const std::vector<std::shared_ptr<const Row>>& rows) {
        for (const auto& row : rows)
            out.push_back(row.get());
    }
};

bool sameBits(double a, double b) {
    return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b);
}

bool sameContent(const CompletionTable& a, std::size_t i, const CompletionTable& b, std::size_t j) {
    return a.head(i).finish == b.head(j).finish && a.head(i).tokens == b.head(j).tokens &&
           a.ids(i) == b.ids(j) && a.text(i) == b.text(j);
}
bool sameContent(const Score& a, const Score& b) { return a.ids == b.ids && sameBits(a.sum, b.sum); }
bool sameContent(const DirectionBank& a, const DirectionBank& b) {
    if (a.tensor.empty() || b.tensor.empty()) // one of them was not read
        return true;
    return a.tensor.shape() == b.tensor.shape() &&
           std::memcmp(a.tensor.data(), b.tensor.data(), a.tensor.size() * sizeof(float)) == 0;
}

void mergeModels(ProjectView& view, const Incoming& incoming, MergeCount& count) {
    for (const auto* model : incoming.models) {
        if (!view.modelByIdentity(model->identity)) {
            view.models.push_back(std::make_shared<const Model>(*model));
            ++count.models;
        }
        for (std::size_t i = 0; i < view.study->models.size(); ++i) {
            const auto& declared = view.study->models[i];
            if (view.modelIdentities[i].empty() && declared.name == model->name &&
                declared.precision == model->compute) {
                view.modelIdentities[i] = model->identity;
                ++count.models;
            }
        }
    }
}

// Rows that have a key of their own, banks and scores.
template <class Row>
void mergeKeyed(std::vector<std::shared_ptr<const Row>>& rows, const std::vector<const Row*>& incoming,
                std::size_t& added, std::size_t& differing) {
    if (incoming.empty())
        return;
    std::map<std::decay_t<decltype(Row::key)>, const Row*> known;
    for (const auto& row : rows)
        known.emplace(row->key, row.get());
    for (const auto* row : incoming) {
        const auto [there, isNew] = known.emplace(row->key, row);
        if (isNew) {
            rows.push_back(std::make_shared<const Row>(*row));
            ++added;
        } else if (!sameContent(*there->second, *row)) {
            ++differing;
        }
    }
}

void mergeArms(ProjectView& view, const Incoming& incoming, MergeCount& count) {
    std::set<std::string> known;
    for (const auto& arm : view.arms)
        known.insert(arm->digest());
    for (const auto* arm : incoming.arms)
        if (known.insert(arm->digest()).second) {
            view.arms.push_back(std::make_shared<const Arm>(*arm));
            ++count.arms;
        }
}

// Returns the keys under which the view has another text.
std::set<Digest> mergeCompletions(ProjectView& view, const Incoming& incoming, MergeCount& count) {
    const auto before = view.completions;
    std::size_t rows = 0;
    for (const auto& table : incoming.completions)
        rows += table.size();
    CompletionTable::Builder builder(*before, rows);
    std::set<Digest> differing;
    for (const auto& table : incoming.completions)
        for (std::size_t i = 0; i < table.size(); ++i) {
            const auto there = before->find(table.key(i));
            if (there < 0)
                builder.add(table, i);
            else if (!sameContent(*before, static_cast<std::size_t>(there), table, i))
                differing.insert(table.key(i));
        }
    count.differing += differing.size();
    auto merged = builder.finish();
    count.completions = merged.size() - before->size();
    if (count.completions > 0)
        view.completions = std::make_shared<const CompletionTable>(std::move(merged));
    return differing;
}

struct LabelOrder {
    static auto identityOf(const Label& label) {
        using Identity = std::tuple<const Digest&, Label::Source, const std::string&, const std::string&,
                                    Verdict, bool, bool, const std::string&, std::uint64_t>;
        const bool rule = label.source == Label::Source::Rule;
        return Identity(label.completionKey, label.source, label.judgeDigest, label.rater, label.verdict,
                        label.behaves, label.retracted, label.reason,
                        rule ? 0 : std::bit_cast<std::uint64_t>(label.time));
    }
    bool operator()(const Label* a, const Label* b) const { return identityOf(*a) < identityOf(*b); }
};

// Puts rows in by their time; both sides keep their own order.
template <class Row>
void insertByTime(std::vector<std::shared_ptr<const Row>>& rows,
                  std::vector<std::shared_ptr<const Row>> fresh) {
    if (fresh.empty())
        return;
    std::vector<std::shared_ptr<const Row>> merged;
    merged.reserve(rows.size() + fresh.size());
    auto next = fresh.begin();
    for (const auto& row : rows) {
        for (; next != fresh.end() && (*next)->time < row->time; ++next)
            merged.push_back(std::move(*next));
        merged.push_back(row);
    }
    merged.insert(merged.end(), std::make_move_iterator(next), std::make_move_iterator(fresh.end()));
    rows = std::move(merged);
}

void mergeLabels(ProjectView& view, const Incoming& incoming, const std::set<Digest>& differing,
                 MergeCount& count) {
    if (incoming.labels.empty())
        return;
    std::set<const Label*, LabelOrder> known;
    for (const auto& label : view.labels)
        known.insert(label.get());
    std::vector<std::shared_ptr<const Label>> fresh;
    for (const auto* label : incoming.labels)
        if (!differing.count(label->completionKey) && view.completions->contains(label->completionKey) &&
            known.insert(label).second)
            fresh.push_back(std::make_shared<const Label>(*label));
    count.labels = fresh.size();
    insertByTime(view.labels, std::move(fresh));
}

void mergeNotes(ProjectView& view, const Incoming& incoming, MergeCount& count) {
    const auto identityOf = [](const Note& note) {
        return std::tuple(note.subject, note.object, note.text, note.author,
                          std::bit_cast<std::uint64_t>(note.time));
    };
    std::set<decltype(identityOf(*incoming.notes[0]))> known;
    for (const auto& note : view.notes)
        known.insert(identityOf(*note));
    std::vector<std::shared_ptr<const Note>> fresh;
    for (const auto* note : incoming.notes)
        if (known.insert(identityOf(*note)).second)
            fresh.push_back(std::make_shared<const Note>(*note));
    count.notes = fresh.size();
    insertByTime(view.notes, std::move(fresh));
}

void mergeCalibrations(ProjectView& view, const Incoming& incoming, MergeCount& count) {
    using Pair = std::pair<std::string, std::string>;
    const auto pairOf = [](const Calibration& value) { return Pair(value.modelIdentity, value.conceptName); };
    std::map<Pair, std::string> chosen; // the calibration that counts in the view
    std::set<Pair> known;               // a choice that counts again has the same id and another time
    for (const auto& value : view.calibrations) {
        chosen[pairOf(*value)] = value->id;
        known.emplace(value->id, value->created);
    }
    std::vector<std::shared_ptr<const Calibration>> before, after;
    std::set<Pair> passed; // the other project has the view's choice, what follows came later
    for (const auto* value : incoming.calibrations) {
        const auto pair = pairOf(*value);
        const auto own = chosen.find(pair);
        if (own != chosen.end() && own->second == value->id)
            passed.insert(pair);
        if (!known.emplace(value->id, value->created).second)
            continue;
        (own == chosen.end() || passed.count(pair) ? after : before)
            .push_back(std::make_shared<const Calibration>(*value));
    }
    count.calibrations = before.size() + after.size();
    view.calibrations.insert(view.calibrations.begin(), before.begin(), before.end());
    view.calibrations.insert(view.calibrations.end(), after.begin(), after.end());
}

// Rows that are equal if everything in them is, or a chosen part.
template <class Row, class Identity>
std::size_t mergeRecords(std::vector<Row>& rows, const std::vector<const Row*>& incoming, Identity identity) {
    std::set<decltype(identity(*incoming[0]))> known;
    for (const auto& row : rows)
        known.insert(identity(row));
    std::size_t added = 0;
    for (const auto* row : incoming)
        if (known.insert(identity(*row)).second) {
            rows.push_back(*row);
            ++added;
        }
    return added;
}

ProjectView mergeAll(const ProjectView& view, const Incoming& incoming, MergeCount* out) {
    ProjectView merged = view;
    merged.modelIdentities.resize(view.study->models.size());
    MergeCount count;
    mergeModels(merged, incoming, count);
    mergeKeyed(merged.banks, incoming.banks, count.banks, count.differing);
    mergeArms(merged, incoming, count);
    const auto differing = mergeCompletions(merged, incoming, count);
    mergeKeyed(merged.scores, incoming.scores, count.scores, count.differing);
    mergeLabels(merged, incoming, differing, count);
    mergeNotes(merged, incoming, count);
    mergeCalibrations(merged, incoming, count);
    count.jobs = mergeRecords(merged.jobs, incoming.jobs, [](const JobRecord& job) {
        return std::tuple(job.id, job.started, job.state);
    });
    count.figures = mergeRecords(merged.figures, incoming.figures, [](const StoredFigure& figure) {
        return std::tuple(figure.name, figure.kind, figure.specification);
    });
    count.provenance =
        mergeRecords(merged.provenance, incoming.provenance, [](const ProvenanceRecord& record) {
            return std::tuple(record.time, record.actor, record.action, record.object, record.details);
        });
    if (out)
        *out = count;
    return merged;
}

} // namespace

MergeCount& MergeCount::operator+=(const MergeCount& other) {
    models += other.models;
    banks += other.banks;
    arms += other.arms;
    completions += other.completions;
    scores += other.scores;
    jobs += other.jobs;
    labels += other.labels;
    notes += other.notes;
    calibrations += other.calibrations;
    figures += other.figures;
    provenance += other.provenance;
    differing += other.differing;
    return *this;
}

ProjectView merge(const ProjectView& view, const JobResult& result, MergeCount* count) {
    Incoming incoming;
    incoming.add(result);
    return mergeAll(view, incoming, count);
}

ProjectView merge(const ProjectView& view, const std::vector<JobResult>& results, MergeCount* count) {
    Incoming incoming;
    for (const auto& result : results)
        incoming.add(result);
    return mergeAll(view, incoming, count);
}

ProjectView merge(const ProjectView& view, const ProjectView& other, MergeCount* count) {
    Incoming incoming;
    incoming.add(other);
    return mergeAll(view, incoming, count);
}

} // namespace azimuth
