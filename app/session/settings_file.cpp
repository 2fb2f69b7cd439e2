#include "app/session/settings_file.h"

#include "core/base/atomic_file.h"
#include "core/base/json_reader.h"

#include <filesystem>
#include <QLockFile>
#include <set>

namespace azimuth {

namespace {
namespace fs = std::filesystem;
constexpr std::size_t mostUnwritten = 256; // of a file that cannot be written, the latest changes
constexpr int patience = 3000;             // milliseconds for another process to finish its change
constexpr JsonLimits limits{std::uint64_t{4} << 20, 8};

constexpr int version = 1;

// What was written is not what is there: another program, or a disk.
bool isDamage(const Error& error) { return error.code().starts_with("json.") || error.code() == "file.size"; }
} // namespace

SettingsFile::SettingsFile(const QString& path, QObject* parent)
    : QObject(parent), m_path(path.toStdString()) {
    try {
        m_values = read();
    } catch (const Error&) { // said when a change cannot be written; what is damaged is kept then
    }
}

SettingsFile::Values SettingsFile::read() const {
    std::error_code unknown;
    if (fs::status(m_path, unknown).type() == fs::file_type::not_found)
        return {};
    const auto json = readJsonFile(m_path, limits);
    if (const auto found = json.is_object() ? json.value("version", Json()) : Json();
        found.is_number_integer() && found > version)
        throw Error("settings.newer", m_path + " was written by a newer program.",
                    "What you choose holds until you close this window; use that program to keep it.");
    JsonReader reader(json, m_path, "settings", version);
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

void SettingsFile::Change::apply(Values& values) const {
    const auto found = values.find(name);
    auto made = make(found == values.end() ? Json() : found->second);
    if (made.is_null())
        values.erase(name);
    else
        values[name] = std::move(made);
}

void SettingsFile::set(const std::string& name, Json value) {
    change(name, [value = std::move(value)](const Json&) { return value; });
}

void SettingsFile::change(const std::string& name, std::function<Json(const Json&)> make) {
    const Change change{++m_last, name, std::move(make)};
    change.apply(m_values);
    m_own.push_back(change);
    if (m_own.size() > mostUnwritten)
        m_own.erase(m_own.begin());
    {
        const std::lock_guard lock(m_mutex);
        m_unwritten.push_back(change);
        if (m_unwritten.size() > mostUnwritten)
            m_unwritten.erase(m_unwritten.begin());
        if (std::exchange(m_posted, true))
            return;
    }
    m_thread.post(
        this, [this, known = m_values] { return write(known); },
        [this](Written written) { take(std::move(written)); },
        [this](const Error& error) { Q_EMIT failed(error); });
}

// What other processes have changed becomes true here too.
void SettingsFile::take(Written written) {
    std::erase_if(m_own, [&](const Change& change) { return change.number <= written.last; });
    for (const auto& change : m_own)
        change.apply(written.values);
    std::set<std::string> others;
    for (const auto* values : {&written.values, &m_values})
        for (const auto& [name, value] : *values)
            if (const auto before = m_values.find(name), now = written.values.find(name);
                before == m_values.end() || now == written.values.end() || before->second != now->second)
                others.insert(name);
    m_values = std::move(written.values);
    for (const auto& name : others)
        Q_EMIT changedElsewhere(name);
    if (!written.aside.empty())
        Q_EMIT failed(Error("settings.damaged", m_path + " was damaged. It is kept as " + written.aside + ".",
                            "Choose again what is not as you had it."));
}

std::string SettingsFile::setDamagedAside() const {
    constexpr int most = 9;
    auto aside = m_path + ".damaged";
    std::error_code unknown;
    for (int number = 2; number <= most && fs::exists(aside, unknown); ++number)
        aside = m_path + ".damaged-" + std::to_string(number);
    std::error_code failure;
    fs::remove(aside, failure);
    fs::create_hard_link(m_path, aside, failure); // until the new one replaces it, it stays where it is
    if (failure)
        fs::rename(m_path, aside, failure);
    if (failure)
        throw systemError("rename", m_path, failure.value());
    return aside;
}

// known: what this process had when the change was made, for a file that has become damaged since.
SettingsFile::Written SettingsFile::write(Values known) {
    std::vector<Change> changes;
    {
        const std::lock_guard lock(m_mutex);
        changes = m_unwritten;
        m_posted = false;
    }
    std::error_code failure; // what is wrong with the folder the lock or the file will say
    fs::create_directories(fs::path(m_path).parent_path(), failure);
    QLockFile others(QString::fromStdString(m_path) + QStringLiteral(".lock"));
    if (!others.tryLock(patience) && others.error() == QLockFile::LockFailedError)
        throw Error("settings.locked", m_path + " is being changed by another process.",
                    "What you chose holds until you close this window.");
    Values values;
    std::string aside;
    try {
        values = read();
    } catch (const Error& error) {
        if (!isDamage(error))
            throw;
        aside = setDamagedAside();
        values = std::move(known);
    }
    for (const auto& change : changes)
        change.apply(values);
    Json file{{"azimuth", "settings"}, {"version", version}, {"values", Json::object()}};
    for (const auto& [name, value] : values)
        file["values"][name] = value;
    writeFileAtomically(m_path, prettyJson(file));
    const std::lock_guard lock(m_mutex);
    const auto last = changes.empty() ? 0 : changes.back().number;
    std::erase_if(m_unwritten, [&](const Change& change) { return change.number <= last; });
    return {std::move(values), last, std::move(aside)};
}

} // namespace azimuth
