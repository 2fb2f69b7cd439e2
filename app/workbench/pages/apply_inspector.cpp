// What the inspector says of a completion, its arm and the choice.
#include "app/workbench/arms.h"
#include "app/workbench/pages/apply_page.h"
#include "app/workbench/words.h"
#include "core/base/units.h"
#include "core/results/rates.h"
#include "core/results/sweep.h"
#include "widgets/completions/word_diff.h"
#include "widgets/numbers.h"

#include <cmath>

namespace azimuth {
namespace {

QString q(const std::string& text) { return QString::fromStdString(text); }

QString labelText(const Label* label) {
    return label ? q(toString(label->verdict)) : QObject::tr("not judged yet");
}

QString finishText(const CompletionHead& row) {
    return (row.finish == Finish::Stop ? QObject::tr("end of turn, ") : QObject::tr("at the limit, ")) +
           words::countText(static_cast<qsizetype>(row.tokens), QObject::tr("token"), QObject::tr("tokens"));
}

std::string idsDigest(const std::vector<std::int32_t>& ids) { // of the little-endian bytes
    std::string bytes;
    bytes.reserve(ids.size() * 4);
    for (const auto id : ids)
        for (int shift = 0; shift < 32; shift += 8)
            bytes.push_back(static_cast<char>((static_cast<std::uint32_t>(id) >> shift) & 0xff));
    return toHex(sha256(bytes));
}

QString scopeText(TokenScope scope) {
    switch (scope) {
    case TokenScope::All:
        return QObject::tr("every token");
    case TokenScope::Prompt:
        return QObject::tr("prompt tokens");
    case TokenScope::Generated:
        return QObject::tr("generated tokens");
    case TokenScope::LastPromptTokenOn:
        return QObject::tr("from the last prompt token");
    }
    return {};
}

} // namespace

InspectorSection ApplyPage::labelSection(const ComparisonRow& row) const {
    InspectorSection section{tr("Labels"), {}, {}};
    const auto* label = row.steeredLabel;
    const bool byHand = label && label->source == Label::Source::Human;
    section.rows.push_back({byHand ? tr("By hand") : tr("By rule"), labelText(label), false, true});
    if (byHand)
        section.rows.push_back({tr("Rater"), q(label->rater)});
    if (label) {
        if (!label->reason.empty())
            section.rows.push_back({tr("Rule"), q(label->reason)});
        section.rows.push_back({tr("Behaviour"), label->behaves ? tr("present") : tr("absent")});
    }
    section.rows.push_back({tr("Control"), labelText(row.controlLabel)});
    section.rows.push_back({tr("Judge"), q(concept_()->induce.name)});
    section.paragraph = row.steered < 0 ? QString()
                        : byHand        ? tr("In the list 1, 2, 3 label by hand, 0 goes back to the rules.")
                                        : tr("In the list 1, 2, 3 label by hand: coherent, garbled, normal.");
    return section;
}

InspectorSection ApplyPage::armSection(const Arm& arm, const ComparisonRow* row) const {
    InspectorSection section{tr("Arm"), {}, {}};
    if (arm.isControl()) {
        section.paragraph = tr("The control: no intervention.");
        return section;
    }
    const auto& edit = arm.interventions.front();
    section.rows.push_back(
        {tr("Operation"), q(toString(edit.operation)) + QStringLiteral(", ") + scopeText(edit.scope)});
    section.rows.push_back({tr("Direction"), q(edit.direction), true});
    section.rows.push_back(
        {tr("Span"), edit.kTo == edit.kFrom
                         ? words::siteText(edit.kFrom)
                         : tr("%1 to %2").arg(words::siteText(edit.kFrom), words::siteText(edit.kTo))});
    if (edit.operation != Operation::Ablate) {
        section.rows.push_back({tr("Strength"), formatNumber(edit.strength, 4), false, true});
        const auto* of = bank();
        const auto position = view()->study->sweep.position;
        if (of && !of->rawNorm.empty() && edit.kFrom < of->ks) {
            const auto at = static_cast<std::int64_t>(of->positionIndex(position));
            const double raw = of->rawNorm.at(at, edit.kFrom), median = of->medianNorm.at(at, edit.kFrom);
            const double last = of->medianNorm.at(at, of->ks - 1);
            const auto edited = static_cast<double>(edit.kTo - edit.kFrom + 1);
            const bool own = arm.name.rfind("direction of ", 0) != 0;
            if (own && raw > 0)
                section.rows.push_back({{}, tr("%1 × raw norm").arg(formatNumber(edit.strength / raw))});
            if (median > 0)
                section.rows.push_back(
                    {{},
                     tr("%1 × median of %2")
                         .arg(formatNumber(edit.strength / median), words::siteText(edit.kFrom))});
            if (last > 0)
                section.rows.push_back({tr("Dose"), tr("%1 × median of %2")
                                                        .arg(formatNumber(edit.strength * edited / last),
                                                             words::siteText(of->ks - 1))});
        }
    }
    if (const auto steered = steeredOf(row))
        section.rows.push_back({tr("Finish"), finishText(*steered)});
    return section;
}

// Nothing: problem says why.
std::optional<TextFeed::Content> ApplyPage::readWhole(std::size_t index, QString& problem) const {
    TextFeed::Content whole;
    for (const auto part : {TextFeed::Part::Text, TextFeed::Part::Ids}) {
        auto answer = m_texts->read(view()->completions, index, part);
        m_inspectorWaits = m_inspectorWaits || answer.passing || answer.state == TextFeed::State::Coming;
        if (answer.state == TextFeed::State::Coming)
            problem = tr("They are being read.");
        else if (answer.state == TextFeed::State::Failed)
            problem = tr("They cannot be compared. %1").arg(answer.problem);
        if (answer.state != TextFeed::State::Here)
            return {};
        if (part == TextFeed::Part::Text)
            whole.text = std::move(answer.content.text);
        else
            whole.ids = std::move(answer.content.ids);
    }
    return whole;
}

QString ApplyPage::idsText(std::size_t index) const {
    const auto answer = m_texts->read(view()->completions, index, TextFeed::Part::Ids);
    m_inspectorWaits = m_inspectorWaits || answer.passing || answer.state == TextFeed::State::Coming;
    return answer.state == TextFeed::State::Here     ? q(idsDigest(answer.content.ids))
           : answer.state == TextFeed::State::Coming ? tr("being read")
                                                     : tr("cannot be read");
}

InspectorSection ApplyPage::controlSection(const ComparisonRow& row) const {
    InspectorSection section{tr("Against control"), {}, {}};
    if (row.control < 0 || row.steered < 0) {
        section.paragraph = row.control < 0 ? tr("The control has not been measured on this prompt yet.")
                                            : tr("This arm has not been measured on this prompt yet.");
        return section;
    }
    const auto controlRow = static_cast<std::size_t>(row.control);
    const auto steeredRow = static_cast<std::size_t>(row.steered);
    const auto controlContent = readWhole(controlRow, section.paragraph);
    const auto steeredContent = readWhole(steeredRow, section.paragraph);
    if (!controlContent || !steeredContent)
        return section;
    const auto &control = *controlContent, &steered = *steeredContent;
    const double controlNats = view()->completions->head(controlRow).logProbability;
    const double steeredNats = view()->completions->head(steeredRow).logProbability;
    const auto [first, second] =
        std::mismatch(control.ids.begin(), control.ids.end(), steered.ids.begin(), steered.ids.end());
    const bool equal = first == control.ids.end() && second == steered.ids.end();
    section.rows.push_back(
        {tr("First change"), equal ? tr("none, equal token by token")
                                   : tr("token %1").arg(std::distance(steered.ids.begin(), second) + 1)});
    section.rows.push_back(
        {tr("Words shared"), formatPercent(diffWords(q(control.text), q(steered.text)).shared)});
    section.rows.push_back(
        {tr("Length"), tr("%1, control %2 tokens").arg(steered.ids.size()).arg(control.ids.size())});
    if (std::isfinite(steeredNats) && std::isfinite(controlNats) && !steered.ids.empty() &&
        !control.ids.empty() && (steeredNats != 0 || controlNats != 0))
        section.rows.push_back(
            {tr("Nats"), tr("%1, control %2 / token")
                             .arg(formatNumber(steeredNats / static_cast<double>(steered.ids.size())),
                                  formatNumber(controlNats / static_cast<double>(control.ids.size())))});
    return section;
}

std::optional<CompletionHead> ApplyPage::steeredOf(const ComparisonRow* row) const {
    if (!row || row->steered < 0)
        return {};
    return view()->completions->head(static_cast<std::size_t>(row->steered));
}

InspectorSection ApplyPage::provenanceSection(const ComparisonRow* row) const {
    InspectorSection section{tr("Provenance"), {}, {}};
    section.rows.push_back({tr("Model"), selection().model});
    if (const auto* found = model())
        section.rows.push_back({tr("Identity"), q(found->identity), true});
    const auto steered = steeredOf(row);
    if (steered) {
        section.rows.push_back({tr("Job"), q(steered->jobId), true});
        for (const auto& job : view()->jobs)
            if (job.id == steered->jobId) {
                section.rows.push_back({tr("Took"), q(durationText(job.seconds))});
                section.rows.push_back({tr("Made"), words::whenText(job.ended)});
                break;
            }
    }
    const auto& decoding = view()->study->decoding;
    section.rows.push_back({tr("Decoding"), tr("%1, %2 tokens")
                                                .arg(decoding.temperature == 0 ? tr("greedy") : tr("sampled"))
                                                .arg(decoding.maximumNewTokens)});
    if (steered) {
        section.rows.push_back({tr("Token ids"), idsText(static_cast<std::size_t>(row->steered)), true});
        section.rows.push_back({tr("Key"), q(toHex(steered->key)), true});
    }
    return section;
}

InspectorContent ApplyPage::inspector() const {
    const auto* one = arm();
    InspectorContent content;
    if (!view() || !one)
        return content;
    const auto* selected = row();
    const auto steered = steeredOf(selected);
    const QString armName = words::armText(*one);
    content.name = selected ? tr("Prompt %1, %2").arg(numberOf(*selected), armName) : armName;
    content.kind = !selected                                   ? tr("Arm on %1").arg(selection().model)
                   : selected->role == PromptRole::Calibration ? tr("Completion, calibration prompt")
                                                               : tr("Completion, evaluation prompt");
    if (selected)
        content.sections.push_back(labelSection(*selected));
    if (const int at = pointOfArm(); at >= 0) {
        const auto& point = m_calibration->points[static_cast<std::size_t>(at)];
        InspectorSection sweep{tr("In the sweep"), {}, {}};
        const auto add = [&](const QString& key, std::int64_t count, bool strong) {
            const Rate rate = rateOf(count, point.n);
            sweep.rows.push_back(
                {key,
                 point.n ? tr("%1, %2 of %3").arg(formatPercent(rate.value)).arg(count).arg(point.n)
                         : tr("not measured yet"),
                 false, strong});
            if (point.n)
                sweep.rows.push_back(
                    {{}, tr("95 %: %1 to %2").arg(formatPercent(rate.low), formatPercent(rate.high))});
        };
        add(tr("Coherent"), point.coherent, true);
        add(tr("Garbled"), point.garbled, false);
        add(tr("Normal"), point.normal, false);
        content.sections.push_back(sweep);
    }
    content.sections.push_back(armSection(*one, selected));
    if (m_calibration) {
        InspectorSection choice{tr("Calibration choice"), {}, q(m_calibration->reason)};
        choice.rows.push_back({tr("Status"), q(toString(m_calibration->status))});
        if (const auto* chosen = m_calibration->choice())
            choice.rows.push_back(
                {tr("Chosen"), tr("%1 at %2").arg(formatNumber(chosen->alpha), words::siteText(chosen->k))});
        if (const auto* now = wouldChoose()) {
            const auto* chosen = now->choice();
            choice.rows.push_back(
                {tr("Would now be"),
                 chosen ? tr("%1 at %2").arg(formatNumber(chosen->alpha), words::siteText(chosen->k))
                        : q(toString(now->status)),
                 false, true});
            choice.paragraph +=
                QLatin1Char('\n') + tr("Completions or labels are others since. Study > Choose again "
                                       "records a new choice; what was measured with this one stays.");
        }
        choice.rows.push_back(
            {tr("Sweep"), tr("%1 k × %2 strengths").arg(m_table.ks.size()).arg(m_table.strengths.size())});
        content.sections.push_back(choice);
    }
    if (selected)
        content.sections.push_back(controlSection(*selected));
    content.sections.push_back(provenanceSection(selected));
    content.note = steered ? noteOn(NoteSubject::Completion, toHex(steered->key))
                           : noteOn(NoteSubject::Arm, one->digest());
    return content;
}

} // namespace azimuth
