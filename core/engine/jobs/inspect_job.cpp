// inspect: resolves a study's `find`, or lists the models of this machine.
#include "core/base/atomic_file.h"
#include "core/engine/checkpoint/locate.h"
#include "core/engine/jobs/job.h"

namespace azimuth {
namespace {

Json listJson(const Job& job) {
    std::vector<std::string> folders = job.submission().searchFolders;
    for (const auto& folder : defaultModelFolders())
        folders.push_back(folder);
    Json models = Json::array();
    for (const auto& listed : listModels(folders, job.spec().model.reference.precision, DigestCache()))
        models.push_back({{"path", listed.path},
                          {"model", listed.model ? toJson(*listed.model) : Json(nullptr)},
                          {"reason", listed.reason}});
    return {{"models", models}};
}

} // namespace

event::Done runInspect(Job& job) {
    const bool list = std::get<InspectJob>(job.spec().payload).list;
    if (!list && !endsWith(job.submission().out, ".json")) {
        JobResult result;
        result.models.push_back(job.model().description());
        result.job = job.record(1);
        return doneShard(job, result);
    }
    writeFileAtomically(job.submission().out,
                        prettyJson(list ? listJson(job) : toJson(job.model().description())));
    return doneFile(job);
}

} // namespace azimuth
