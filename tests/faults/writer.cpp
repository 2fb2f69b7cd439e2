// The program that the tests of storage kill, starve and cut off. It drives the real code and acknowledges on
// stdout what is durable.
//
//   faults_writer PROJECT STEP [ROUNDS]   opens or creates the project; then rounds of save, log, shard or
//   merge faults_writer PROJECT talk            carries out the lines of stdin: open | close | prepare STEP |
//   attempt |
//                                         faults 0 or 1 | lock | newer | takeover
//
// Lines: "opened <generation> <completions> <labels>", "readonly <why>", "begin", "end", "note <text>",
// "generation <n>", those of records.h; after each line of talk "ok" or
// "error\t<code>\t<message>\t<remedy>".
#include "app/session/project_store.h"
#include "core/base/error.h"
#include "core/base/time.h"
#include "core/project/shard.h"
#include "core/project/side_folder.h"
#include "tests/core/project/sample.h"
#include "tests/faults/records.h"

#include <cstdio>
#include <cstdlib>
#include <dlfcn.h>
#include <filesystem>
#include <functional>
#include <iostream>
#include <limits>
#include <unistd.h>

using namespace azimuth;

namespace {

void say(const std::string& lines) {
    for (std::size_t done = 0; done < lines.size();) {
        const auto count = ::write(STDOUT_FILENO, lines.data() + done, lines.size() - done);
        if (count <= 0)
            std::exit(3);
        done += static_cast<std::size_t>(count);
    }
}

void setFaults(bool on) {
    if (auto* shim = ::dlsym(RTLD_DEFAULT, "azimuth_faults"))
        reinterpret_cast<void (*)(int)>(shim)(on ? 1 : 0);
}

class Writer {
public:
    explicit Writer(std::string path) : m_path(std::move(path)) {}

    void open() {
        if (std::filesystem::exists(m_path))
            m_store = ProjectStore::open(m_path);
        else
            m_store = ProjectStore::create(m_path, titled(sample::smallestStudy(), 1));
        for (const auto& note : m_store->notes())
            say("note " + note + "\n");
        const auto& view = *m_store->view();
        if (!m_store->readOnly().empty())
            say("readonly " + m_store->readOnly() + "\n");
        say("opened " + std::to_string(view.generation) + " " + std::to_string(view.completions->size()) +
            " " + std::to_string(view.labels.size()) + "\n" + news());
    }

    // What a step needs is made beforehand, so that trying again does the same.
    std::function<void()> prepared(const std::string& step) {
        if (step == "open")
            return [this] { open(); };
        if (step == "save")
            return [this] { save(); };
        if (step == "shard")
            return [this, result = records::result(40), path = newShard()] { publish(path, result); };
        if (step == "log")
            return [this, labels = records::labels()] { append(labels); };
        if (step == "merge")
            return merging();
        throw Error("faults.step", "There is no step " + step + ".", "");
    }

    void round(const std::string& step) {
        ++m_rounds;
        if (step == "save")
            append(records::labels());
        if (step == "log" && m_rounds % 25 == 0)
            return save();
        if (step == "shard" && m_rounds % 12 == 0) {
            for (const auto& path : shardFiles(m_path))
                m_store->mergeShard(path, {});
            return save();
        }
        prepared(step)();
    }

    void obey(const std::string& word) {
        if (word == "open") {
            open();
        } else if (word == "close") {
            m_store.reset();
        } else if (word == "lock") {
            const auto lock = m_store->freeLock();
            if (lock)
                m_store.emplace(ProjectStore::open(m_path, lock));
            say(std::string("locked ") + (lock ? "yes\n" : "no\n"));
        } else if (word == "newer") {
            say(std::string("newer ") + (m_store->newerOnDisk() ? "yes\n" : "no\n"));
        } else if (word == "takeover") {
            if (const auto owner = ProjectLock::farOwner(m_path))
                ProjectLock::takeOver(m_path, *owner);
        } else {
            throw Error("faults.word", "There is no word " + word + ".", "");
        }
    }

private:
    static Study titled(Study study, std::uint64_t generation) {
        study.title = "generation " + std::to_string(generation);
        return study;
    }

    std::string newShard() const {
        const auto folder = sideFolder(m_path).shards;
        ensureFolder(folder);
        return m_store->newShardPath(toHex(records::completion().key));
    }

    void save() {
        const auto view = m_store->view();
        m_store->setStudy(titled(*view->study, view->generation + 1));
        m_store->save();
        say(news());
    }

    void publish(const std::string& path, const JobResult& result) {
        publishShard(path, result, m_store->view()->uuid);
        std::string lines;
        for (const auto& row : result.completions)
            lines += records::lineOf(row);
        say(lines + records::lineOf(result.banks.front()));
    }

    void append(const SetLabels& labels) {
        m_store->head()->edit({"Label a completion", "Ana Ž.", unixSeconds(), labels});
        say(records::lineOf(labels));
    }

    std::function<void()> merging() {
        std::vector<std::pair<std::string, std::string>> shards;
        for (int i = 0; i < 2; ++i) {
            const auto path = newShard();
            shards.emplace_back(path, publishShard(path, records::result(20), m_store->view()->uuid));
        }
        return [this, shards] {
            for (const auto& [path, digest] : shards)
                m_store->mergeShard(path, digest);
            save();
        };
    }

    // Lines of what the project holds and has not been acknowledged by this process.
    std::string news() {
        const auto& view = *m_store->view();
        std::string lines = "generation " + std::to_string(view.generation) + "\n";
        for (; m_rows < view.completions->size(); ++m_rows)
            lines += records::lineOf(view.completions->row(m_rows));
        for (; m_banks < view.banks.size(); ++m_banks)
            lines += records::lineOf(*view.banks[m_banks]);
        return lines;
    }

    std::string m_path;
    std::optional<ProjectStore> m_store;
    std::size_t m_rows = 0, m_banks = 0;
    int m_rounds = 0;
};

void tell(const Error& error) {
    say("error\t" + error.code() + "\t" + error.message() + "\t" + error.remedy() + "\n");
}

void talk(Writer& writer) {
    std::function<void()> attempt;
    for (std::string line; std::getline(std::cin, line);) {
        const auto word = line.substr(0, line.find(' ')),
                   rest = line.substr(std::min(line.size(), word.size() + 1));
        try {
            if (word == "prepare")
                attempt = writer.prepared(rest);
            else if (word == "attempt")
                attempt();
            else if (word == "faults")
                setFaults(rest == "1");
            else
                writer.obey(word);
            say("ok\n");
        } catch (const Error& error) {
            tell(error);
        }
    }
}

} // namespace

int main(int count, char** words) {
    if (count < 3)
        return 64;
    const std::string step = words[2];
    Writer writer(words[1]);
    try {
        if (step == "talk") {
            talk(writer);
            return 0;
        }
        writer.open();
        const long rounds = count > 3 ? std::atol(words[3]) : std::numeric_limits<long>::max();
        for (long i = 0; i < rounds; ++i) {
            say("begin\n");
            writer.round(step);
            say("end\n");
        }
    } catch (const Error& error) {
        tell(error);
        return 2;
    }
    return 0;
}
