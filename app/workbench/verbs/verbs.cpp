#include "app/workbench/verbs/verbs.h"

#include "app/session/project_store.h"
#include "app/workbench/verbs/report.h"
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/units.h"
#include "core/figure/figures.h"
#include "core/project/file_checker.h"
#include "core/project/validate.h"
#include "widgets/figure_device.h"

#include <CLI/CLI.hpp>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <QGuiApplication>
#include <sys/prctl.h>
#include <sys/resource.h>

namespace azimuth {
namespace {

constexpr double textWidth = 396; // NeurIPS, in points

void print(const std::string& text) {
    std::fwrite(text.data(), 1, text.size(), stdout);
    std::fflush(stdout);
}

int showProject(const std::string& path, bool json) {
    const auto view = viewOf(path);
    print(json ? prettyJson(reportJson(*view)) : reportText(*view));
    return 0;
}

int listFigures(const std::string& path, bool json) {
    const auto offers = figureOffers(*viewOf(path));
    if (json) {
        Json list = Json::array();
        for (const auto& offer : offers)
            list.push_back({{"figure", offer.kind},
                            {"title", offer.title},
                            {"available", offer.available},
                            {"why", offer.why}});
        print(prettyJson(list));
        return 0;
    }
    for (const auto& offer : offers)
        print(offer.kind + "  " + offer.title + (offer.available ? "" : "  (not yet: " + offer.why + ")") +
              "\n");
    return 0;
}

int exportFigure(const std::string& path, const FigureRequest& request, const std::string& out, int argc,
                 char** argv) {
    const auto figure = makeFigure(*viewOf(path), request);
    // Fonts need a QGuiApplication; the offscreen platform needs no display.
    qputenv("QT_QPA_PLATFORM", "offscreen");
    const QGuiApplication application(argc, argv);
    const QtFigureDevice device;
    writeFileAtomically(out, encodeFigure(figure, device, out));
    print(out + "\n");
    return 0;
}

// Whatever a hostile file does to the library happens in this process, which has nothing to lose.
void limitThisProcess(std::uint64_t fileBytes) {
    const auto limits = checkLimits(fileBytes);
    const auto limit = [](auto what, std::uint64_t value) {
        const rlimit both{value, value};
        setrlimit(what, &both);
    };
#ifndef __SANITIZE_ADDRESS__ // which reserves terabytes of address space
    limit(RLIMIT_AS, limits.memoryBytes);
#endif
    limit(RLIMIT_CPU, 120 + static_cast<std::uint64_t>(limits.seconds));
    limit(RLIMIT_CORE, 0);
}

// As a child of FileChecker: the file is open already.
int validateOpenFile(const std::string& name, int descriptor, bool altered) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    const SourceFile source(descriptor, name);
    limitThisProcess(source.identity().bytes);
    const auto found = validateFile(source, altered);
    print(checkReport(found));
    return found.sound() ? 0 : 2;
}

int validate(const std::string& path, bool json) {
    std::error_code none; // what is not there has a length of no interest
    const auto length = std::filesystem::file_size(path, none);
    limitThisProcess(none ? 0 : length);
    const auto found = validateFile(path);
    if (json) {
        print(prettyJson(toJson(found)));
        return found.sound() ? 0 : 2;
    }
    if (!found.kind.empty())
        print(path + ": " + found.kind + ", generation " + std::to_string(found.generation) + ", " +
              bytesText(found.fileBytes) + ", saved " + found.saved + "\n");
    for (const auto& finding : found.findings)
        print((finding.severity == Finding::Severity::Problem ? "problem  " : "note     ") +
              (finding.place.empty() ? std::string() : finding.place + ": ") + finding.text + "\n");
    print(found.sound() ? "sound\n" : "not sound\n");
    return found.sound() ? 0 : 2;
}

struct CommandLine {
    CLI::App app{"Azimuth: a workbench for steering directions in language models."};
    RunOptions run;
    std::string project, figureOut;
    std::vector<std::string> from;
    bool json = false, list = false, removeUnused = false, altered = false;
    int descriptor = -1;
    FigureRequest figure;

    void common(CLI::App* verb) { verb->add_option("project", project, "A project file (.h5)")->required(); }

