#include "tests/faults/in_memory.h"

#include "tests/faults/records.h"

namespace azimuth {

std::string InMemory::difference(const InMemory& other) const {
    if (labels != other.labels)
        return "labels";
    if (notes != other.notes)
        return "notes";
    if (study != other.study)
        return "study: " + study.substr(0, 120) + " | " + other.study.substr(0, 120);
    if (completions != other.completions)
        return "completions: " + std::to_string(completions.size()) + ", " +
               std::to_string(other.completions.size());
    return counted != other.counted     ? "the choices that count"
           : banks != other.banks       ? "banks"
           : jobs != other.jobs         ? "jobs"
           : failures != other.failures ? "failures"
           : choices != other.choices   ? "calibrations"
                                        : "";
}

namespace {
void record(InMemory& model, const Calibration& choice) {
    model.choices.emplace(choice.id, choice.bankKey);
    model.counted[{choice.modelIdentity, choice.conceptName}] = choice.id;
}
} // namespace

InMemory inMemory(const ProjectView& view) {
    InMemory model;
    for (const auto& label : view.labels) {
        if (label->source != Label::Source::Human)
            continue;
        const std::pair place(label->completionKey, label->rater);
        model.labels.erase(place);
        if (!label->retracted)
            model.labels.emplace(place, label->verdict);
    }
    for (const auto& note : view.notes) {
        const std::pair place(note->subject, note->object);
        model.notes.erase(place);
        if (!note->text.empty())
            model.notes.emplace(place, note->text);
    }
    model.study = canonicalJson(toJson(*view.study));
    for (std::size_t i = 0; i < view.completions->size(); ++i)
        model.completions.emplace(view.completions->key(i), records::lineOf(view.completions->row(i)));
    for (const auto& bank : view.banks)
        model.banks.emplace(bank->key, records::lineOf(*bank));
    for (const auto& job : view.jobs)
        (job.state == JobState::Done ? model.jobs : model.failures).insert(job.id);
    for (const auto& choice : view.calibrations)
        record(model, *choice);
    return model;
}

InMemory after(InMemory model, const Change& change) {
    if (const auto* labels = std::get_if<SetLabels>(&change))
        for (const auto& item : labels->items) {
            model.labels.erase({item.key, labels->rater});
            if (item.verdict)
                model.labels[{item.key, labels->rater}] = *item.verdict;
        }
    if (const auto* note = std::get_if<SetNote>(&change)) {
        model.notes.erase({note->subject, note->object});
        if (!note->text.empty())
            model.notes[{note->subject, note->object}] = note->text;
    }
    if (const auto* choice = std::get_if<RecordCalibration>(&change))
        record(model, choice->calibration);
    if (const auto* study = std::get_if<ChangeStudy>(&change))
        model.study = canonicalJson(parseJson(model.study, "the model").patch(study->patch));
    return model;
}

} // namespace azimuth
