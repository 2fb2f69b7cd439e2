#include "core/engine/jobs/job.h"

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/base/time.h"
#include "core/engine/checkpoint/memory.h"
#include "core/project/shard.h"

#include <ATen/Parallel.h>

namespace azimuth {
namespace {

constexpr auto progressInterval = std::chrono::milliseconds(50);

std::vector<ChatMessage> chatOf(const std::vector<Message>& messages) {
    std::vector<ChatMessage> out;
    for (const auto& message : messages)
        out.push_back({message.role, message.content});
    return out;
}

at::Device deviceOf(const std::string& name) {
    const auto known = devices();
    if (std::find(known.begin(), known.end(), name) != known.end())
        return at::Device(name);
    std::string list;
    for (const auto& device : known)
        list += (list.empty() ? "" : ", ") + device;
    throw Error("device.missing", "The device " + name + " is not there.", "This machine has " + list + ".");
}

} // namespace

Job::Job(const Submission& submission, ModelCache& models, const std::atomic<bool>& cancelled,
         std::function<void(const Event&)> emit)
    : m_submission(submission), m_models(models), m_cancelled(cancelled), m_emit(std::move(emit)),
      m_startedUnix(unixSeconds()) {}

LoadedModel& Job::model() {
    if (!m_model)
        m_model = &m_models.open(spec().model, m_submission.searchFolders, deviceOf(m_submission.device),
                                 [this](const char* phase, std::uint64_t done, std::uint64_t total) {
                                     return progress(static_cast<double>(done), static_cast<double>(total),
                                                     "bytes", phase);
                                 });
    return *m_model;
}

const Decoder& Job::decoder(const MemoryPlan& plan) {
    const auto& checkpoint = model().checkpoint();
    const auto& description = model().description();
    MemorySettings settings;
    if (!model().isLoaded())
        settings.weightBytes = description.memoryBytes;
    if (description.compute == Precision::Fp32)
        settings.weightBytesBf16 = model().isLoaded() ? 0 : checkpoint.memoryBytes(at::kBFloat16);
    const auto device = deviceOf(m_submission.device);
    auto here = plan;
    here.shapeOf = [&](std::int64_t count) {
        auto shape = plan.shapeOf(count);
        shape.threads = device.is_cpu() ? at::get_num_threads() : 0;
        if (!device.is_cpu())
            shape.shared = 0; // Decoder::sharable
        return shape;
    };
    checkMemory(description.name, architectureOf(checkpoint.hyperparameters()),
                scalarType(description.compute), here, settings, availableMemory(device));
    return model().decoder([this](const char* phase, std::uint64_t done, std::uint64_t total) {
        return progress(static_cast<double>(done), static_cast<double>(total), "bytes", phase);
    });
}

void Job::log(const std::string& text) const { m_emit(event::Log{m_submission.run, "info", text}); }

bool Job::progress(double done, double total, const char* unit, const std::string& phase) {
    if (cancelled())
        return false;
    const auto now = Clock::now();
    if (phase != m_phase) {
        m_phase = phase;
        m_phaseStarted = now;
        m_phaseFirst = done;
        m_lastProgress = {};
    }
    if (now - m_lastProgress < progressInterval && done < total)
        return true;
    m_lastProgress = now;
    const double seconds = std::chrono::duration<double>(now - m_phaseStarted).count();
    double left = -1;
    if (total > 0 && done > m_phaseFirst && seconds > 0.5)
        left = seconds / (done - m_phaseFirst) * (total - done);
    m_emit(event::Progress{m_submission.run, done, total, unit, phase, left});
    return true;
}

std::vector<RenderedPrompt> Job::render(const std::vector<JobPrompt>& prompts) {
    auto& loaded = model();
    std::vector<RenderedPrompt> out;
    out.reserve(prompts.size());
    for (const auto& prompt : prompts) {
        if (cancelled())
            throw Error("cancelled", "The job was cancelled.", "");
        try {
            if (const auto* text = std::get_if<std::string>(&prompt.content))
                out.push_back(loaded.renderer().render(*text, spec().rendering));
            else if (const auto* messages = std::get_if<std::vector<Message>>(&prompt.content))
                out.push_back(loaded.renderer().render(chatOf(*messages), spec().rendering));
            else
                out.push_back(Renderer::given(std::get<std::vector<std::int32_t>>(prompt.content),
                                              loaded.description().vocabulary));
        } catch (const Error& error) {
            throw error.within("prompt " + prompt.id);
        }
    }
    return out;
}

JobRecord Job::record(std::int64_t results) const {
    JobRecord record;
    record.id = spec().id;
    record.kind = spec().kind();
    record.state = JobState::Done;
    record.modelIdentity = m_model ? m_model->description().identity : spec().model.identity;
    record.started = utcText(m_startedUnix);
    record.ended = utcNow();
    record.seconds = std::chrono::duration<double>(Clock::now() - m_started).count();
    record.results = results;
    record.environment = environmentJson(m_submission.device);
    return record;
}

event::Done runJob(Job& job) {
    const auto kind = job.spec().kind();
    if (kind == "inspect")
        return runInspect(job);
    if (kind == "tokens")
        return runTokens(job);
    if (kind == "capture")
        return runCapture(job);
    if (kind == "extract")
        return runExtract(job);
    if (kind == "score")
        return runScore(job);
    return runGenerate(job);
}

event::Done doneFile(const Job& job) {
    return {job.submission().run, job.submission().out, toHex(sha256File(job.submission().out))};
}

event::Done doneShard(const Job& job, const JobResult& result) {
    return {job.submission().run, job.submission().out,
            publishShard(job.submission().out, result, job.submission().project)};
}

bool endsWith(const std::string& path, std::string_view ending) {
    return path.size() >= ending.size() &&
           path.compare(path.size() - ending.size(), ending.size(), ending) == 0;
}

} // namespace azimuth
