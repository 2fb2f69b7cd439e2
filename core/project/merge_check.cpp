#include "core/project/merge.h"

#include "core/base/error.h"
#include "core/base/text.h"
#include "core/study/keys.h"

#include <algorithm>
#include <set>

namespace azimuth {
namespace {

std::string brief(const std::string& digest) { return digest.substr(0, 12) + "…"; }
std::string quoted(const std::string& name) { return "\"" + forMessage(name, 60) + "\""; }

class Check {
public:
    Check(const ProjectView& view, std::string origin) : m_view(view), m_origin(std::move(origin)) {}

    // A model under a name that the view's study has too.
    void model(const std::string& name, const Model& model) {
        const auto& declared = m_view.study->models;
        for (std::size_t i = 0; i < declared.size() && i < m_view.modelIdentities.size(); ++i) {
            if (declared[i].name != name || m_view.modelByIdentity(model.identity))
                continue;
            const auto& own = m_view.modelIdentities[i];
            const auto weights = weightsDigest(model);
            if (!own.empty())
                add("the model " + quoted(name) + " is " + brief(model.identity) + " there and " +
                    brief(own) + " here");
            else if (declared[i].precision != model.compute)
                add("the model " + quoted(name) + " is computed in " + toString(model.compute) +
                    " there and in " + toString(declared[i].precision) + " here");
            else if (declared[i].sha256 && weights != *declared[i].sha256)
                add("the weights of the model " + quoted(name) + " are " + brief(weights) +
                    " there, this study asks for " + brief(*declared[i].sha256));
        }
    }

    void bank(const DirectionBank& bank) {
        const auto* value = m_view.study->concept_(bank.conceptName);
        const auto known = [&](const auto& own) { return own->key == bank.key; };
        if (!value || std::ranges::any_of(m_view.banks, known))
            return;
        const auto *positive = value->set(PromptRole::Positive), *negative = value->set(PromptRole::Negative);
        if (positive && negative &&
            toHex(bankKey(bank.modelIdentity, m_view.study->rendering, bank.method, *positive, *negative)) !=
                bank.key)
            add("its directions of " + quoted(bank.conceptName) +
                " come from other prompts or another rendering than this study has under that name");
    }

    void calibration(const Calibration& calibration) {
        const auto* value = m_view.study->concept_(calibration.conceptName);
        const auto known = [&](const auto& own) { return own->id == calibration.id; };
        if (value && value->induce.digest() != calibration.judgeDigest &&
            std::ranges::none_of(m_view.calibrations, known))
            add("a calibration of " + quoted(calibration.conceptName) +
                " was judged by another judge than this study has");
    }

    void finish() const {
        if (!m_findings.empty())
            throw joinErrors(
                "merge.conflict", m_findings,
                "Nothing was merged. Give both the same study (azimuth run STUDY -o PROJECT), or "
                "rename what differs in one of them.");
    }

private:
    void add(const std::string& finding) {
        if (m_told.insert(finding).second)
            m_findings.push_back(m_origin + " cannot be merged: " + finding + ".");
    }

    const ProjectView& m_view;
    std::string m_origin;
    std::set<std::string> m_told;
    std::vector<std::string> m_findings;
};

} // namespace

void checkMergeable(const ProjectView& view, const ProjectView& other, const std::string& origin) {
    Check check(view, origin);
    for (std::size_t i = 0; i < other.study->models.size() && i < other.modelIdentities.size(); ++i)
        if (const auto* model = other.modelByIdentity(other.modelIdentities[i]))
            check.model(other.study->models[i].name, *model);
    for (const auto& bank : other.banks)
        check.bank(*bank);
    for (const auto& calibration : other.calibrations)
        check.calibration(*calibration);
    check.finish();
}

void checkMergeable(const ProjectView& view, const JobResult& other, const std::string& origin) {
    Check check(view, origin);
    for (const auto& model : other.models)
        check.model(model.name, model);
    for (const auto& bank : other.banks)
        check.bank(bank);
    check.finish();
}

} // namespace azimuth
