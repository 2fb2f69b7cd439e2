// A tiny GGUF file in a folder of its own, opened as a checkpoint.
#pragma once

#include "core/base/atomic_file.h"
#include "core/engine/checkpoint/checkpoint.h"
#include "tests/core/checks.h"
#include "tests/core/engine/checkpoint/tiny_models.h"

#include <QTemporaryDir>
#include <string>

namespace azimuth::test {

class TinyFile {
public:
    std::string path(const char* name = "tiny.gguf") const {
        return m_folder.filePath(QString::fromLatin1(name)).toStdString();
    }
    std::string write(const std::string& bytes, const char* name = "tiny.gguf") const {
        writeFileAtomically(path(name), bytes);
        return path(name);
    }
    // Each writes over what the file held.
    Checkpoint open(const TinyModel& model) const { return Checkpoint::open(write(model.builder().bytes())); }
    std::string codeOfOpening(const TinyModel& model) const {
        return checks::codeOf([&] { open(model); });
    }
    std::string messageOfOpening(const TinyModel& model) const {
        return checks::messageOf([&] { open(model); });
    }

private:
    QTemporaryDir m_folder;
};

} // namespace azimuth::test
