#include "core/figure/figures.h"

#include "core/base/error.h"
#include "core/base/units.h"
#include "core/figure/plots.h"
#include "core/figure/writers.h"
#include "core/results/layer_map.h"
#include "core/results/rates.h"
#include "core/results/sweep.h"
#include "core/results/transfer_matrix.h"

#include <algorithm>
#include <cmath>

namespace azimuth {
namespace {

constexpr double pngDotsPerInch = 300;

const Concept& conceptOf(const ProjectView& view, const FigureRequest& request) {
    if (request.conceptName.empty())
        return view.study->concepts.front();
    if (const auto* found = view.study->concept_(request.conceptName))
        return *found;
    throw Error("figure.concept", "The study has no concept \"" + request.conceptName + "\".",
                "Its concepts are listed by show.");
}

struct BankOf {
    const ModelReference* reference;
    const Model* model;
    const DirectionBank* bank;
};

BankOf bankOf(const ProjectView& view, const FigureRequest& request, const Concept& value) {
    if (!request.model.empty() && !view.study->model(request.model))
        throw Error("figure.model", "The study has no model \"" + request.model + "\".",
                    "Its models are listed by show.");
    for (const auto& reference : view.study->models) {
        const auto* model = view.model(reference.name);
        if (!model || (!request.model.empty() && reference.name != request.model))
            continue;
        if (const auto* bank = view.bank(model->identity, value.name, view.study->methods.front()))
            return {&reference, model, bank};
    }
    throw Error("figure.empty",
                "Nothing has been extracted" +
                    (request.model.empty() ? std::string(".") : " for " + request.model + "."),
                "Run the study first.");
}

std::string positionText(const DirectionBank& bank, std::size_t index) {
    const auto offset = bank.positions[index];
    return offset == -1 ? std::string("last") : "\u2212" + std::to_string(-offset);
}

std::vector<std::string> kLabels(std::int64_t ks) {
    std::vector<std::string> labels;
    for (std::int64_t k = 0; k < ks; ++k)
        labels.push_back(std::to_string(k));
    return labels;
}

std::string promptCaption(const BankOf& of, const Concept& value) {
    return of.reference->name + ", " + toString(of.bank->method) + " direction of " + value.name + ", " +
           std::to_string(of.bank->positiveCount) + " + " + std::to_string(of.bank->negativeCount) +
           " prompts";
}

std::vector<float> floats(const ArrayD& values) { return {values.values().begin(), values.values().end()}; }

Figure layerMapFigure(const ProjectView& view, const FigureRequest& request) {
    const auto& value = conceptOf(view, request);
    const auto of = bankOf(view, request, value);
    const auto map = layerMap(*of.bank);
    HeatMapPlot plot;
    plot.title = "Size of the mean difference by position and k";
    plot.caption = promptCaption(of, value);
    plot.rowTitle = "position";
    plot.columnTitle = "k, the residual stream entering block k";
    plot.valueTitle = "raw norm / median norm of R[k]";
    for (std::size_t i = 0; i < map.positions.size(); ++i)
        plot.rowLabels.push_back(positionText(*of.bank, i));
    plot.columnLabels = kLabels(map.ks);
    plot.values = floats(map.value);
    plot.scale = {&viridisMap, chooseRange(plot.values, RangeRule::minimumMaximum)};
    plot.scale.range.low = std::min(0.0, plot.scale.range.low);
    return heatMapFigure(plot, request.width);
}

Figure kCosineFigure(const ProjectView& view, const FigureRequest& request) {
    const auto& value = conceptOf(view, request);
    const auto of = bankOf(view, request, value);
    HeatMapPlot plot;
    plot.title = "Cosine between the directions at R[k] and R[k\u2032]";
    plot.caption = promptCaption(of, value) + ", position " +
                   positionText(*of.bank, of.bank->positionIndex(request.position));
    plot.rowTitle = "k";
    plot.columnTitle = "k\u2032";
    plot.valueTitle = "cosine";
    plot.rowLabels = plot.columnLabels = kLabels(of.bank->ks);
    plot.values = floats(kCosine(*of.bank, request.position));
    plot.scale = {&vikMap, {-1, 1}};
    plot.squareCells = true;
    return heatMapFigure(plot, std::min(request.width, 320.0));
}

// The sweep of one calibration along its chosen k, with the control at strength 0.
std::optional<DosePanel> dosePanel(const ProjectView& view, const ModelReference& reference,
                                   const Concept& value) {
    const auto* model = view.model(reference.name);
    const auto* calibration = model ? view.calibration(model->identity, value.name) : nullptr;
    if (!calibration || calibration->points.empty())
        return std::nullopt;
    std::int64_t k = calibration->points.front().k;
    if (const auto* choice = calibration->choice()) {
        k = choice->k;
    } else {
        const auto best =
            std::max_element(calibration->points.begin(), calibration->points.end(),
                             [](const auto& a, const auto& b) { return a.coherent < b.coherent; });
        k = best->k;
    }
    DosePanel panel;
    panel.title = reference.name;
    panel.caption = "R[" + std::to_string(k) + "], " + std::to_string(calibration->controlN) +
                    " calibration prompts, 95 % Wilson intervals";
    const auto unit = view.study->sweep.unit;
    panel.xTitle = unit == StrengthUnit::Alpha     ? "strength"
                   : unit == StrengthUnit::RawNorm ? "strength, \u00d7 raw norm"
                                                   : "strength, \u00d7 median norm of R[k]";
    panel.points.push_back({0, rateOf(calibration->controlCoherent, calibration->controlN),
                            rateOf(calibration->controlGarbled, calibration->controlN)});
    for (const auto& point : calibration->points)
        if (point.k == k)
            panel.points.push_back(
                {point.gridStrength, rateOf(point.coherent, point.n), rateOf(point.garbled, point.n)});
    std::sort(panel.points.begin(), panel.points.end(),
              [](const auto& a, const auto& b) { return a.x < b.x; });
    if (const auto* choice = calibration->choice())
        panel.chosen = choice->gridStrength;
    return panel;
}

Figure doseFigure(const ProjectView& view, const FigureRequest& request) {
    const auto& value = conceptOf(view, request);
    std::vector<DosePanel> panels;
    for (const auto& reference : view.study->models)
        if (request.model.empty() || request.model == reference.name)
            if (auto panel = dosePanel(view, reference, value))
                panels.push_back(std::move(*panel));
    if (panels.empty())
        throw Error("figure.empty", "No model has been calibrated.", "Run the study first.");
    return doseResponseFigure(panels, request.width);
}

Figure matrixFigure(const ProjectView& view, const FigureRequest& request) {
    const auto& value = conceptOf(view, request);
    const auto matrix = transferMatrix(view, *view.study, value);
    std::vector<std::int64_t> widths;
    for (const auto& name : matrix.models) {
        const auto* model = view.model(name);
        widths.push_back(model ? model->width : 0);
    }
    if (std::all_of(widths.begin(), widths.end(), [](auto width) { return width == 0; }))
        throw Error("figure.empty", "No model of the study has been found yet.", "Run the study first.");
    return transferFigure(value.name, matrix.models, widths, matrix.cells, request.width);
}

struct Kind {
    const char* name;
    const char* title;
    Figure (*make)(const ProjectView&, const FigureRequest&);
};
constexpr Kind kinds[] = {
    {"layer-map", "Size of the mean difference by position and k", layerMapFigure},
    {"k-cosine", "Cosine between directions, k by k", kCosineFigure},
    {"transfer", "Transfer matrix", matrixFigure},
    {"dose-response", "Coherent and garbled completions against strength", doseFigure},
};

std::string provenance(const ProjectView& view, const FigureRequest& request) {
    Json models = Json::array();
    for (const auto& model : view.models)
        models.push_back({{"name", model->name}, {"identity", model->identity}});
    return canonicalJson({{"project", view.uuid},
                          {"generation", static_cast<double>(view.generation)},
                          {"title", view.title},
                          {"kind", request.kind},
                          {"concept", request.conceptName},
                          {"model", request.model},
                          {"position", request.position},
                          {"models", models},
                          {"program", "Azimuth " AZIMUTH_VERSION}});
}

} // namespace

const std::vector<std::string>& figureKinds() {
    static const std::vector<std::string> names = [] {
        std::vector<std::string> out;
        for (const auto& kind : kinds)
            out.emplace_back(kind.name);
        return out;
    }();
    return names;
}

Figure makeFigure(const ProjectView& view, const FigureRequest& request) {
    for (const auto& kind : kinds)
        if (request.kind == kind.name) {
            Figure figure = kind.make(view, request);
            figure.kind = request.kind;
            figure.provenance = provenance(view, request);
            return figure;
        }
    std::string known;
    for (const auto& name : figureKinds())
        known += (known.empty() ? "" : ", ") + name;
    throw Error("figure.kind", "\"" + request.kind + "\" is no figure of Azimuth.",
                "Known are " + known + ".");
}

std::vector<FigureOffer> figureOffers(const ProjectView& view) {
    std::vector<FigureOffer> offers;
    for (const auto& kind : kinds) {
        FigureOffer offer{kind.name, kind.title, true, {}};
        FigureRequest request;
        request.kind = kind.name;
        try {
            kind.make(view, request);
        } catch (const Error& error) {
            offer.available = false;
            offer.why = error.message();
        }
        offers.push_back(std::move(offer));
    }
    return offers;
}

std::string encodeFigure(const Figure& figure, const FigureDevice& device, const std::string& fileName) {
    const auto dot = fileName.rfind('.');
    const std::string ending = dot == std::string::npos ? std::string() : fileName.substr(dot);
    if (ending == ".svg")
        return toSvg(figure, device);
    if (ending == ".csv")
        return toCsv(figure);
    if (ending == ".png")
        return device.encodePng(figure, pngDotsPerInch);
    if (ending == ".pdf")
        return device.encodePdf(figure);
    throw Error("figure.format", "\"" + fileName + "\" does not end in .pdf, .svg, .png or .csv.",
                "Give the file one of these endings.");
}

} // namespace azimuth
