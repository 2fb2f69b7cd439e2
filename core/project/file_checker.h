// Decides whether this process may read a file (design, "Project file"). The digest comes first, in our own
// code. What this machine wrote or has checked before (KnownFiles) is then good; everything else goes whole
// through `azimuth validate` in a child with limits and a deadline, on the same open file, so that whatever a
// hostile file does to HDF5 happens to a process that has nothing to lose. Only then do the strict readers
// (openProject, readShard) see it, again on the same open file.
//
// Errors, one for each outcome: file.open, file.read; project.foreign, project.truncated, project.damaged,
// project.newer, project.kind; project.altered (whole, but not as Azimuth wrote it: changed by another
// program; admitAltered takes it); project.content (not sound: where and why); project.unsafe (the child died
// of it or ran out of time); project.changing (written to meanwhile); project.unchecked (the child
// cannot be started or does not report); what keepGoing throws. The file is never touched. One thread;
// blocks.
#pragma once

#include "core/project/known_files.h"
#include "core/project/source_file.h"
#include "core/project/user_block.h"

#include <functional>
#include <string>

namespace azimuth {

struct Validation;

// A file that may be read. block.fileBytes is its length, also of an altered one.
struct CheckedFile {
    SourceFile source;
    UserBlock block;
    Digest found{}; // of the content; block.digest unless altered
    bool altered = false;
};

// For the child: how much memory and time a file of this length may take to be checked.
struct CheckLimits {
    std::uint64_t memoryBytes = 0;
    double seconds = 0;
};
CheckLimits checkLimits(std::uint64_t fileBytes);

// What the child prints for its parent: one line of JSON, with the first findings only.
std::string checkReport(const Validation& validation);

class FileChecker {
public:
    struct Options {
        std::string program; // azimuth; empty: beside this program, or one folder up
        std::string knownFiles = KnownFiles::defaultPath();
        double seconds = 0; // deadline of the child; 0: by the file's length
        std::function<void(const std::string&)>
            onCheck;                     // a child is about to look at the file with this path
        std::function<void()> keepGoing; // called while something takes long; throws to stop it
    };
    FileChecker();
    explicit FileChecker(Options options);

    CheckedFile admit(const std::string& path, FileKind kind);
    // A project that another program changed, on the word of the user: read whole by the child, as it is. One
    // that is as it was written is admitted as ever.
    CheckedFile admitAltered(const std::string& path);
    void forgetCallbacks() { m_options.onCheck = {}, m_options.keepGoing = {}; }

private:
    enum class Purpose { AsWritten, Altered };
    CheckedFile begin(const std::string& path, FileKind kind);
    void check(const CheckedFile& file, Purpose purpose);
    [[noreturn]] void refuseAltered(CheckedFile file);

    Options m_options;
    KnownFiles m_known;
};

} // namespace azimuth
