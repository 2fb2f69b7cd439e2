#include "tests/faults/random_edits.h"

#include "core/base/time.h"
#include "tests/core/project/sample.h"

#include <algorithm>

namespace azimuth {

Change RandomEdits::labels(const InMemory& model) {
    SetLabels change;
    change.rater = pick(2) ? "Ana Ž." : "Bo";
    for (std::size_t i = 0; i <= pick(3); ++i) {
        auto key = sha256("completion " + std::to_string(pick(5)));
        if (!model.completions.empty() && pick(2))
            key = std::next(model.completions.begin(),
                            static_cast<std::ptrdiff_t>(pick(model.completions.size())))
                      ->first;
        change.items.push_back({key, pick(4) ? std::optional(static_cast<Verdict>(pick(3))) : std::nullopt});
    }
    return change;
}

Change RandomEdits::note() {
    const std::string text = pick(4) ? "note " + std::to_string(pick(1000)) + " — 詩" : "";
    return pick(2) ? SetNote{NoteSubject::Project, "", text}
                   : SetNote{NoteSubject::Completion, toHex(sha256("completion " + std::to_string(pick(3)))),
                             text};
}

Change RandomEdits::study(const Study& from) {
    auto study = from;
    const auto number = std::to_string(m_random());
    auto& prompts = study.concepts[0].sets.at(PromptRole::Positive).prompts;
    switch (pick(9)) {
    case 0:
        study.title = "title " + number;
        break;
    case 1:
        prompts.push_back(Prompt::of("prompt " + number, ""));
        break;
    case 2:
        study.sweep.ks.push_back(static_cast<std::int64_t>(20 + study.sweep.ks.size()));
        break;
    case 3:
        study.models[pick(study.models.size())].name = "model " + number;
        m_tell("rename");
        break;
    case 4:
        study.concepts[pick(study.concepts.size())].name = "concept " + number;
        m_tell("rename");
        break;
    case 5:
        study.models.push_back(study.models[0]);
        study.models.back().name = "another model " + number;
        break;
    case 6:
        study.concepts.push_back(study.concepts[0]);
        study.concepts.back().name = "another concept " + number;
        break;
    case 7:
        removeOne(study, prompts);
        break;
    default:
        std::rotate(study.models.begin(), study.models.begin() + 1, study.models.end());
        std::rotate(study.concepts.begin(), study.concepts.begin() + 1, study.concepts.end());
        std::rotate(prompts.begin(), prompts.begin() + 1, prompts.end());
        m_tell("order");
    }
    const auto change = studyChange(from, study);
    return change ? Change(*change) : note(); // there was nothing to put in order
}

// A model, else a concept, else a prompt, else what is there stays.
void RandomEdits::removeOne(Study& study, std::vector<Prompt>& prompts) {
    if (study.models.size() > 1)
        study.models.erase(study.models.begin() + static_cast<std::ptrdiff_t>(pick(study.models.size())));
    else if (study.concepts.size() > 1)
        study.concepts.pop_back();
    else if (prompts.size() > 1)
        prompts.erase(prompts.begin());
    else
        return;
    m_tell("removal");
}

Calibration RandomEdits::choice(const InMemory& model) {
    Calibration choice;
    choice.bankKey =
        std::next(model.banks.begin(), static_cast<std::ptrdiff_t>(pick(model.banks.size())))->first;
    choice.modelIdentity = sample::jobResult().models.front().identity;
    choice.conceptName = "verse";
    choice.judgeDigest = sample::hexOf("judge");
    choice.inputDigest = sample::hexOf(std::to_string(m_random()));
    choice.status = CalibrationStatus::NothingSteers;
    choice.reason = "Nothing steers — 詩.";
    choice.created = utcNow();
    choice.id = toJson(choice)["id"].get<std::string>();
    return choice;
}

} // namespace azimuth
