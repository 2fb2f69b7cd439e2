// What the writer of the fault tests does to a project, and what it says of it: a line for each record once
// it is durable, and "trying", "restoring" and "replaced" lines before a step that may leave one state or
// another. Records have the lines of records.h.
#pragma once

#include "app/session/project_store.h"

#include <functional>
#include <optional>
#include <string>

namespace azimuth {

void say(const std::string& lines); // to stdout, at once

class Steps {
public:
    explicit Steps(std::string path);

    // Opens or creates it; says everything that it holds, and then "opened <generation>".
    void open();
    // For a project that cannot be opened as it is: adopts it, or goes back to the newest earlier generation.
    void rescue();
    // What a step needs is made beforehand, so that trying again does the same. Steps: open, save, log,
    // shard, merge, create, saveas, restore, earlier, adopt, prepare, caches.
    std::function<void()> prepared(const std::string& step);
    // Says "begin" and "end" around the step, and nothing but the step lies between them.
    void round(const std::string& step);
    void obey(const std::string& word); // close, lock, newer, takeover; Error faults.word

private:
    struct Shown { // how much of each list has been said
        std::size_t completions = 0, banks = 0, labels = 0, notes = 0, jobs = 0, provenance = 0;
    };

    void opened();
    std::string news(); // of what the project holds and has not been said
    void edit(const std::string& text, const Change& change);
    void change(const Study& study, const std::string& text);
    void save();
    std::string newShard() const;
    std::string sibling() const; // where a new project goes
    std::function<void()> logging();
    std::function<void()> merging();
    std::function<void()> savingAs();
    std::function<void()> restoring();
    std::function<void()> goingBack();
    std::function<void()> adopting();
    std::function<void()> removingCaches();

    std::string m_path;
    std::optional<ProjectStore> m_store;
    Shown m_shown;
    int m_rounds = 0;
};

} // namespace azimuth
