#include "core/engine/jobs/model_cache.h"

#include "core/base/error.h"
#include "core/engine/checkpoint/locate.h"

#include <malloc.h>

namespace azimuth {
namespace {

std::string tagOf(const std::string& path, Precision precision, at::Device device) {
    std::string tag = path;
    for (const auto& stamp : modelStamps(path))
        tag += "|" + std::to_string(stamp.device) + "|" + std::to_string(stamp.inode) + "|" +
               std::to_string(stamp.bytes) + "|" + std::to_string(stamp.modified);
    return tag + "|" + toString(precision) + "|" + device.str();
}

void checkIdentity(const JobModel& wanted, const Model& found) {
    const auto& sha256 = wanted.reference.sha256;
    const auto weights = weightsDigest(found);
    if (sha256 && weights != *sha256)
        throw Error("model.sha256",
                    wanted.reference.name + ": the study wants weights with SHA-256 " +
                        sha256->substr(0, 12) + "\u2026, " + found.fileName + " has " +
                        weights.substr(0, 12) + "\u2026.",
                    "Put the file that the study was made with into a model folder.");
    if (!wanted.identity.empty() && wanted.identity != found.identity)
        throw Error("model.identity",
                    wanted.reference.name + ": the project was made with the model " +
                        wanted.identity.substr(0, 12) + "\u2026, " + found.fileName + " is now " +
                        found.identity.substr(0, 12) + "\u2026.",
                    "Put the earlier file back, or start a new project.");
}

} // namespace

LoadedModel::LoadedModel(Checkpoint checkpoint, Model description, at::Device device)
    : m_checkpoint(std::move(checkpoint)), m_description(std::move(description)), m_device(device) {}

const Renderer& LoadedModel::renderer() {
    if (!m_renderer)
        m_renderer.emplace(m_checkpoint.tokenizerSource());
    return *m_renderer;
}

const Decoder& LoadedModel::decoder(const LoadProgress& progress) {
    if (!m_decoder) {
        m_decoder.emplace(Decoder::load(m_checkpoint, scalarType(m_description.compute), m_device,
                                        [&](std::uint64_t done, std::uint64_t total) {
                                            return !progress || progress("loading", done, total);
                                        }));
        ::malloc_trim(0); // what loading held lies between the weights and would stay with the process
    }
    return *m_decoder;
}

LoadedModel& ModelCache::open(const JobModel& wanted, const std::vector<std::string>& searchFolders,
                              at::Device device, const LoadProgress& progress) {
    const auto path = locateModel(wanted.reference.find, searchFolders);
    auto tag = tagOf(path, wanted.reference.precision, device);
    if (!m_model || tag != m_tag) {
        m_model.reset(); // two models may not fit
        auto checkpoint = Checkpoint::open(path, wanted.reference.precision);
        auto description = describe(checkpoint, wanted.reference.precision, m_digests,
                                    [&](std::uint64_t done, std::uint64_t total) {
                                        return !progress || progress("hashing", done, total);
                                    });
        m_model.reset(new LoadedModel(std::move(checkpoint), std::move(description), device));
        m_tag = std::move(tag);
    }
    m_model->m_description.name = wanted.reference.name;
    checkIdentity(wanted, m_model->m_description);
    return *m_model;
}

} // namespace azimuth
