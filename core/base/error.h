// The one exception of Azimuth. It says what happened to which object with both values, and what to do now.
// Thrown anywhere in core; caught at four places only: a worker job's run(), a thread's command loop, a verb,
// the slot that starts an action.
#pragma once

#include <exception>
#include <string>
#include <vector>

namespace azimuth {

class Error : public std::exception {
public:
    // code: stable, dotted, for programs ("file.truncated"). message: one sentence for the user, names the
    // object and both values. remedy: what to do now. detail: more lines for the log; may be empty.
    Error(std::string code, std::string message, std::string remedy, std::string detail = {});

    const std::string& code() const { return m_code; }
    const std::string& message() const { return m_message; }
    const std::string& remedy() const { return m_remedy; }
    const std::string& detail() const { return m_detail; }
    const char* what() const noexcept override { return m_what.c_str(); }

    // The same error, its message preceded by "context: ".
    Error within(const std::string& context) const;

private:
    std::string m_code, m_message, m_remedy, m_detail, m_what;
};

// Many findings in one error: the first is the message, all are the detail.
Error joinErrors(std::string code, const std::vector<std::string>& findings, std::string remedy);

// "No such file or directory" for an errno value; thread-safe.
std::string errnoText(int errorNumber);

// file.<operation> error of a system call on a path, with the errno text and the remedy that fits it (no
// space, no permission, read-only, missing).
Error systemError(const std::string& operation, const std::string& path, int errorNumber);

} // namespace azimuth
