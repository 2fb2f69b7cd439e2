#include "core/engine/jobs/loaded_model.h"

#include "core/base/error.h"
#include "core/engine/checkpoint/locate.h"

namespace azimuth {
namespace {

void checkDigests(const Model& model, const JobModel& wanted) {
    const auto& reference = wanted.reference;
    if (reference.sha256 &&
        (model.weightsSha256.size() != 1 || model.weightsSha256.front() != *reference.sha256))
        throw Error("model.sha256",
                    reference.name + ": the study expects a file with SHA-256 " +
                        reference.sha256->substr(0, 16) + "..., " + model.fileName + " has " +
                        (model.weightsSha256.empty() ? "none" : model.weightsSha256.front().substr(0, 16)) +
                        "...",
                    "Get the file the study was made with, or correct the study.");
    if (!wanted.identity.empty() && model.identity != wanted.identity)
        throw Error("model.identity",
                    reference.name + ": the job is for the model " + wanted.identity.substr(0, 16) + "..., " +
                        model.fileName + " is " + model.identity.substr(0, 16) + "...",
                    "The file has changed since the job was planned; plan again.");
}

at::Device deviceOf(const std::string& name) {
    if (name == "cpu")
        return at::kCPU;
    throw Error("model.device", "The device " + name + " is not available to this worker.",
                "Choose the device cpu.");
}

} // namespace

RenderedPrompt LoadedModel::render(const JobPrompt& prompt, const Rendering& rendering) const {
    try {
        if (const auto* text = std::get_if<std::string>(&prompt.content))
            return renderer->render(*text, rendering);
        if (const auto* ids = std::get_if<std::vector<std::int32_t>>(&prompt.content))
            return Renderer::given(*ids, checkpoint.hyperparameters().vocabulary);
        std::vector<ChatMessage> messages;
        for (const auto& message : std::get<std::vector<Message>>(prompt.content))
            messages.push_back({message.role, message.content});
        return renderer->render(messages, rendering);
    } catch (const Error& error) {
        throw error.within("prompt " + prompt.id);
    }
}

const LoadedModel& ModelStore::open(const Submission& submission, const Progress& progress) {
    const auto& wanted = submission.job.model;
    const auto path = locateModel(wanted.reference.find, submission.searchFolders);
    const auto stamp = stampOf(path);
    if (!m_model || m_model->path != path || m_stamp != stamp ||
        m_model->description.compute != wanted.reference.precision) {
        release();
        m_model.reset();
        auto checkpoint = Checkpoint::open(path);
        DigestCache cache;
        auto description = describe(checkpoint, wanted.reference.precision, cache,
                                    [&](std::uint64_t done, std::uint64_t total) {
                                        return progress(double(done), double(total), "bytes", "hashing");
                                    });
        auto renderer = std::make_shared<const Renderer>(checkpoint.tokenizerSource());
        m_model.emplace(
            LoadedModel{path, std::move(checkpoint), std::move(description), std::move(renderer)});
        m_stamp = stamp;
    }
    m_model->description.name = wanted.reference.name;
    checkDigests(m_model->description, wanted);
    return *m_model;
}

const Decoder& ModelStore::decoder(const Submission& submission, const Progress& progress) {
    const auto& model = open(submission, progress);
    if (!m_decoder || m_device != submission.device) {
        m_decoder.reset();
        m_decoder = Decoder::load(model.checkpoint, scalarType(model.description.compute),
                                  deviceOf(submission.device), [&](std::uint64_t done, std::uint64_t total) {
                                      return progress(double(done), double(total), "bytes", "loading");
                                  });
        m_device = submission.device;
    }
    return *m_decoder;
}

void ModelStore::release() { m_decoder.reset(); }

} // namespace azimuth
