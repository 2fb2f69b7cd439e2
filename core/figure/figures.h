// The figures of a project, regenerated from its view. Pure; any thread.
#pragma once

#include "core/figure/figure.h"
#include "core/figure/figure_device.h"
#include "core/study/project_view.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace azimuth {

struct FigureRequest {
    std::string kind;           // layer-map, k-cosine, transfer, dose-response
    std::string conceptName;    // empty: the study's first
    std::string model;          // of layer-map and k-cosine; empty: the first with a bank
    std::int32_t position = -1; // of k-cosine
    double width = 396;         // pt
};

const std::vector<std::string>& figureKinds();

struct FigureOffer { // what `export --list` prints
    std::string kind, title;
    bool available = false;
    std::string why; // if not available
};
std::vector<FigureOffer> figureOffers(const ProjectView& view);

// Error figure.kind, figure.concept, figure.model, figure.empty (nothing measured yet).
Figure makeFigure(const ProjectView& view, const FigureRequest& request);

// The bytes of a figure in the format of a file name: .pdf, .svg, .png, .csv. Error figure.format.
std::string encodeFigure(const Figure& figure, const FigureDevice& device, const std::string& fileName);

} // namespace azimuth
