#include "core/figure/writers.h"

#include <cmath>
#include <cstdio>

namespace azimuth {

std::string figureNumber(double value) {
    char buffer[64];
    std::snprintf(buffer, sizeof buffer, "%.3f", value);
    std::string text = buffer;
    while (text.back() == '0')
        text.pop_back();
    if (text.back() == '.')
        text.pop_back();
    return text == "-0" ? "0" : text;
}

namespace {

std::string n(double value) { return figureNumber(value); }

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&':
            out += "&amp;";
            break;
        case '<':
            out += "&lt;";
            break;
        case '>':
            out += "&gt;";
            break;
        case '"':
            out += "&quot;";
            break;
        default:
            if (static_cast<unsigned char>(c) >= 0x20 || c == '\n' || c == '\t')
                out += c;
        }
    }
    return out;
}

std::string strokeAttributes(const std::optional<FigureStroke>& stroke) {
    if (!stroke)
        return " stroke=\"none\"";
    std::string out = " stroke=\"" + toHex(stroke->colour) + "\" stroke-width=\"" + n(stroke->width) + "\"";
    if (!stroke->dash.empty()) {
        out += " stroke-dasharray=\"";
        for (std::size_t i = 0; i < stroke->dash.size(); ++i)
            out += (i ? "," : "") + n(stroke->dash[i]);
        out += "\"";
    }
    return out;
}

std::string fillAttribute(const std::optional<Rgb>& fill) {
    return " fill=\"" + (fill ? toHex(*fill) : std::string("none")) + "\"";
}

std::string pointList(const std::vector<FigurePoint>& points) {
    std::string out;
    for (const auto& point : points)
        out += (out.empty() ? "" : " ") + n(point.x) + "," + n(point.y);
    return out;
}

struct SvgItem {
    const FigureDevice& device;
    SvgText mode;
    std::string out;

    void rectangle(double x, double y, double width, double height, const std::string& attributes) {
        out += "<rect x=\"" + n(x) + "\" y=\"" + n(y) + "\" width=\"" + n(width) + "\" height=\"" +
               n(height) + "\"" + attributes + "/>\n";
    }

    void operator()(const figure_item::Rectangle& item) {
        const std::string fill = item.hatch ? std::string(" fill=\"url(#hatch)\"") : fillAttribute(item.fill);
        rectangle(item.x, item.y, item.width, item.height, fill + strokeAttributes(item.stroke));
    }

    void operator()(const figure_item::Cells& item) {
        out += "<g shape-rendering=\"crispEdges\" stroke=\"none\">\n";
        const auto columns = item.xEdges.size() - 1;
        for (std::size_t i = 0; i < item.colours.size(); ++i) {
            const auto row = i / columns, column = i % columns;
            const auto& colour = item.colours[i];
            rectangle(item.xEdges[column], item.yEdges[row], item.xEdges[column + 1] - item.xEdges[column],
                      item.yEdges[row + 1] - item.yEdges[row],
                      colour ? " fill=\"" + toHex(*colour) + "\"" : std::string(" fill=\"url(#hatch)\""));
        }
        out += "</g>\n";
    }

    void operator()(const figure_item::Polyline& item) {
        out += "<polyline points=\"" + pointList(item.points) + "\" fill=\"none\"" +
               strokeAttributes(item.stroke) + " stroke-linejoin=\"round\"/>\n";
    }

    void operator()(const figure_item::Polygon& item) {
        out += "<polygon points=\"" + pointList(item.points) + "\"" + fillAttribute(item.fill) +
               strokeAttributes(item.stroke) + "/>\n";
    }

    void operator()(const figure_item::Disc& item) {
        out += "<circle cx=\"" + n(item.centre.x) + "\" cy=\"" + n(item.centre.y) + "\" r=\"" +
               n(item.radius) + "\"" + fillAttribute(item.fill) + strokeAttributes(item.stroke) + "/>\n";
    }

