#include "core/engine/checkpoint/stored_model.h"

#include "core/base/error.h"

#include <algorithm>
#include <filesystem>

namespace azimuth {

namespace fs = std::filesystem;

const StoredTensor* StoredModel::find(std::string_view name) const {
    const auto found = std::ranges::find(tensors(), name, &StoredTensor::name);
    return found == tensors().end() ? nullptr : &*found;
}

std::shared_ptr<const StoredModel> openStored(const std::string& path) {
    std::error_code ignored;
    return fs::is_directory(path, ignored) ? openFolder(path) : openGguf(path);
}

std::vector<FileStamp> modelStamps(const std::string& path) {
    std::error_code failed;
    if (!fs::is_directory(path, failed))
        return {stampOf(path)};
    std::vector<std::string> files;
    for (fs::directory_iterator at(path, failed), end; !failed && at != end; at.increment(failed))
        if (std::error_code ignored; at->is_regular_file(ignored))
            files.push_back(at->path().string());
    if (failed)
        throw systemError("open", path, failed.value());
    std::ranges::sort(files);
    std::vector<FileStamp> stamps;
    for (const auto& file : files)
        stamps.push_back(stampOf(file));
    return stamps;
}

} // namespace azimuth
