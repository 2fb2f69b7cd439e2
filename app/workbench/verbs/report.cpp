#include "app/workbench/verbs/report.h"

#include "app/workbench/verbs/table.h"
#include "core/base/units.h"
#include "core/results/rates.h"
#include "core/results/transfer_matrix.h"

#include <cmath>

namespace azimuth {
namespace {

std::string rateText(const Rate& rate) {
    if (rate.n == 0)
        return "not measured";
    return std::to_string(rate.count) + " of " + std::to_string(rate.n) + ", " + percentText(rate.low) +
           " to " + percentText(rate.high);
}

std::string fixed(double value) { return numberText(value, 3); }

std::string modelsText(const ProjectView& view) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& reference : view.study->models) {
        const auto* model = view.model(reference.name);
        if (!model) {
            rows.push_back({reference.name, "not found yet", "", "", toString(reference.precision), "", ""});
            continue;
        }
        rows.push_back({reference.name, model->family, std::to_string(model->blocks),
                        std::to_string(model->width), toString(model->compute), model->storage,
                        model->identity.substr(0, 12)});
    }
    return textTable(
        {{"Model"}, {"Family"}, {"Blocks", true}, {"Width", true}, {"Precision"}, {"Storage"}, {"Identity"}},
        rows);
}

std::string calibrationsText(const ProjectView& view) {
    std::string out;
    for (const auto& value : view.study->concepts)
        for (const auto& reference : view.study->models) {
            const auto* model = view.model(reference.name);
            const auto* calibration = model ? view.calibration(model->identity, value.name) : nullptr;
            out += "  " + reference.name + ", " + value.name + ": ";
            if (calibration)
                out += calibration->reason + "\n";
            else
                out +=
                    reference.calibrate ? "not calibrated yet\n" : "not calibrated, by choice of the study\n";
        }
    return out;
}

std::string cellText(const TransferCell& cell) {
    if (cell.notMeasured)
        return cell.notMeasured->shortReason;
    if (cell.kind == CellKind::Own)
        return percentText(cell.own.value) + " own rate";
    std::string text = fixed(cell.excessTe);
    if (std::isfinite(cell.excessTeLow) && std::isfinite(cell.excessTeHigh))
        text += " (" + fixed(cell.excessTeLow) + " to " + fixed(cell.excessTeHigh) + ")";
    text += ", over control " + fixed(cell.excess) + " (" + fixed(cell.excessLow) + " to " +
            fixed(cell.excessHigh) + ")";
    return cell.kind == CellKind::PrecisionTransfer ? text + " precision" : text;
}

std::string matrixText(const TransferMatrix& matrix) {
    std::vector<TextColumn> columns{{"Source \\ target"}};
    for (const auto& name : matrix.models)
        columns.push_back({name});
    std::vector<std::vector<std::string>> rows;
    for (std::size_t i = 0; i < matrix.models.size(); ++i) {
        std::vector<std::string> row{matrix.models[i]};
        for (std::size_t j = 0; j < matrix.models.size(); ++j)
            row.push_back(cellText(matrix.at(i, j)));
        rows.push_back(std::move(row));
    }
    return textTable(columns, rows);
}

std::string evaluationText(const ProjectView& view) {
    std::vector<std::vector<std::string>> rows;
    for (const auto& row : rateTable(view))
        if (row.role == PromptRole::TestInduce)
            rows.push_back({row.modelName, row.armName, rateText(row.coherent), rateText(row.garbled)});
    if (rows.empty())
        return "  nothing evaluated yet\n";
    return textTable({{"Model"}, {"Arm"}, {"Coherent, 95 %"}, {"Garbled, 95 %"}}, rows);
}

Json toJson(const RateRow& row) {
    const auto rate = [](const Rate& value) {
        return Json{{"count", value.count}, {"n", value.n}, {"low", value.low}, {"high", value.high}};
    };
    return {{"model", row.modelName},
            {"arm", row.armName},
            {"arm_digest", row.armDigest},
            {"concept", row.conceptName},
            {"prompts", azimuth::toString(row.role)},
            {"judge", row.judgeDigest},
            {"by_hand", row.byHand},
            {"coherent", rate(row.coherent)},
            {"garbled", rate(row.garbled)},
            {"normal", rate(row.normal)},
            {"behaves", rate(row.behaves)}};
}

} // namespace

std::string reportText(const ProjectView& view) {
    std::string out = view.title + "\n" + "generation " + std::to_string(view.generation) + ", saved " +
                      view.saved + ", " + std::to_string(view.completions->size()) + " completions, " +
                      std::to_string(view.banks.size()) + " direction banks, " +
                      std::to_string(view.jobs.size()) + " jobs\n\n" + modelsText(view) + "\nCalibration\n" +
                      calibrationsText(view) + "\nEvaluation\n" + evaluationText(view);
    for (const auto& value : view.study->concepts)
        out += "\nTransfer of " + value.name +
               ", excess efficiency, and foreign rate over control with its paired 95 % interval\n" +
               matrixText(transferMatrix(view, *view.study, value));
    return out;
}

Json reportJson(const ProjectView& view) {
    Json models = Json::array(), calibrations = Json::array(), rates = Json::array(),
         transfer = Json::array();
    for (const auto& model : view.models)
        models.push_back(azimuth::toJson(*model));
    for (const auto& calibration : view.calibrations)
        calibrations.push_back(azimuth::toJson(*calibration));
    for (const auto& row : rateTable(view))
        rates.push_back(toJson(row));
    for (const auto& value : view.study->concepts)
        for (const auto& cell : transferMatrix(view, *view.study, value).cells)
            transfer.push_back(azimuth::toJson(cell));
    return {{"azimuth", "report"},
            {"version", 1},
            {"title", view.title},
            {"uuid", view.uuid},
            {"generation", view.generation},
            {"saved", view.saved},
            {"models", models},
            {"calibrations", calibrations},
            {"rates", rates},
            {"transfer", transfer},
            {"counts",
             {{"completions", view.completions->size()},
              {"banks", view.banks.size()},
              {"labels", view.labels.size()},
              {"jobs", view.jobs.size()}}}};
}

} // namespace azimuth
