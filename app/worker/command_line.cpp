#include "app/worker/command_line.h"

#include "app/worker/job_runner.h"
#include "app/worker/manners.h"
#include "app/worker/serve.h"
#include "app/worker/verbs.h"
#include "core/base/error.h"
#include "core/study/precision.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <functional>

namespace azimuth::worker {

namespace {
struct CommandLine {
    CLI::App app{"Azimuth's worker: activations and steered completions of language models.",
                 "azimuth-worker"};
    CommonOptions common;
    GenerateOptions generate;
    ScoreOptions score;
    RunOptions run;
    bool asJson = false, list = false;
    std::string positions = "last";
    std::vector<std::string> sites{"resid"};
    int output = 1;
    std::function<void()> action;

    CLI::App* verb(const std::string& name, const std::string& text, std::function<void()> what) {
        auto* command = app.add_subcommand(name, text);
        command->callback([this, what = std::move(what)] { action = what; });
        return command;
    }

    void addModel(CLI::App* command, bool required = true) {
        command->add_option("MODEL", common.model, "A GGUF file or a Hugging Face folder, or its name")
            ->required(required);
        command->add_option("--precision", common.precision, "What to compute in")
            ->check(CLI::IsMember(precisionNames()))
            ->capture_default_str();
        addPlace(command, common.place);
    }

    static void addPlace(CLI::App* command, PlaceOptions& place) {
        command
            ->add_option("--search", place.search,
                         "Folder of models, before the default ones; may be given several times")
            ->check(CLI::ExistingDirectory)
            ->allow_extra_args(false);
        command->add_option("--threads", place.threads, "0: as many as cores")->check(CLI::Range(0, 4096));
        command->add_option("--device", place.device, "cpu or cuda:N")->capture_default_str();
    }

    void addPrompts(CLI::App* command) {
        command
            ->add_option("--prompts", common.prompts, "One JSON object a line: id and text, messages or ids")
            ->required();
        command->add_flag("--no-template", common.noTemplate,
                          "Plain text, without the model's chat template");
        command->add_option("--rendering", common.rendering,
                            "JSON file: system text, template variables, assistant prefix, BOS");
    }

    void addGenerate() {
        auto* command = verb("generate", "Completions, steered if --direction is given",
                             [this] { worker::generate(common, generate); });
        addModel(command);
        addPrompts(command);
        command->add_option("--out", common.out, "File of JSON lines to write")->required();
        command->add_option("--max-new-tokens", generate.maximumNewTokens)
            ->required()
            ->check(CLI::Range(1, 65536));
        command->add_option("--temperature", generate.temperature, "0: greedy")
            ->check(CLI::Range(0.0, 100.0));
        command->add_option("--seed", generate.seed, "Of sampling");
        addSteering(command, generate.steering);
    }

    void addScore() {
        auto* command = verb("score", "Log-probabilities of given continuations, steered if --direction is given",
                             [this] { worker::score(common, score); });
        addModel(command);
        addPrompts(command);
        command
            ->add_option("--continuations", score.continuations,
                         "One JSON object a line: id and text or ids; first: its first token only; prompt: after that one only")
            ->required();
        command->add_option("--out", common.out, "File of JSON lines to write")->required();
        command->add_flag("--kl", score.kl, "With the divergence from the model that is not steered");
        command->add_option("--batch", score.batch, "Prompts computed together")
            ->check(CLI::Range(1, 65536))
            ->capture_default_str();
        addSteering(command, score.steering);
    }

    static void addSteering(CLI::App* command, SteeringOptions& steering) {
        command->add_option("--direction", steering.direction, "safetensors file with one F32 [d] tensor, direction");
        command->add_option("--op", steering.operation)->check(CLI::IsMember({"add", "ablate", "affine"}));
        command->add_option("--strength", steering.strength, "Multiplies the unit vector");
        command->add_option("--k-from", steering.kFrom, "First edited R[k], 0..L, or block, 0..L-1");
        command->add_option("--k-to", steering.kTo, "Last edited R[k] or block, inclusive");
        command->add_flag("--raw", steering.raw, "Keep the vector's own norm: alpha = strength x norm");
        command->add_option("--scope", steering.scope, "Tokens that are edited; else all")
            ->check(CLI::IsMember({"all", "prompt", "generated", "last-prompt-token-on"}));
        command->add_option("--site", steering.site, "What is edited; else resid, R[k]")
            ->check(CLI::IsMember({"resid", "resid_mid", "attn_out", "mlp_out"}));
    }

