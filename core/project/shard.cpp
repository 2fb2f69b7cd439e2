#include "core/project/shard.h"

#include "core/base/time.h"
#include "core/project/content_reader.h"
#include "core/project/content_writer.h"

namespace azimuth {

std::string publishShard(const std::string& path, const JobResult& result, const std::string& projectUuid) {
    h5::H5Publication::Options options;
    options.block.kind = FileKind::Shard;
    options.block.project = projectUuid;
    options.block.creator = h5::creatorName();
    options.block.saved = unixSeconds();
    options.expectedBytes = h5::estimatedBytes(result);
    h5::H5Publication file(path, options);
    const auto now = utcText(options.block.saved);
    h5::writeRootAttributes(file, FileKind::Shard, {projectUuid, result.job.kind, now, now, {}, 0});
    h5::writeJobResult(file, result);
    return file.publish();
}

ShardHeader readShardHeader(const std::string& path) {
    const auto block = readUserBlock(path);
    if (block.kind != FileKind::Shard)
        throw Error("project.kind", path + " is a " + toString(block.kind) + ", not a result shard.", "");
    return {toHex(block.digest), block.project, block.fileBytes};
}

JobResult readShard(const std::string& path, const std::string& expectedSha256) {
    const h5::ReadFile file(path, FileKind::Shard);
    const auto found = toHex(file.block().digest);
    if (!expectedSha256.empty() && found != expectedSha256)
        throw Error("project.damaged",
                    path + " has the SHA-256 " + found.substr(0, 12) + "…, announced was " +
                        expectedSha256.substr(0, 12) + "….",
                    "Run the job again.");
    return h5::reading(file, [&] { return h5::readJobResult(file); });
}

JobResult readShard(const CheckedFile& file) {
    const h5::ReadFile reader(file.source, file.block);
    auto result = h5::reading(reader, [&] { return h5::readJobResult(reader); });
    file.source.requireUnchanged();
    return result;
}

} // namespace azimuth
