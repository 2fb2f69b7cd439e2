// Asking a peer of tests/peers for token ids.
#pragma once

#include "core/base/json.h"

#include <QFileInfo>
#include <QProcess>
#include <QtTest>

namespace azimuth::checks {

// The Python of a peer environment; empty if that is not set up.
inline QString peerInterpreter(const char* variable, const char* environment) {
    const QString given = qEnvironmentVariable(variable);
    const QString python =
        given.isEmpty()
            ? QStringLiteral(AZIMUTH_CACHE_DIR "/peers/%1/bin/python").arg(QLatin1String(environment))
            : given;
    return QFileInfo::exists(python) ? python : QString();
}

// What make_token_fixtures.py --peer answers.
inline Json askPeer(const QString& peer, const QString& python, const Json& request) {
    QProcess process;
    process.start(python, {QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/peers/make_token_fixtures.py"),
                           QStringLiteral("--peer"), peer});
    process.write(QByteArray::fromStdString(request.dump()));
    process.closeWriteChannel();
    if (!process.waitForFinished(400'000) || process.exitCode() != 0)
        qFatal("%s: %s", qPrintable(peer), process.readAllStandardError().constData());
    const QByteArray answer = process.readAllStandardOutput();
    return parseJson(std::string_view(answer.constData(), static_cast<std::size_t>(answer.size())), "peer");
}

} // namespace azimuth::checks
