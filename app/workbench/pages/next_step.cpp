#include "app/workbench/pages/next_step.h"

#include "app/workbench/results_cache.h"
#include "app/workbench/words.h"

#include <QObject>

namespace azimuth {
namespace {

QString tr(const char* text) { return QObject::tr(text); }

NextStep found(const QString& title, const QString& line, const QString& button, bool runs) {
    return {title, line, button, runs};
}

} // namespace

NextStep nextStep(const std::shared_ptr<const ProjectView>& shared, const Activity& activity) {
    const auto& view = *shared;
    if (activity.running)
        return found(activity.what.isEmpty() ? tr("The study is running") : activity.what,
                     tr("Results appear as they come; finished parts are kept if you stop."), {}, false);
    const auto& study = *view.study;
    for (const auto& reference : study.models)
        if (!view.model(reference.name))
            return found(tr("Next: find %1").arg(QString::fromStdString(reference.name)),
                         tr("Looks for %1 in the study's folder and in the model folders, then goes on.")
                             .arg(QString::fromStdString(reference.find)),
                         tr("Run"), true);
    for (const auto& value : study.concepts)
        for (const auto& reference : study.models)
            if (!view.bank(view.model(reference.name)->identity, value.name, study.methods.front()))
                return found(
                    tr("Next: extract %1 from %2")
                        .arg(QString::fromStdString(value.name), QString::fromStdString(reference.name)),
                    tr("Reads both prompt sets once."), tr("Extract"), true);
    for (const auto& value : study.concepts)
        for (const auto& reference : study.models) {
            const auto* calibration = view.calibration(view.model(reference.name)->identity, value.name);
            if (reference.calibrate && (!calibration || calibration->status == CalibrationStatus::Incomplete))
                return found(
                    tr("Next: calibrate %1").arg(QString::fromStdString(reference.name)),
                    tr("A sweep of k and strength finds the setting that steers and stays readable."),
                    tr("Calibrate"), true);
        }
    for (const auto& value : study.concepts) {
        int waiting = 0;
        const auto matrix = ResultsCache::instance().transfer(shared, value.name);
        if (!matrix)
            return found(tr("The results are being read"), tr("Rates of a large project take a moment."), {},
                         false);
        for (const auto& cell : matrix->cells)
            waiting += cell.notMeasured && cell.notMeasured->kind == NotMeasured::Kind::NotYet;
        if (study.transfer && waiting > 0)
            return found(tr("Next: measure %1")
                             .arg(words::countText(waiting, tr("transfer cell"), tr("transfer cells"))),
                         tr("Each target is steered at its own calibrated setting."), tr("Measure"), true);
    }
    return found(tr("Everything in the study is measured"),
                 tr("Look at the transfer matrix, read the completions, export the figures."),
                 tr("Show Transfer"), false);
}

} // namespace azimuth
