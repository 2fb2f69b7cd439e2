#include "tests/app/e2e/project_rows.h"

#include "core/base/error.h"
#include "core/base/sha256.h"
#include "core/project/project.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <QCoreApplication>
#include <QProcess>

namespace azimuth::e2e {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

Json rowOf(const Completion& row) {
    return {{"row", "completion"},
            {"key", toHex(row.key)},
            {"model", row.modelIdentity},
            {"prompt", row.promptId},
            {"arm", row.armDigest},
            {"ids", row.ids},
            {"text", row.text},
            {"finish", toString(row.finish)},
            {"log_probability", number(row.logProbability)},
            {"prompt_tokens", row.promptTokens},
            {"job", row.jobId}};
}

Json rowOf(const Label& label) {
    return {{"row", "label"},
            {"key", toHex(label.completionKey)},
            {"judge", label.judgeDigest},
            {"verdict", toString(label.verdict)},
            {"behaves", label.behaves},
            {"reason", label.reason}};
}

Json rowOf(const DirectionBank& bank) {
    const auto bytes = std::as_bytes(std::span(bank.tensor.values()));
    return {{"row", "bank"},
            {"key", bank.key},
            {"model", bank.modelIdentity},
            {"positions", bank.positions},
            {"shape", bank.tensor.shape()},
            {"tensor", toHex(sha256(bytes))},
            {"tokens", bank.positionTokens}};
}

} // namespace

QStringList rowsOf(const ProjectView& view) {
    QStringList lines;
    const auto add = [&](const Json& json) { lines << QString::fromStdString(canonicalJson(json)); };
    for (const auto& model : view.models)
        add(toJson(*model));
    for (const auto& bank : view.banks)
        add(rowOf(*bank));
    for (const auto& arm : view.arms)
        add(toJson(*arm));
    for (std::size_t i = 0; i < view.completions->size(); ++i)
        add(rowOf(view.completions->row(i)));
    for (const auto& label : view.labels)
        add(rowOf(*label));
    for (const auto& calibration : view.calibrations)
        add(toJson(*calibration));
    lines.sort();
    return lines;
}

void dumpIfAsked(int argc, char** argv) {
    if (argc != 3 || std::strcmp(argv[1], "--dump") != 0)
        return;
    try {
        const auto lines = rowsOf(openProject(argv[2]));
        std::printf("%s\n", lines.join(QLatin1Char('\n')).toUtf8().constData());
        std::exit(0);
    } catch (const Error& error) {
        std::fprintf(stderr, "%s\n", error.what());
        std::exit(1);
    }
}

QStringList rowsInNewProcess(const QString& project) {
    QProcess process;
    process.start(QCoreApplication::applicationFilePath(), {QStringLiteral("--dump"), project});
    if (!process.waitForFinished(60000) || process.exitCode() != 0)
        return {QStringLiteral("the other process failed: ") +
                QString::fromUtf8(process.readAllStandardError())};
    return QString::fromUtf8(process.readAllStandardOutput()).trimmed().split(QLatin1Char('\n'));
}

std::map<std::string, std::vector<std::int32_t>> idsByKey(const ProjectView& view) {
    std::map<std::string, std::vector<std::int32_t>> ids;
    for (std::size_t i = 0; i < view.completions->size(); ++i)
        ids[toHex(view.completions->row(i).key)] = view.completions->row(i).ids;
    return ids;
}

QString program(const char* name) {
    return QStringLiteral(AZIMUTH_BINARY_DIR "/bin/") + QString::fromLatin1(name);
}

QString demoStudy(const char* name) {
    return QStringLiteral(AZIMUTH_SOURCE_DIR "/data/demo/") + QString::fromLatin1(name);
}

} // namespace azimuth::e2e
