// Result keys: the SHA-256 of the canonical JSON of what determines one result.
#pragma once

#include "core/base/sha256.h"
#include "core/study/completion.h"
#include "core/study/concept.h"
#include "core/study/direction.h"
#include "core/study/intervention.h"
#include "core/study/rendering.h"
#include "core/study/score.h"

#include <string>
#include <vector>

namespace azimuth {

// Raised when the engine's numerics change on purpose; part of every key.
inline constexpr int engineSemantics = 1;

Digest completionKey(const std::string& modelIdentity, const Rendering& rendering,
                     const std::string& promptId, const Arm& arm, const Decoding& decoding);
// completionKey for one rendering and decoding, which are written out once: 100,000 keys cost a fraction of a
// second. Safe from any thread.
class CompletionKeys {
public:
    CompletionKeys(const Rendering& rendering, const Decoding& decoding);
    Digest of(const std::string& modelIdentity, const std::string& promptId,
              const std::string& armDigest) const;

private:
    std::string m_decoding, m_rendering; // canonical JSON
};

// Directions at the position last and at every post-instruction position, k = 0..L.
Digest bankKey(const std::string& modelIdentity, const Rendering& rendering, Method method,
               const PromptSet& positive, const PromptSet& negative);
// One continuation of one prompt under one arm. reference: digest of the arm that KL is measured from; empty:
// not measured.
Digest scoreKey(const std::string& modelIdentity, const Rendering& rendering, const std::string& promptId,
                const Continuation& continuation, const std::string& armDigest, const std::string& reference);
// Id of a job: the digest of its key list, in order.
std::string jobId(const std::string& kind, const std::vector<Digest>& keys);

} // namespace azimuth
