#include "app/session/settings_file.h"

#include "core/base/atomic_file.h"
#include "core/base/json_reader.h"

#include <filesystem>
#include <QLockFile>

namespace azimuth {

namespace {
constexpr int patience = 3000; // milliseconds for another process to finish its change
constexpr JsonLimits limits{std::uint64_t{4} << 20, 8};

void putInto(std::map<std::string, Json>& values, const std::map<std::string, Json>& changes) {
    for (const auto& [name, value] : changes) {
        if (value.is_null())
            values.erase(name);
        else
            values[name] = value;
    }
}
} // namespace

SettingsFile::SettingsFile(const QString& path, QObject* parent)
    : QObject(parent), m_path(path.toStdString()) {
    try {
        m_values = read();
    } catch (const Error&) { // kept when another is written in its place
    }
}

SettingsFile::Values SettingsFile::read() const {
    std::error_code unknown;
    if (std::filesystem::status(m_path, unknown).type() == std::filesystem::file_type::not_found)
        return {};
    JsonReader reader(readJsonFile(m_path, limits), m_path, "settings", 1);
    const auto values = reader.root().any("values");
    reader.finish();
    if (!values.is_object())
        throw Error("json.content", m_path + ": /values is no object.", "");
    Values out;
    for (const auto& [name, value] : values.items())
        out[name] = value;
    return out;
}

Json SettingsFile::value(const std::string& name) const {
    const auto found = m_values.find(name);
    return found == m_values.end() ? Json() : found->second;
}

void SettingsFile::set(const std::string& name, Json value) {
    Values change;
    change[name] = std::move(value);
    putInto(m_values, change);
    {
        const std::lock_guard lock(m_mutex);
        m_unwritten[name] = change[name];
        if (std::exchange(m_posted, true))
            return;
    }
    m_thread.post(
        this, [this] { return write(); },
        [this](Values written) { // with what other processes have set
            const std::lock_guard lock(m_mutex);
            putInto(written, m_unwritten);
            m_values = std::move(written);
        },
        [this](const Error& error) { Q_EMIT failed(error); });
}

SettingsFile::Values SettingsFile::write() {
    Values changes;
    {
        const std::lock_guard lock(m_mutex);
        changes = m_unwritten;
        m_posted = false;
    }
    const auto folder = std::filesystem::path(m_path).parent_path();
    std::error_code failure;
    std::filesystem::create_directories(folder,
                                        failure); // what is wrong with it the lock or the file will say
    QLockFile others(QString::fromStdString(m_path) + QStringLiteral(".lock"));
    if (!others.tryLock(patience) && others.error() == QLockFile::LockFailedError)
        throw Error("settings.locked", m_path + " is being changed by another process.",
                    "What you chose holds until you close this window.");
    Values values;
    try {
        values = read();
    } catch (const Error&) {
        copyFileAtomically(m_path, m_path + ".damaged");
    }
    putInto(values, changes);
    Json file{{"azimuth", "settings"}, {"version", 1}, {"values", Json::object()}};
    for (const auto& [name, value] : values)
        file["values"][name] = value;
    writeFileAtomically(m_path, prettyJson(file));
    const std::lock_guard lock(m_mutex);
    for (const auto& [name, value] : changes)
        if (const auto now = m_unwritten.find(name); now != m_unwritten.end() && now->second == value)
            m_unwritten.erase(now);
    return values;
}

} // namespace azimuth
