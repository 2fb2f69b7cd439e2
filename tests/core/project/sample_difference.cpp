#include "tests/core/project/sample.h"

#include <bit>

namespace azimuth::sample {
namespace {

class Differences {
public:
    std::string text;

    template <class T> void same(const std::string& place, const T& a, const T& b) {
        if (text.empty() && !(a == b))
            text = place;
    }
    void same(const std::string& place, double a, double b) {
        if (text.empty() && std::bit_cast<std::uint64_t>(a) != std::bit_cast<std::uint64_t>(b))
            text = place + ": " + std::to_string(a) + " and " + std::to_string(b);
    }
    template <class T> void array(const std::string& place, const Array<T>& a, const Array<T>& b) {
        same(place + " shape", a.shape(), b.shape());
        same(place + " size", a.size(), b.size());
        const auto* x = reinterpret_cast<const char*>(a.data());
        const auto* y = reinterpret_cast<const char*>(b.data());
        if (text.empty())
            same(place, std::string(x, a.size() * sizeof(T)), std::string(y, b.size() * sizeof(T)));
    }
    template <class List, class Each>
    void each(const std::string& place, const List& a, const List& b, Each compare) {
        same(place + " count", a.size(), b.size());
        for (std::size_t i = 0; text.empty() && i < a.size(); ++i)
            compare(place + " " + std::to_string(i), a[i], b[i]);
    }
};

void compare(Differences& d, const std::string& place, const DirectionBank& a, const DirectionBank& b) {
    d.same(place + " key", a.key, b.key);
    d.same(place + " model", a.modelIdentity, b.modelIdentity);
    d.same(place + " concept", a.conceptName, b.conceptName);
    d.same(place + " method", static_cast<int>(a.method), static_cast<int>(b.method));
    d.same(place + " positions", a.positions, b.positions);
    d.same(place + " ks", a.ks, b.ks);
    d.same(place + " width", a.width, b.width);
    d.same(place + " positive", a.positiveCount, b.positiveCount);
    d.same(place + " negative", a.negativeCount, b.negativeCount);
    d.array(place + " raw norm", a.rawNorm, b.rawNorm);
    d.array(place + " median norm", a.medianNorm, b.medianNorm);
    d.array(place + " tensor", a.tensor, b.tensor);
    d.same(place + " tokens", a.positionTokens, b.positionTokens);
    d.same(place + " job", a.jobId, b.jobId);
}

void compare(Differences& d, const std::string& place, const Completion& a, const Completion& b) {
    d.same(place + " key", a.key, b.key);
    d.same(place + " model", a.modelIdentity, b.modelIdentity);
    d.same(place + " prompt", a.promptId, b.promptId);
    d.same(place + " arm", a.armDigest, b.armDigest);
    d.same(place + " ids", a.ids, b.ids);
    d.same(place + " text", a.text, b.text);
    d.same(place + " finish", static_cast<int>(a.finish), static_cast<int>(b.finish));
    d.same(place + " log probability", a.logProbability, b.logProbability);
    d.same(place + " prompt tokens", a.promptTokens, b.promptTokens);
    d.same(place + " job", a.jobId, b.jobId);
}

void compare(Differences& d, const std::string& place, const Score& a, const Score& b) {
    d.same(place + " key", a.key, b.key);
    d.same(place + " model", a.modelIdentity, b.modelIdentity);
    d.same(place + " prompt", a.promptId, b.promptId);
    d.same(place + " continuation", a.continuationDigest, b.continuationDigest);
    d.same(place + " arm", a.armDigest, b.armDigest);
    d.same(place + " reference", a.referenceDigest, b.referenceDigest);
    d.same(place + " ids", a.ids, b.ids);
    const auto number = [&](const std::string& at, double x, double y) { d.same(at, x, y); };
    d.each(place + " log probability", a.logProbabilities, b.logProbabilities, number);
    d.same(place + " sum", a.sum, b.sum);
    d.each(place + " kl", a.kl, b.kl, number);
    d.same(place + " prompt tokens", a.promptTokens, b.promptTokens);
    d.same(place + " job", a.jobId, b.jobId);
}

void compare(Differences& d, const std::string& place, const JobRecord& a, const JobRecord& b) {
    d.same(place + " id", a.id, b.id);
    d.same(place + " kind", a.kind, b.kind);
    d.same(place + " state", static_cast<int>(a.state), static_cast<int>(b.state));
    d.same(place + " model", a.modelIdentity, b.modelIdentity);
    d.same(place + " started", a.started, b.started);
    d.same(place + " ended", a.ended, b.ended);
    d.same(place + " seconds", a.seconds, b.seconds);
    d.same(place + " results", a.results, b.results);
    d.same(place + " environment", a.environment, b.environment);
    d.same(place + " error", a.error, b.error);
}

void compare(Differences& d, const std::string& place, const Calibration& a, const Calibration& b) {
    d.same(place + " id", a.id, b.id);
    d.same(place + " model", a.modelIdentity, b.modelIdentity);
    d.same(place + " concept", a.conceptName, b.conceptName);
    d.same(place + " judge", a.judgeDigest, b.judgeDigest);
    d.same(place + " bank", a.bankKey, b.bankKey);
    d.same(place + " rule", static_cast<int>(a.rule), static_cast<int>(b.rule));
    d.same(place + " status", static_cast<int>(a.status), static_cast<int>(b.status));
    d.same(place + " reason", a.reason, b.reason);
    d.same(place + " control n", a.controlN, b.controlN);
    d.same(place + " control coherent", a.controlCoherent, b.controlCoherent);
    d.same(place + " control garbled", a.controlGarbled, b.controlGarbled);
    d.same(place + " chosen", a.chosen, b.chosen);
    d.same(place + " inputs", a.inputDigest, b.inputDigest);
    d.same(place + " created", a.created, b.created);
    d.each(place + " point", a.points, b.points,
           [&](const std::string& at, const SweepPoint& x, const SweepPoint& y) {
               d.same(at + " k", x.k, y.k);
               d.same(at + " grid strength", x.gridStrength, y.gridStrength);
               d.same(at + " alpha", x.alpha, y.alpha);
               d.same(at + " dose", x.dose, y.dose);
               d.same(at + " n", x.n, y.n);
               d.same(at + " coherent", x.coherent, y.coherent);
               d.same(at + " garbled", x.garbled, y.garbled);
               d.same(at + " normal", x.normal, y.normal);
           });
}

void compare(Differences& d, const std::string& place, const TransferCell& a, const TransferCell& b) {
    d.same(place + " source", a.source, b.source);
    d.same(place + " target", a.target, b.target);
    d.same(place + " concept", a.conceptName, b.conceptName);
    d.same(place + " kind", static_cast<int>(a.kind), static_cast<int>(b.kind));
    d.same(place + " measured", a.notMeasured.has_value(), b.notMeasured.has_value());
    if (d.text.empty() && a.notMeasured) {
        d.same(place + " why", static_cast<int>(a.notMeasured->kind), static_cast<int>(b.notMeasured->kind));
        d.same(place + " short reason", a.notMeasured->shortReason, b.notMeasured->shortReason);
        d.same(place + " reason", a.notMeasured->reason, b.notMeasured->reason);
    }
    d.same(place + " k", a.k, b.k);
    for (auto rate :
         {&TransferCell::foreign, &TransferCell::own, &TransferCell::control, &TransferCell::foreignGarbled,
          &TransferCell::ownGarbled, &TransferCell::controlGarbled}) {
        d.same(place + " count", (a.*rate).count, (b.*rate).count);
        d.same(place + " n", (a.*rate).n, (b.*rate).n);
        d.same(place + " value", (a.*rate).value, (b.*rate).value);
        d.same(place + " low", (a.*rate).low, (b.*rate).low);
        d.same(place + " high", (a.*rate).high, (b.*rate).high);
    }
    for (auto field : {&TransferCell::alpha, &TransferCell::te, &TransferCell::excessTe,
                       &TransferCell::excess, &TransferCell::excessLow, &TransferCell::excessHigh,
                       &TransferCell::difference, &TransferCell::differenceLow, &TransferCell::differenceHigh,
                       &TransferCell::excessTeLow, &TransferCell::excessTeHigh, &TransferCell::cosine,
                       &TransferCell::sourceRawNorm, &TransferCell::targetRawNorm})
        d.same(place, a.*field, b.*field);
}

void compare(Differences& d, const std::string& place, const Label& a, const Label& b) {
    d.same(place + " key", a.completionKey, b.completionKey);
    d.same(place + " judge", a.judgeDigest, b.judgeDigest);
    d.same(place + " source", static_cast<int>(a.source), static_cast<int>(b.source));
    d.same(place + " verdict", static_cast<int>(a.verdict), static_cast<int>(b.verdict));
    d.same(place + " behaves", a.behaves, b.behaves);
    d.same(place + " reason", a.reason, b.reason);
    d.same(place + " rater", a.rater, b.rater);
    d.same(place + " time", a.time, b.time);
    d.same(place + " retracted", a.retracted, b.retracted);
}

void compare(Differences& d, const std::string& place, const Note& a, const Note& b) {
    d.same(place + " subject", static_cast<int>(a.subject), static_cast<int>(b.subject));
    d.same(place + " texts", std::vector{a.object, a.text, a.author}, std::vector{b.object, b.text, b.author});
    d.same(place + " time", a.time, b.time);
}

} // namespace

std::string difference(const ProjectView& a, const ProjectView& b, bool time) {
    Differences d;
    if (time) {
        d.same("uuid", a.uuid, b.uuid);
        d.same("generation", a.generation, b.generation);
        d.same("created", a.created, b.created);
        d.same("saved", a.saved, b.saved);
    }
    d.same("title", a.title, b.title);
    d.same("study", toJson(*a.study), toJson(*b.study));
    d.same("identities", a.modelIdentities, b.modelIdentities);
    const auto pointed = [&](const std::string& at, const auto& x, const auto& y) { compare(d, at, *x, *y); };
    d.each("model", a.models, b.models,
           [&](const std::string& at, const auto& x, const auto& y) { d.same(at, *x, *y); });
    d.each("bank", a.banks, b.banks, pointed);
    d.each("arm", a.arms, b.arms,
           [&](const std::string& at, const auto& x, const auto& y) { d.same(at, *x, *y); });
    d.same("completions", a.completions->size(), b.completions->size());
    for (std::size_t i = 0; d.text.empty() && i < a.completions->size(); ++i)
        compare(d, "completion " + std::to_string(i), a.completions->row(i), b.completions->row(i));
    d.each("score", a.scores, b.scores, pointed);
    d.each("label", a.labels, b.labels, pointed);
    d.each("note", a.notes, b.notes, pointed);
    d.same("edits", a.logSequence, b.logSequence);
    d.each("calibration", a.calibrations, b.calibrations, pointed);
    const auto direct = [&](const std::string& at, const auto& x, const auto& y) { compare(d, at, x, y); };
    d.each("transfer", a.transfer, b.transfer, direct);
    d.each("figure", a.figures, b.figures,
           [&](const std::string& at, const StoredFigure& x, const StoredFigure& y) {
               d.same(at, x.name + x.kind + x.specification, y.name + y.kind + y.specification);
           });
    d.each("job", a.jobs, b.jobs, direct);
    d.each("provenance", a.provenance, b.provenance,
           [&](const std::string& at, const ProvenanceRecord& x, const ProvenanceRecord& y) {
               d.same(at, std::vector{x.time, x.actor, x.action, x.object, x.details},
                      std::vector{y.time, y.actor, y.action, y.object, y.details});
           });
    return d.text;
}

std::string difference(const JobResult& a, const JobResult& b) {
    Differences d;
    const auto direct = [&](const std::string& at, const auto& x, const auto& y) { compare(d, at, x, y); };
    const auto equal = [&](const std::string& at, const auto& x, const auto& y) { d.same(at, x, y); };
    compare(d, "job", a.job, b.job);
    d.each("model", a.models, b.models, equal);
    d.each("bank", a.banks, b.banks, direct);
    d.each("arm", a.arms, b.arms, equal);
    d.each("completion", a.completions, b.completions, direct);
    d.each("score", a.scores, b.scores, direct);
    return d.text;
}

} // namespace azimuth::sample
