#include "tests/faults/steps.h"

#include "app/session/caches.h"
#include "core/base/atomic_file.h"
#include "core/base/error.h"
#include "core/base/time.h"
#include "core/container/safetensors.h"
#include "core/project/generations.h"
#include "core/project/shard.h"
#include "core/project/side_folder.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"
#include "tests/faults/records.h"

#include <cstdlib>
#include <filesystem>
#include <hdf5.h>
#include <unistd.h>

namespace azimuth {
namespace fs = std::filesystem;
namespace {

Study titled(Study study, std::uint64_t generation) {
    study.title = "generation " + std::to_string(generation);
    return study;
}

// As another program would: an attribute that FORMAT.md does not know.
void alter(const std::string& path) {
    const hid_t file = H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT),
                group = H5Gopen2(file, "/figures", H5P_DEFAULT), space = H5Screate(H5S_SCALAR),
                note = H5Acreate2(group, "note", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
    const int value = 7;
    if (H5Awrite(note, H5T_NATIVE_INT, &value) < 0)
        throw Error("faults.alter", path + " cannot be altered.", "");
    H5Aclose(note);
    H5Sclose(space);
    H5Gclose(group);
    H5Fclose(file);
}

std::string preparedLine(const JobSpec& job) { return records::lineOf("prepared", job.id, job.id); }

void replacing(const std::string& path) { say("replaced " + toHex(sha256File(path)) + "\n"); }

template <class List, class Said>
std::string linesFrom(std::size_t& shown, const List& list, const Said& said) {
    std::string lines;
    for (; shown < list.size(); ++shown)
        lines += said(list[shown]);
    return lines;
}

} // namespace

void say(const std::string& lines) {
    for (std::size_t done = 0; done < lines.size();) {
        const auto count = ::write(STDOUT_FILENO, lines.data() + done, lines.size() - done);
        if (count <= 0)
            std::exit(3);
        done += static_cast<std::size_t>(count);
    }
}

Steps::Steps(std::string path) : m_path(std::move(path)) {}

void Steps::open() {
    if (fs::exists(m_path))
        m_store = ProjectStore::open(m_path);
    else
        m_store = ProjectStore::create(m_path, titled(sample::smallestStudy(), 1));
    opened();
}

void Steps::rescue() {
    const auto kept = earlierGenerations(m_path);
    try {
        m_store = ProjectStore::openAltered(m_path);
    } catch (const Error&) {
        if (kept.empty())
            throw;
        m_store = ProjectStore::openEarlier(m_path, kept.front().block.file);
    }
    opened();
}

void Steps::opened() {
    for (const auto& note : m_store->notes())
        say("told " + note + "\n");
    if (!m_store->readOnly().empty())
        say("readonly " + m_store->readOnly() + "\n");
    m_shown = {};
    say(news() + "opened " + std::to_string(m_store->view()->generation) + "\n");
}

std::string Steps::news() {
    const auto view = m_store->view();
    std::string lines = "generation " + std::to_string(view->generation) + "\n";
    for (; m_shown.completions < view->completions->size(); ++m_shown.completions)
        lines += records::lineOf(view->completions->row(m_shown.completions));
    const auto pointed = [](const auto& one) { return records::lineOf(*one); };
    lines += linesFrom(m_shown.banks, view->banks, pointed);
    lines += linesFrom(m_shown.labels, view->labels, [](const auto& one) {
        return one->source == Label::Source::Human ? records::lineOf(*one) : std::string();
    });
    lines += linesFrom(m_shown.notes, view->notes, pointed);
    lines += linesFrom(m_shown.jobs, view->jobs, [](const auto& one) { return records::lineOf(one); });
    lines += linesFrom(m_shown.provenance, view->provenance, [](const auto& one) {
        return one.action == "change the study" ? records::lineOf(one) : std::string();
    });
    return lines + records::lineOf(*view->study);
}

std::function<void()> Steps::prepared(const std::string& step) {
    if (step == "open")
        return [this] { open(); };
    if (step == "save")
        return [this] { save(); };
    if (step == "again") // a save with nothing new
        return [this] {
            m_store->save();
            say(news());
        };
    if (step == "notes")
        return [this, labels = records::labels(*m_store->view()), note = records::note()] {
            edit("Label a completion", labels);
            edit("Write a note", note);
        };
    if (step == "shard")
        return [this, result = records::result(40), path = newShard()] {
            publishShard(path, result, m_store->view()->uuid);
            std::string lines;
            for (const auto& row : result.completions)
                lines += records::lineOf(row);
            say(lines + records::lineOf(result.banks.front()) + records::lineOf(result.job));
        };
    if (step == "create")
        return [this] {
            ProjectStore::create(sibling(), titled(sample::smallestStudy(), 1));
            say("published\n");
        };
    if (step == "prepare")
        return [this, job = records::plannedJob(*m_store->view()->study)] {
            say(preparedLine(m_store->prepare(job)));
        };
    const std::map<std::string, std::function<void()> (Steps::*)()> others{
        {"log", &Steps::logging},          {"merge", &Steps::merging},     {"saveas", &Steps::savingAs},
        {"restore", &Steps::restoring},    {"earlier", &Steps::goingBack}, {"adopt", &Steps::adopting},
        {"caches", &Steps::removingCaches}};
    if (const auto found = others.find(step); found != others.end())
        return (this->*found->second)();
    throw Error("faults.step", "There is no step " + step + ".", "");
}

void Steps::round(const std::string& step) {
    ++m_rounds;
    if (step == "save")
        prepared("notes")();
    if (step == "log" && m_rounds % 25 == 0)
        save();
    if (step == "shard" && m_rounds % 12 == 0) {
        for (const auto& path : shardFiles(m_path))
            m_store->mergeShard(path, {});
        save();
    }
    const auto attempt = prepared(step);
    say("begin\n");
    attempt();
    say("end\n");
}

void Steps::obey(const std::string& word) {
    if (word == "open") {
        open();
    } else if (word == "rescue") {
        rescue();
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

void Steps::edit(const std::string& text, const Change& change) {
    m_store->head()->edit({text, "Ana Ž.", unixSeconds(), change});
    say(news());
}

void Steps::change(const Study& study, const std::string& text) {
    if (const auto change = studyChange(*m_store->view()->study, study)) {
        say("trying " + records::lineOf(study));
        edit(records::newText(text), *change);
    }
}

void Steps::save() {
    change(titled(*m_store->view()->study, m_store->view()->generation + 1), "Change the title");
    m_store->save();
    say(news());
}

std::string Steps::newShard() const {
    ensureFolder(sideFolder(m_path).shards);
    return m_store->newShardPath(toHex(records::completion().key));
}

std::string Steps::sibling() const { return (fs::path(m_path).parent_path() / "new.h5").string(); }

// An edit of each kind; trying again begins with the one that was refused.
std::function<void()> Steps::logging() {
    const auto study = records::changed(*m_store->view()->study);
    const std::vector<std::function<void()>> edits{
        [this, labels = records::labels(*m_store->view())] { edit("Label a completion", labels); },
        [this, note = records::note()] { edit("Write a note", note); },
        [this, study] { change(study, "Change names"); },
        [this, job = records::failedJob()] { edit("generate failed", RecordJob{job}); }};
    return [edits, done = std::make_shared<std::size_t>(0)] {
        for (; *done < edits.size(); ++*done)
            edits[*done]();
    };
}

std::function<void()> Steps::merging() {
    struct Shard {
        std::string path, digest, job;
    };
    std::vector<Shard> shards;
    for (int i = 0; i < 2; ++i) {
        const auto path = newShard();
        const auto result = records::result(20);
        shards.push_back({path, publishShard(path, result, m_store->view()->uuid), result.job.id});
    }
    return [this, shards] {
        for (const auto& shard : shards) {
            m_store->mergeShard(shard.path, shard.digest);
            say(records::lineOf("attached", shard.job, shard.job) + news());
        }
        save();
    };
}

// With a recorded job and its directions, which go along.
std::function<void()> Steps::savingAs() {
    say(preparedLine(m_store->prepare(records::plannedJob(*m_store->view()->study))));
    edit("Write a note", records::note());
    return [this] {
        m_store->saveAs(sibling());
        say("published\n");
        m_store.reset();
    };
}

std::function<void()> Steps::restoring() {
    edit("Write a note", records::note());
    const auto wanted = earlierGenerations(m_path, m_store->view()->uuid).front().block.generation;
    return [this, wanted] {
        say("restoring\n");
        m_store->restore(wanted);
        m_shown = {};
        say(news());
    };
}

// The newest generation is cut off; the one before and the log hold all that it held.
std::function<void()> Steps::goingBack() {
    save();
    edit("Write a note", records::note());
    m_store.reset();
    fs::resize_file(m_path, fs::file_size(m_path) / 2);
    replacing(m_path);
    const auto wanted = earlierGenerations(m_path).front().block.file;
    return [this, wanted] {
        m_store = ProjectStore::openEarlier(m_path, wanted);
        opened();
    };
}

std::function<void()> Steps::adopting() {
    edit("Write a note", records::note());
    m_store.reset();
    alter(m_path);
    replacing(m_path);
    m_store = ProjectStore::openAltered(m_path);
    opened();
    return [this] { save(); };
}

// Two that nobody needs, one of this project and one that is not known.
std::function<void()> Steps::removingCaches() {
    const auto folder = sideFolder(m_path).cache;
    ensureFolder(folder);
    for (const auto* name : {"/unused.safetensors", "/unneeded.safetensors"}) {
        SafetensorsWriter writer(folder + name, {{"acts/resid/0", DType::F32, {2, 4}}},
                                 {{"format", "azimuth_capture"},
                                  {"model.identity", sample::hexOf("gone")},
                                  {"prompts.digest", sample::hexOf("gone")}});
        writer.append("acts/resid/0", std::span<const float>(std::vector<float>(8)));
        writer.finish();
    }
    UserBlock block;
    block.kind = FileKind::Cache;
    block.project = m_store->view()->uuid;
    writeFileAtomically(folder + "/used.h5", resigned(std::string(userBlockBytes + 100, 'x'), block));
    writeFileAtomically(folder + "/notes.txt", "mine");
    for (const auto* name : {"used.h5", "notes.txt"})
        say(records::lineOf("cache", name, readFile(folder + "/" + name, 1 << 20)));
    return [this] {
        const auto removal = removeUnusedCaches(*m_store);
        if (!removal.problems.empty())
            throw Error("file.remove", removal.problems.front(), "Remove it later.");
        say("removed\n");
    };
}

} // namespace azimuth
