#include "core/project/file_checker.h"

#include "core/base/error.h"
#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "core/base/text.h"
#include "core/base/units.h"
#include "core/project/throwaway_process.h"
#include "core/project/validate.h"

#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>

namespace azimuth {
namespace {

constexpr std::size_t mostReport = 256 << 10, mostFindings = 20, mostProblem = 600;
constexpr const char* remedyForUnsafe =
    "Open an earlier generation of it, or ask whoever sent it; it was not opened and not changed.";

// Beside this program; a test lies one folder below it.
std::string programBeside() {
    std::error_code failure;
    const auto self = std::filesystem::read_symlink("/proc/self/exe", failure);
    for (const auto& folder : {self.parent_path(), self.parent_path().parent_path()})
        if (std::filesystem::is_regular_file(folder / "azimuth", failure))
            return (folder / "azimuth").string();
    return {};
}

Error unchecked(const std::string& path, const std::string& why, const std::string& detail = {}) {
    return Error("project.unchecked",
                 path + " was not written on this machine and could not be checked: " + why,
                 "Install Azimuth again, then open the file again.", detail);
}

Error unsafe(const std::string& path, const std::string& what, const std::string& detail) {
    return Error("project.unsafe",
                 path + " is damaged or made to do harm: the process that checked it " + what + ".",
                 remedyForUnsafe, detail);
}

struct Report {
    bool sound = false;
    std::string sha256;
    std::vector<std::string> problems;
};

// The child read a file from anywhere: what it says is taken as text only.
Report readReport(const std::string& text) {
    Report report;
    JsonReader reader(parseJson(text, "the report"), "the report");
    auto& root = reader.root();
    report.sound = root.boolean("sound");
    report.sha256 = root.text("sha256");
    for (const auto& problem : root.texts("problems"))
        report.problems.push_back(forMessage(problem, mostProblem));
    reader.finish();
    return report;
}

} // namespace

CheckLimits checkLimits(std::uint64_t fileBytes) {
    constexpr std::uint64_t base = std::uint64_t{2} << 30, most = std::uint64_t{1} << 46;
    constexpr double slowest = 16e6; // bytes a second, on a busy machine
    return {base + 16 * std::min(fileBytes, most), 8 + static_cast<double>(fileBytes) / slowest};
}

std::string checkReport(const Validation& validation) {
    Json problems = Json::array();
    for (const auto& [severity, place, text] : validation.findings) {
        if (severity != Finding::Severity::Problem || problems.size() == mostFindings)
            continue;
        const bool named = text.starts_with(validation.path); // as what the readers throw
        problems.push_back(forMessage(
            named ? text : validation.path + (place.empty() ? "" : ", " + place) + ": " + text + ".",
            mostProblem));
    }
    return canonicalJson(
               {{"sound", validation.sound()}, {"sha256", validation.sha256}, {"problems", problems}}) +
           "\n";
}

FileChecker::FileChecker() : FileChecker(Options{}) {}

FileChecker::FileChecker(Options options) : m_options(std::move(options)), m_known(m_options.knownFiles) {
    if (m_options.program.empty())
        m_options.program = programBeside();
}

// Everything that needs no HDF5. The digest may be another one than was written.
CheckedFile FileChecker::begin(const std::string& path, FileKind kind) {
    CheckedFile file{SourceFile(path), {}, {}, false};
    const int descriptor = file.source.descriptor();
    file.block = readUserBlockAsWritten(descriptor, path);
    requireKind(file.block, kind, path);
    const auto length = file.source.identity().bytes;
    if (length < file.block.fileBytes)
        readUserBlock(descriptor, path); // says that it is cut off
    file.found = contentDigest(descriptor, length, path, m_options.keepGoing);
    file.altered = length != file.block.fileBytes || file.found != file.block.digest;
    return file;
}

CheckedFile FileChecker::admit(const std::string& path, FileKind kind) {
    auto file = begin(path, kind);
    if (file.altered)
        refuseAltered(std::move(file));
    if (!m_known.contains(file.found)) {
        check(file, Purpose::AsWritten);
        m_known.remember(file.found);
    }
    return file;
}

CheckedFile FileChecker::admitAltered(const std::string& path) {
    auto file = begin(path, FileKind::Project);
    if (!file.altered)
        return admit(path, FileKind::Project);
    check(file, Purpose::Altered);
    file.block.fileBytes = file.source.identity().bytes;
    return file;
}

// Changed by another program, which left a whole project, or by chance, which did not.
void FileChecker::refuseAltered(CheckedFile file) {
    const auto& path = file.source.path();
    std::string detail;
    try {
        if (file.block.kind == FileKind::Project) {
            check(file, Purpose::Altered);
            throw Error("project.altered",
                        path + " is not as " + forMessage(file.block.creator, 63) +
                            " saved it as generation " + std::to_string(file.block.generation) +
                            ": another program has changed it, and what is in it is whole.",
                        "Open it as it is now, or open an earlier generation.",
                        "SHA-256 written " + toHex(file.block.digest) + ", found " + toHex(file.found) +
                            "\n");
        }
    } catch (const Error& error) {
        if (error.code() != "project.content" && error.code() != "project.unsafe" &&
            error.code() != "project.unchecked")
            throw;
        detail = error.message() + "\n" + error.detail();
    }
    try {
        readUserBlock(file.source.descriptor(), path); // another length
        checkDigest(file.block, file.found, path);
    } catch (const Error& error) {
        throw Error(error.code(), error.message(), error.remedy(), detail);
    }
    throw Error("project.changing", path + " was written to by another program while it was read.",
                "Wait until that program has closed it, then open it again.");
}

void FileChecker::check(const CheckedFile& file, Purpose purpose) {
    const auto& path = file.source.path();
    if (m_options.program.empty())
        throw unchecked(path, "the program azimuth was not found.");
    if (m_options.onCheck)
        m_options.onCheck(path);
    std::vector<std::string> arguments{m_options.program, "validate", "--descriptor",
                                       std::to_string(givenDescriptor)};
    if (purpose == Purpose::Altered)
        arguments.emplace_back("--altered");
    arguments.insert(arguments.end(), {"--", path});
    const double seconds =
        m_options.seconds > 0 ? m_options.seconds : checkLimits(file.source.identity().bytes).seconds;
    ThrowawayEnd end;
    try {
        end = runThrowaway(arguments, file.source.descriptor(), seconds, mostReport, m_options.keepGoing);
    } catch (const Error& error) {
        if (error.code() != "check.start" && error.code() != "file.start")
            throw;
        throw unchecked(path, error.message());
    }
    const auto detail = forMessage(end.errors, 2000) + "\n";
    if (end.kind == ThrowawayEnd::Kind::OutOfTime)
        throw unsafe(path, "did not end within " + durationText(seconds), detail);
    if (end.kind == ThrowawayEnd::Kind::Signalled)
        throw unsafe(path, std::string("was ended by the signal ") + ::strsignal(end.value), detail);
    if (end.kind == ThrowawayEnd::Kind::TooMuchOutput)
        throw unsafe(path, "did not stop to report", detail);
    Report report;
    try {
        report = readReport(end.output);
    } catch (const Error& error) {
        throw unchecked(
            path, "the process that checks it gave no report (exit code " + std::to_string(end.value) + ").",
            error.message() + "\n" + detail);
    }
    file.source.requireUnchanged();
    if (!report.sound || end.value != 0)
        throw joinErrors("project.content",
                         report.problems.empty() ? std::vector{path + " is not sound."} : report.problems,
                         "Open an earlier generation of it, or ask whoever made the file.");
    // The child and this process must have seen the same bytes.
    const auto now =
        contentDigest(file.source.descriptor(), file.source.identity().bytes, path, m_options.keepGoing);
    if (report.sha256 != toHex(file.found) || now != file.found)
        throw Error("project.changing", path + " was written to by another program while it was checked.",
                    "Wait until that program has closed it, then open it again.");
}

} // namespace azimuth
