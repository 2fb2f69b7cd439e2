// One function per job kind: specification in, file out. Each runs on the engine's thread and returns the
// terminal event of a job that ended well; it throws azimuth::Error otherwise, "cancelled" if the job was
// cancelled.
#pragma once

#include "core/engine/jobs/job_context.h"

namespace azimuth {

event::Done runInspect(JobContext& context, const InspectJob& job);
event::Done runTokens(JobContext& context, const TokensJob& job);
event::Done runCapture(JobContext& context, const CaptureJob& job);
event::Done runExtract(JobContext& context, const ExtractJob& job);
event::Done runGenerate(JobContext& context, const GenerateJob& job);

} // namespace azimuth
