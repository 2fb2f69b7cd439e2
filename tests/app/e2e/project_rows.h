// What a project holds, row by row, as text: for comparing what was saved with what another process reads.
#pragma once

#include "core/study/project_view.h"

#include <map>
#include <QString>
#include <QStringList>
#include <string>

namespace azimuth::e2e {

// One canonical JSON line per model, bank (with the digest of its tensor), arm, completion, label and
// calibration, sorted.
QStringList rowsOf(const ProjectView& view);
// The same, read from the file by a new process of this program (see dumpIfAsked).
QStringList rowsInNewProcess(const QString& project);
// In main: prints the rows of the project if the arguments are --dump FILE, and ends with code 0.
void dumpIfAsked(int argc, char** argv);

std::map<std::string, std::vector<std::int32_t>> idsByKey(const ProjectView& view);

QString program(const char* name); // bin/azimuth of this build
QString demoStudy(const char* name);

} // namespace azimuth::e2e
