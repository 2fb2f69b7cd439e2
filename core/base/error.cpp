#include "core/base/error.h"

#include <cerrno>
#include <system_error>

namespace azimuth {

Error::Error(std::string code, std::string message, std::string remedy, std::string detail)
    : m_code(std::move(code)), m_message(std::move(message)), m_remedy(std::move(remedy)),
      m_detail(std::move(detail)), m_what(m_message) {
    if (!m_remedy.empty())
        m_what += " " + m_remedy;
}

Error Error::within(const std::string& context) const {
    return Error(m_code, context + ": " + m_message, m_remedy, m_detail);
}

Error joinErrors(std::string code, const std::vector<std::string>& findings, std::string remedy) {
    std::string message = findings.empty() ? std::string("nothing was found") : findings.front();
    std::string detail;
    for (const auto& finding : findings)
        detail += finding + "\n";
    if (findings.size() > 1)
        message += " (and " + std::to_string(findings.size() - 1) + " more)";
    return Error(std::move(code), std::move(message), std::move(remedy), std::move(detail));
}

std::string errnoText(int errorNumber) { return std::generic_category().message(errorNumber); }

Error systemError(const std::string& operation, const std::string& path, int errorNumber) {
    std::string remedy;
    switch (errorNumber) {
    case ENOSPC:
    case EDQUOT:
        remedy = "Free some space on this disk and try again; nothing was lost.";
        break;
    case EACCES:
    case EPERM:
        remedy = "Change the permissions, or choose another folder.";
        break;
    case EROFS:
        remedy = "The file system is read-only: choose another folder.";
        break;
    case ENOENT:
        remedy = "Check the path.";
        break;
    case EISDIR:
        remedy = "This is a folder: give a file.";
        break;
    default:
        remedy = "Check the disk and try again.";
        break;
    }
    return Error("file." + operation, path + ": could not " + operation + ": " + errnoText(errorNumber),
                 remedy);
}

} // namespace azimuth
