#include "core/study/edit.h"

#include "core/base/error.h"
#include "core/base/time.h"

#include <algorithm>
#include <map>

namespace azimuth {
namespace {

bool sameModel(const ModelReference& a, const ModelReference& b) {
    return a.find == b.find && a.sha256 == b.sha256 && a.precision == b.precision;
}

Error missing(const std::string& what) {
    return Error("edit.missing", what + " is not in this project.", "");
}

// What the rater says of each completion that the change touches; null: nothing.
std::map<Digest, const Label*> saidBefore(const ProjectView& view, const SetLabels& change) {
    std::map<Digest, const Label*> said;
    for (const auto& item : change.items)
        said.emplace(item.key, nullptr);
    for (const auto& label : view.labels)
        if (label->source == Label::Source::Human && label->rater == change.rater)
            if (const auto found = said.find(label->completionKey); found != said.end())
                found->second = label->retracted ? nullptr : label.get();
    return said;
}

// Whether a garbled text shows the behaviour is what the rules said; a person is not asked.
std::map<Digest, bool> behavesByRule(const ProjectView& view, const SetLabels& change) {
    std::map<Digest, bool> behaves;
    for (const auto& item : change.items)
        if (item.verdict == Verdict::Garbled)
            behaves.emplace(item.key, false);
    if (!behaves.empty())
        for (const auto& label : view.labels)
            if (label->source == Label::Source::Rule)
                if (const auto found = behaves.find(label->completionKey); found != behaves.end())
                    found->second = label->behaves;
    return behaves;
}

void applyTo(ProjectView& view, const Edit& edit, const SetLabels& change) {
    auto said = saidBefore(view, change);
    const auto byRule = behavesByRule(view, change);
    for (const auto& item : change.items) {
        const auto* before = said.at(item.key); // a key may come twice
        if (item.verdict ? before && before->verdict == *item.verdict : !before)
            continue; // said already
        Label label;
        label.completionKey = item.key;
        label.source = Label::Source::Human;
        label.rater = change.rater;
        label.time = edit.time;
        label.retracted = !item.verdict;
        label.verdict = item.verdict ? *item.verdict : before->verdict;
        label.behaves = label.verdict == Verdict::Coherent ||
                        (label.verdict == Verdict::Garbled && item.verdict && byRule.at(item.key));
        view.labels.push_back(std::make_shared<const Label>(std::move(label)));
        said[item.key] = item.verdict ? view.labels.back().get() : nullptr;
    }
}

void applyTo(ProjectView& view, const Edit& edit, const SetNote& change) {
    view.notes.push_back(std::make_shared<const Note>(
        Note{change.subject, change.object, change.text, edit.author, edit.time}));
}

void applyTo(ProjectView& view, const Edit& edit, const ChangeStudy& change) {
    Json json;
    try {
        json = toJson(*view.study).patch(change.patch);
    } catch (const Json::exception& failure) {
        throw Error("edit.value", "The study has nothing that the change \"" + edit.text + "\" fits.", "",
                    failure.what());
    }
    const auto identities = change.identities;
    view = withStudy(view, readStudy(json, "the changed study"));
    if (identities.size() == view.modelIdentities.size())
        for (std::size_t i = 0; i < identities.size(); ++i)
            if (view.modelIdentities[i].empty() && view.modelByIdentity(identities[i]))
                view.modelIdentities[i] = identities[i];
    view.provenance.push_back({utcText(edit.time), edit.author, "change the study", edit.text, "{}"});
}

void applyTo(ProjectView& view, const Edit& edit, const RecordCalibration& change) {
    const auto& choice = change.calibration;
    if (std::none_of(view.banks.begin(), view.banks.end(),
                     [&](const auto& bank) { return bank->key == choice.bankKey; }))
        throw missing("The bank " + choice.bankKey.substr(0, 12) + " of a calibration");
    if (const auto* now = view.calibration(choice.modelIdentity, choice.conceptName);
        now && now->id == choice.id)
        return; // it counts already
    auto recorded = choice;
    const auto isThere = [&](const auto& other) {
        return other->id == recorded.id && other->created == recorded.created;
    };
    const auto again = [&](const auto& other) { return other->id == choice.id; };
    if (std::ranges::any_of(view.calibrations, again)) // it was made before and counts from now on
        recorded.created = utcText(edit.time);
    for (auto time = edit.time; std::ranges::any_of(view.calibrations, isThere);) // several within a second
        recorded.created = utcText(++time);
    view.calibrations.push_back(std::make_shared<const Calibration>(std::move(recorded)));
    view.provenance.push_back({utcText(edit.time), edit.author, "calibrate", edit.text,
                               canonicalJson({{"calibration", choice.id}, {"inputs", choice.inputDigest}})});
}

void applyTo(ProjectView& view, const Edit&, const RecordJob& change) { view.jobs.push_back(change.job); }

// Paths of a patch count rows, so each member that it changes is tested first: a patch on another list of
// models would change another model.
Json guardedPatch(const Json& from, const Json& to) {
    const auto changes = Json::diff(from, to);
    Json patch = Json::array();
    for (const auto& [name, value] : from.items())
        if (!to.contains(name) || to.at(name) != value)
            patch.push_back(
                {{"op", "test"}, {"path", (Json::json_pointer() / name).to_string()}, {"value", value}});
    patch.insert(patch.end(), changes.begin(), changes.end());
    return patch;
}

void applyTo(ProjectView&, const Edit&, const AttachShard&) {} // its results are merged from the shard

} // namespace

std::optional<ChangeStudy> studyChange(const Study& from, const Study& to) {
    auto patch = guardedPatch(toJson(from), toJson(to));
    if (patch.empty())
        return std::nullopt;
    return ChangeStudy{std::move(patch), {}};
}

ProjectView withStudy(const ProjectView& view, const Study& study) {
    ProjectView out = view;
    out.study = std::make_shared<const Study>(study);
    out.title = study.title;
    out.modelIdentities.assign(study.models.size(), {});
    for (std::size_t i = 0; i < study.models.size(); ++i)
        for (std::size_t j = 0; j < view.study->models.size() && j < view.modelIdentities.size(); ++j)
            if (sameModel(study.models[i], view.study->models[j]))
                out.modelIdentities[i] = view.modelIdentities[j];
    return out;
}

ProjectView apply(const ProjectView& view, const Edit& edit) {
    auto next = view;
    std::visit([&](const auto& change) { applyTo(next, edit, change); }, edit.change);
    return next;
}

std::optional<Change> inverse(const ProjectView& before, const Change& change) {
    if (const auto* labels = std::get_if<SetLabels>(&change)) {
        SetLabels back{{}, labels->rater};
        for (const auto& [key, label] : saidBefore(before, *labels))
            back.items.push_back({key, label ? std::optional(label->verdict) : std::nullopt});
        return back;
    }
    if (const auto* note = std::get_if<SetNote>(&change)) {
        const auto* said = before.note(note->subject, note->object);
        return SetNote{note->subject, note->object, said ? said->text : std::string()};
    }
    if (const auto* study = std::get_if<ChangeStudy>(&change)) {
        const auto json = toJson(*before.study);
        return ChangeStudy{guardedPatch(json.patch(study->patch), json), before.modelIdentities};
    }
    if (const auto* chosen = std::get_if<RecordCalibration>(&change)) {
        const auto& choice = chosen->calibration;
        const auto* counted = before.calibration(choice.modelIdentity, choice.conceptName);
        if (counted && counted->id != choice.id)
            return RecordCalibration{*counted};
    }
    return std::nullopt;
}

} // namespace azimuth
