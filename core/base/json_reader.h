// Reads an object's members into values: unknown keys refused, no narrowing, every error collected with its
// path; one throw at the end.
//
//   JsonReader reader(json, "study.json", "study", 1);          // {"azimuth": "study", "version": 1, ...}
//   auto& root = reader.root();
//   study.title = root.text("title");
//   root.each("models", [&](JsonObject object) { study.models.push_back(readModelRef(object)); });
//   reader.finish();                                            // Error json.content with all findings
//
// After a finding a default value is returned, so reading goes on. Not thread-safe.
#pragma once

#include "core/base/json.h"

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace azimuth {

class JsonObject {
public:
    std::string text(const char* key); // required
    std::string text(const char* key, const std::string& otherwise);
    std::optional<std::string> optionalText(const char* key);
    std::int64_t integer(const char* key, std::int64_t minimum, std::int64_t maximum);
    std::int64_t integer(const char* key, std::int64_t minimum, std::int64_t maximum, std::int64_t otherwise);
    double number(const char* key); // finite
    double number(const char* key, double otherwise);
    bool boolean(const char* key);
    bool boolean(const char* key, bool otherwise);
    std::uint64_t unsigned64(const char* key, std::uint64_t otherwise); // a string of digits
    std::vector<std::string> texts(const char* key, bool required = true);
    std::vector<double> numbers(const char* key, bool required = true);
    std::vector<std::int64_t> integers(const char* key, std::int64_t minimum, std::int64_t maximum,
                                       bool required = true);

    bool has(const char* key) const;
    // Calls body for the object at key; a missing key is a finding if required.
    void object(const char* key, const std::function<void(JsonObject&)>& body, bool required = true);
    // Calls body for each object of the array at key.
    void each(const char* key, const std::function<void(JsonObject&)>& body, bool required = true);
    // Calls body(name, object) for each member of the object at key, in order of the names.
    void members(const char* key, const std::function<void(const std::string&, JsonObject&)>& body,
                 bool required = true);
    Json any(const char* key, bool required = true); // the value as it is; null if missing

    // One of names, as its index.
    std::size_t choice(const char* key, const std::vector<std::string>& names,
                       std::optional<std::size_t> otherwise = {});

    void fail(const char* key, const std::string& finding); // "/path/key: finding"
    const std::string& path() const { return m_path; }

    ~JsonObject(); // reports the keys that nobody read
    JsonObject(JsonObject&&) = default;
    JsonObject& operator=(JsonObject&&) = default;

private:
    friend class JsonReader;
    JsonObject(const Json* value, std::string path, std::shared_ptr<std::vector<std::string>> findings,
               bool strict);
    const Json* find(const char* key, bool required);
    std::string at(const char* key) const { return m_path + "/" + key; }

    const Json* m_value;
    std::string m_path;
    std::shared_ptr<std::vector<std::string>> m_findings;
    std::set<std::string> m_read;
    bool m_strict;
};

class JsonReader {
public:
    // Any object. foreign: files of others (config.json) may have unknown keys.
    JsonReader(const Json& value, std::string origin, bool foreign = false);
    // A file of ours: {"azimuth": kind, "version": n}; error json.kind, json.version for another one.
    // Versions 1..newest are accepted.
    JsonReader(const Json& value, std::string origin, const std::string& kind, int newestVersion);

    JsonObject& root(); // lives until finish()
    int version() const { return m_version; }
    void finish(); // throws if there are findings

private:
    Json m_value;
    std::string m_origin;
    bool m_foreign = false, m_headed = false;
    int m_version = 1;
    std::optional<JsonObject> m_root;
    std::shared_ptr<std::vector<std::string>> m_findings = std::make_shared<std::vector<std::string>>();
};

} // namespace azimuth