    CommandLine() {
        app.require_subcommand(1);
        app.footer(
            "Without a verb: azimuth [FILE] opens the window with a project (.h5) or a study (.json).");
        auto* runVerb =
            app.add_subcommand("run", "Runs a study and stores its results; goes on where it was stopped.");
        runVerb->add_option("study", run.study, "A study (.json)")->required();
        runVerb->add_option("-o,--output", run.project, "The project file (.h5); made if it is not there")
            ->required();
        runVerb->add_option("--progress", run.progress, "auto, json (one event a line) or none")
            ->default_val("auto")
            ->check(CLI::IsMember({"auto", "json", "none"}));
        runVerb->add_option("--threads", run.threads, "Threads of the worker; 0: as many as cores")
            ->check(CLI::Range(0, 1024));
        runVerb->add_option("--device", run.device, "cpu or cuda:N");
        auto* show = app.add_subcommand("show", "Prints what a project holds and what was found.");
        common(show);
        show->add_flag("--json", json, "As JSON");
        auto* exportVerb =
            app.add_subcommand("export", "Writes a figure, or lists the figures of a project.");
        common(exportVerb);
        auto* list_ = exportVerb->add_flag("--list", list, "Lists the figures");
        exportVerb->add_flag("--json", json, "The list as JSON");
        auto* kind =
            exportVerb->add_option("--figure", figure.kind, "layer-map, k-cosine, transfer or dose-response");
        exportVerb->add_option("-o,--output", figureOut, "FILE.pdf, .svg, .png or .csv");
        exportVerb->add_option("--model", figure.model, "A model of the study, by its name");
        exportVerb->add_option("--concept", figure.conceptName, "A concept of the study, by its name");
        exportVerb->add_option("--position", figure.position,
                               "Offset from the prompt's end; -1 is the last token");
        exportVerb->add_option("--width", figure.width, "Width in points")
            ->default_val(textWidth)
            ->check(CLI::Range(120.0, 1200.0));
        list_->excludes(kind);
        auto* mergeVerb = app.add_subcommand(
            "merge", "Joins the results of other projects and result shards into a project.");
        mergeVerb->add_option("project", project, "The project (.h5) that receives them")->required();
        mergeVerb->add_option("from", from, "Projects or result shards (.h5); they are only read")
            ->required();
        mergeVerb->add_flag("--json", json, "As JSON");
        auto* caches = app.add_subcommand("caches", "Lists the activation caches beside a project.");
        common(caches);
        caches->add_flag("--remove-unused", removeUnused, "Removes those that the study does not need");
        caches->add_flag("--json", json, "As JSON");
        auto* models = app.add_subcommand("models", "Lists the models that a study can name: those in the "
                                                    "folders of your settings and in the caches.");
        models->add_flag("--json", json, "As JSON");
        auto* validateVerb =
            app.add_subcommand("validate", "Checks a file of Azimuth and reports everything that is wrong.");
        common(validateVerb);
        validateVerb->add_flag("--json", json, "As JSON");
        auto* open =
            validateVerb->add_option("--descriptor", descriptor,
                                     "The file is open already, as this descriptor; one line of JSON comes");
        validateVerb->add_flag("--altered", altered, "Its digest may be another one than was written")
            ->needs(open);
    }

    int dispatch(int argc, char** argv) {
        if (app.got_subcommand("run"))
            return runStudy(run, argc, argv);
        if (app.got_subcommand("show"))
            return showProject(project, json);
        if (app.got_subcommand("merge"))
            return mergeInto(project, from, json);
        if (app.got_subcommand("caches"))
            return showCaches(project, removeUnused, json);
        if (app.got_subcommand("models"))
            return showModels(json, argc, argv);
        if (app.got_subcommand("validate"))
            return descriptor >= 0 ? validateOpenFile(project, descriptor, altered) : validate(project, json);
        if (list)
            return listFigures(project, json);
        if (figure.kind.empty() || figureOut.empty())
            throw Error("command.export", "Give --figure NAME and -o FILE, or --list.",
                        "See azimuth export --help.");
        return exportFigure(project, figure, figureOut, argc, argv);
    }
};

} // namespace

View viewOf(const std::string& path) {
    const auto store = ProjectStore::look(path);
    for (const auto& note : store.notes())
        std::fprintf(stderr, "%s\n", note.c_str());
    return store.view();
}

bool isVerb(const std::string& word) {
    for (const char* verb :
         {"run", "show", "export", "merge", "caches", "models", "validate", "--help", "-h"})
        if (word == verb)
            return true;
    return false;
}

int exitCodeOf(const std::string& errorCode) {
    if (errorCode == "cancelled")
        return 130;
    for (const char* ours :
         {"engine.", "memory", "worker.", "protocol", "file.space", "file.write", "project.write"})
        if (errorCode.rfind(ours, 0) == 0)
            return 1;
    return 2;
}

int runVerb(int argc, char** argv) {
    CommandLine line;
    try {
        line.app.parse(argc, argv);
    } catch (const CLI::ParseError& failure) {
        return line.app.exit(failure) == 0 ? 0 : 2;
    }
    try {
        return line.dispatch(argc, argv);
    } catch (const Error& error) {
        std::cerr << "azimuth: " << error.message() << (error.remedy().empty() ? "" : " " + error.remedy())
                  << "\n";
        if (error.detail().find('\n') != error.detail().rfind('\n'))
            std::cerr << error.detail();
        return exitCodeOf(error.code());
    }
}

} // namespace azimuth