    void operator()(const figure_item::Text& item) {
        const double width = device.advance(item.text, item.size, item.weight);
        const double shift = item.anchor == Anchor::Start    ? 0
                             : item.anchor == Anchor::Middle ? -width / 2
                                                             : -width;
        std::string transform = "translate(" + n(item.at.x) + " " + n(item.at.y) + ")";
        if (item.rotation != 0)
            transform += " rotate(" + n(-item.rotation) + ")";
        if (shift != 0)
            transform += " translate(" + n(shift) + " 0)";
        if (mode == SvgText::Outlines) {
            out += "<path aria-label=\"" + escaped(item.text) + "\" transform=\"" + transform + "\" fill=\"" +
                   toHex(item.colour) + "\" d=\"" + device.outline(item.text, item.size, item.weight) +
                   "\"/>\n";
            return;
        }
        const char* weight = item.weight == Weight::SemiBold ? "600"
                             : item.weight == Weight::Medium ? "500"
                                                             : "400";
        out += "<text transform=\"" + transform +
               "\" font-family=\"IBM Plex Sans, sans-serif\" font-size=\"" + n(item.size) +
               "\" font-weight=\"" + weight + "\" fill=\"" + toHex(item.colour) + "\">" + escaped(item.text) +
               "</text>\n";
    }
};

std::string quotedField(const std::string& field) {
    if (field.find_first_of(",\"\n\r") == std::string::npos)
        return field;
    std::string out = "\"";
    for (const char c : field)
        out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + "\"";
}

std::string csvLine(const std::vector<std::string>& fields) {
    std::string out;
    for (std::size_t i = 0; i < fields.size(); ++i)
        out += (i ? "," : "") + quotedField(fields[i]);
    return out + "\r\n";
}

std::string strokeDump(const std::optional<FigureStroke>& stroke) {
    return stroke ? " stroke " + toHex(stroke->colour) + " " + n(stroke->width) : "";
}

std::string fillDump(const std::optional<Rgb>& fill) { return fill ? " fill " + toHex(*fill) : ""; }

struct Dump {
    std::string operator()(const figure_item::Rectangle& item) const {
        return "rectangle " + n(item.x) + " " + n(item.y) + " " + n(item.width) + " " + n(item.height) +
               fillDump(item.fill) + strokeDump(item.stroke) + (item.hatch ? " hatch" : "");
    }
    std::string operator()(const figure_item::Cells& item) const {
        std::string out = "cells " + std::to_string(item.yEdges.size() - 1) + " x " +
                          std::to_string(item.xEdges.size() - 1);
        for (const auto& colour : item.colours)
            out += " " + (colour ? toHex(*colour) : std::string("none"));
        return out;
    }
    std::string operator()(const figure_item::Polyline& item) const {
        return "polyline " + pointList(item.points) + strokeDump(item.stroke);
    }
    std::string operator()(const figure_item::Polygon& item) const {
        return "polygon " + pointList(item.points) + fillDump(item.fill) + strokeDump(item.stroke);
    }
    std::string operator()(const figure_item::Disc& item) const {
        return "disc " + pointList({item.centre}) + " " + n(item.radius) + fillDump(item.fill) +
               strokeDump(item.stroke);
    }
    std::string operator()(const figure_item::Text& item) const {
        return "text " + pointList({item.at}) + " " + n(item.size) + " \"" + item.text + "\"";
    }
};

} // namespace

std::string toSvg(const Figure& figure, const FigureDevice& device, SvgText text) {
    SvgItem items{device, text, {}};
    for (const auto& item : figure.items)
        std::visit(items, item);
    return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" +
           n(figure.width) + "pt\" height=\"" + n(figure.height) + "pt\" viewBox=\"0 0 " + n(figure.width) +
           " " + n(figure.height) + "\">\n<title>" + escaped(figure.title) + "</title>\n<desc>" +
           escaped(figure.description) + "</desc>\n<metadata>" + escaped(figure.provenance) +
           "</metadata>\n<defs><pattern id=\"hatch\" width=\"4\" height=\"4\" "
           "patternUnits=\"userSpaceOnUse\" "
           "patternTransform=\"rotate(45)\"><rect width=\"4\" height=\"4\" fill=\"#F4F6F7\"/><rect "
           "width=\"0.8\" "
           "height=\"4\" fill=\"#CBD3D8\"/></pattern></defs>\n<rect width=\"100%\" height=\"100%\" "
           "fill=\"#FFFFFF\"/>\n" +
           items.out + "</svg>\n";
}

std::string toCsv(const Figure& figure) {
    std::string out =
        "# " + figure.title + "\r\n# " + figure.provenance + "\r\n" + csvLine(figure.table.columns);
    for (const auto& row : figure.table.rows)
        out += csvLine(row);
    return out;
}

std::string toDump(const Figure& figure) {
    std::string out = "figure " + figure.kind + " " + n(figure.width) + " x " + n(figure.height) + "\n";
    for (const auto& item : figure.items)
        out += std::visit(Dump{}, item) + "\n";
    return out;
}

} // namespace azimuth
