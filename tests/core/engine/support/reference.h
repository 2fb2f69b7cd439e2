// Runs tests/peers/reference_decoder.py once per model and precision and reads what it wrote.
#pragma once

#include "core/container/safetensors.h"

#include <QtCore/QByteArray>
#include <QtCore/QJsonArray>
#include <QtCore/QJsonDocument>
#include <QtCore/QJsonObject>
#include <QtCore/QProcess>
#include <QtCore/QTemporaryDir>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace azimuth::reference {

struct Family {
    const char* name;
    const char* file; // in the cache's models folder
    std::int64_t blocks;
    const char* prefix; // around a prompt's text
    const char* suffix;
};

inline const Family& smollm2() {
    static const Family family{"SmolLM2", "SmolLM2-135M-Instruct.Q4_1.gguf", 30, "<|im_start|>user\n",
                               "<|im_end|>\n<|im_start|>assistant\n"};
    return family;
}
inline const Family& gemma3() {
    static const Family family{"Gemma 3", "gemma-3-270m.Q4_K_M.gguf", 18, "", ""};
    return family;
}

inline std::string modelPath(const Family& family) {
    return std::string(AZIMUTH_CACHE_DIR) + "/models/" + family.file;
}

inline QJsonArray texts(const Family& family, std::initializer_list<const char*> bodies) {
    QJsonArray array;
    for (const auto* body : bodies)
        array.append(QString::fromUtf8(family.prefix) + QString::fromUtf8(body) + QString::fromUtf8(family.suffix));
    return array;
}

inline QJsonObject edit(std::int64_t from, std::int64_t to, const char* operation, std::int64_t k, double strength) {
    return {{QStringLiteral("k_from"), qint64(from)},
            {QStringLiteral("k_to"), qint64(to)},
            {QStringLiteral("operation"), QString::fromUtf8(operation)},
            {QStringLiteral("direction_k"), qint64(k)},
            {QStringLiteral("strength"), strength}};
}

// Runs a Python script of tests/peers in the peers' environment; returns what went wrong, or nothing.
inline std::string runPeer(const char* script, const QStringList& arguments, int seconds) {
    QProcess process;
    process.setProcessChannelMode(QProcess::MergedChannels);
    QStringList all{QStringLiteral(AZIMUTH_SOURCE_DIR "/tests/peers/") + QString::fromUtf8(script)};
    all += arguments;
    process.start(QStringLiteral(AZIMUTH_CACHE_DIR "/peers/base/bin/python"), all);
    if (!process.waitForFinished(seconds * 1000)) {
        process.kill();
        process.waitForFinished();
        return "the script did not finish";
    }
    if (process.exitStatus() == QProcess::NormalExit && process.exitCode() == 0)
        return {};
    return process.readAll().right(3000).toStdString();
}

// Tensors by name of one run of the reference.
class Reference {
public:
    std::string run(const Family& family, const QJsonObject& request, int seconds = 500,
                    const char* script = "reference_decoder.py") {
        const QString input = m_folder.filePath(QStringLiteral("request.json"));
        const QString output = m_folder.filePath(QStringLiteral("reference.safetensors"));
        QFile file(input);
        if (!file.open(QIODevice::WriteOnly))
            return "the request could not be written";
        file.write(QJsonDocument(request).toJson());
        file.close();
        const auto failure = runPeer(script,
                                     {QString::fromStdString(modelPath(family)), input, output}, seconds);
        if (failure.empty())
            m_file = SafetensorsFile::open(output.toStdString());
        return failure;
    }

    std::vector<std::int32_t> ids(const std::string& name) const {
        std::vector<std::int32_t> result;
        for (const auto value : m_file->integers(name))
            result.push_back(static_cast<std::int32_t>(value));
        return result;
    }
    std::vector<float> floats(const std::string& name) const {
        return m_file->floats(name, std::vector<std::int64_t>(m_file->at(name).shape.size(), -1));
    }
    std::vector<double> doubles(const std::string& name) const { // an F64 tensor, not rounded
        const auto bytes = m_file->data(m_file->at(name));
        std::vector<double> result(bytes.size() / sizeof(double));
        std::memcpy(result.data(), bytes.data(), bytes.size());
        return result;
    }
    std::vector<std::int64_t> shape(const std::string& name) const { return m_file->at(name).shape; }

private:
    QTemporaryDir m_folder;
    std::optional<SafetensorsFile> m_file;
};

} // namespace azimuth::reference
