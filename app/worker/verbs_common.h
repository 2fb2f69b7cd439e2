// What the verbs share.
#pragma once

#include "app/worker/verbs.h"
#include "core/protocol/job.h"

namespace azimuth::worker {

// A submission for the model with the options; `out` and the payload are the caller's. Error model.folder for
// a folder.
Submission submissionFor(const CommonOptions& options);
// Gives the job an id from its content.
void nameJob(JobSpec& job);

} // namespace azimuth::worker
