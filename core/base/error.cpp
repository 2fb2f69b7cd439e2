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

namespace {

std::string remedyFor(const std::string& operation, int errorNumber) {
    const bool reads = operation == "open" || operation == "read";
    switch (errorNumber) {
    case ENOSPC:
    case EDQUOT:
        return "Free some space on this disk and try again; nothing was lost.";
    case EACCES:
    case EPERM:
        return reads ? "Ask its owner for permission to read it."
                     : "Change the permissions, or choose another folder.";
    case EROFS:
        return "The file system is read-only: choose another folder.";
    case ENOENT:
        return "Check the path.";
    case EISDIR:
        return "This is a folder: give a file.";
    case EFBIG:
        return "Choose a disk that takes larger files; nothing was lost.";
    case ESTALE:
    case ENOTCONN:
    case ENODEV:
    case ENXIO:
    case ETIMEDOUT:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case ECONNRESET:
    case ECONNABORTED:
        return "The network share or the disk is gone: connect it again, then try again.";
    default:
        return "Check the disk or the network share and try again.";
    }
}

} // namespace

Error systemError(const std::string& operation, const std::string& path, int errorNumber) {
    return Error("file." + operation, path + ": could not " + operation + ": " + errnoText(errorNumber),
                 remedyFor(operation, errorNumber));
}

} // namespace azimuth