    void addRun() {
        auto* command = verb("run", "One stored job", [this] { runJob(run, output); });
        command->add_option("JOB", run.job, "The job's JSON file")->required();
        command->add_option("--out", run.out, "File to publish")->required();
        command->add_option("--blobs", run.blobs, "Folder of directions by digest");
        command->add_option("--project", run.project, "Uuid of the project that the result is for");
        addPlace(command, run.place);
    }

    CommandLine() {
        app.set_version_flag("--version", AZIMUTH_VERSION);
        app.require_subcommand(1);
        verb("serve", "Jobs by JSON lines on standard input, for the window",
             [this] { serve(output, stopSignals()); });
        addRun();
        auto* inspectVerb = verb("inspect", "What a model is", [this] {
            if (list == !common.model.empty())
                throw Error("usage", "inspect takes either a model or --list.",
                            "See azimuth-worker inspect --help.");
            list ? listModels(common.place, asJson, output) : inspect(common, asJson, output);
        });
        addModel(inspectVerb, false);
        inspectVerb->add_flag("--json", asJson, "As JSON");
        inspectVerb->add_flag("--list", list, "The models in the model folders");
        auto* tokensVerb =
            verb("tokens", "Renders and tokenises prompts", [this] { tokens(common, output); });
        addModel(tokensVerb);
        addPrompts(tokensVerb);
        tokensVerb->add_option("--out", common.out, "File of JSON lines to write; else standard output");
        auto* captureVerb =
            verb("capture", "The residual stream of prompts, or what blocks add to it",
                 [this] { capture(common, positions, sites); });
        addModel(captureVerb);
        addPrompts(captureVerb);
        captureVerb->add_option("--sites", sites, "any of resid, resid_mid, attn_out, mlp_out")
            ->delimiter(',')
            ->capture_default_str();
        captureVerb->add_option("--positions", positions)
            ->check(CLI::IsMember({"last", "all"}))
            ->capture_default_str();
        captureVerb->add_option("--out", common.out, "safetensors file to write")->required();
        addGenerate();
        addScore();
        addModel(verb("bench", "How fast this machine runs a model", [this] { bench(common, output); }));
    }
};

int report(const Error& error) {
    auto text = error.message();
    if (!error.remedy().empty())
        text +=
            (std::string(".!?").find(text.empty() ? '.' : text.back()) == std::string::npos ? ". " : " ") +
            error.remedy();
    std::fprintf(stderr, "azimuth-worker: %s\n", text.c_str());
    return exitCodeFor(error.code());
}
} // namespace

int exitCodeFor(const std::string& errorCode) {
    if (errorCode == "cancelled")
        return 130;
    for (const char* code : {"engine.missing", "engine.memory", "file.write", "file.space", "file.sync",
                             "file.rename", "file.create"})
        if (errorCode == code)
            return 1;
    for (const char* part : {"memory", "internal", "cuda", "torch"})
        if (errorCode.find(part) != std::string::npos)
            return 1;
    return 2;
}

int mainOf(int argc, char** argv) {
    const bool serving = argc > 1 && std::string(argv[1]) == "serve";
    try {
        CommandLine line;
        try {
            line.app.parse(argc, argv);
        } catch (const CLI::ParseError& failure) {
            if (failure.get_exit_code() == 0)
                return line.app.exit(failure);
            std::fprintf(stderr, "azimuth-worker: %s (azimuth-worker --help)\n", failure.what());
            return 2;
        }
        line.output = takeStandardOutput();
        if (serving)
            becomeServant();
        line.action();
        return 0;
    } catch (const Error& error) {
        return report(error);
    } catch (const std::exception& failure) {
        std::fprintf(stderr, "azimuth-worker: %s\n", failure.what());
        return 1;
    }
}

} // namespace azimuth::worker
