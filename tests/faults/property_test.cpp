// Random edits, results, choices, failures, saves, undos, redos, restorations, crashes and reopenings,
// compared with a model in memory that knows nothing of files: after every opening the project is what the
// model says. A crash drops the store without a save; some are a real kill -9 of a child in the middle of its
// work. Some files go bad on the disk: the generation before and the log then hold every edit.
#include "app/session/project_store.h"
#include "core/base/time.h"
#include "core/project/generations.h"
#include "core/project/shard.h"
#include "core/project/side_folder.h"
#include "tests/core/checks.h"
#include "tests/core/project/sample.h"
#include "tests/faults/random_edits.h"
#include "tests/faults/records.h"

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <QtTest>
#include <random>
#include <set>
#include <sys/wait.h>

using namespace azimuth;
namespace fs = std::filesystem;

namespace {

// One random sequence on one project.
class Sequence {
public:
    Sequence(std::string path, unsigned seed)
        : m_path(std::move(path)), m_random(seed, [this](const auto& what) { tell(what); }) {
        m_store.emplace(ProjectStore::create(m_path, sample::smallestStudy()));
        m_model = inMemory(*m_store->view());
        remember();
    }

    // Returns what was wrong, or an empty text.
    std::string run() {
        try {
            return compared();
        } catch (const Error& error) {
            return m_told + "throws " + error.code() + ": " + error.what();
        }
    }

    int crashes() const { return m_crashes; }
    int kills() const { return m_kills; }
    int edits() const { return m_edits; }
    int damages() const { return m_damages; }
    int deepest() const { return m_deepest; } // undo
    const std::map<std::string, int>& tried() const { return m_tried; }
    const std::string& path() const { return m_path; }

private:
    std::string compared() {
        const auto steps = 4 + pick(10);
        for (std::size_t i = 0; i < steps; ++i) {
            step();
            if (const auto wrong = m_model.difference(inMemory(*m_store->view())); !wrong.empty())
                return m_told + "shows other " + wrong;
        }
        crash();
        const auto wrong = m_model.difference(inMemory(*m_store->view()));
        return wrong.empty() ? "" : m_told + "has other " + wrong;
    }

    std::size_t pick(std::size_t count) { return m_random.pick(count); }
    void tell(const std::string& what) {
        m_told += what + ", ";
        ++m_tried[what];
    }

    void step() {
        switch (pick(16)) {
        case 0:
        case 1:
        case 2:
            return editing(m_random.labels(m_model));
        case 3:
            return editing(m_random.note());
        case 4:
        case 5:
        case 6:
            return editing(m_random.study(*m_store->view()->study));
        case 7:
            return results();
        case 8:
        case 9:
            return undoAndRedo();
        case 10:
            return pick(2) ? choose() : fail();
        case 11:
            return save();
        case 12:
            return pick(2) ? saveAs() : restore();
        case 13:
            return damage();
        case 14:
            return crash();
        default:
            return pick(8) == 0 ? kill() : crash();
        }
    }

    struct Undoable {
        Change back;
        Edited before;
    };

    void editing(const Change& change) {
        const auto before = m_model;
        const auto undo = m_store->head()->edit({"edit", "Ana Ž.", unixSeconds(), change});
        m_model = after(m_model, change);
        ++m_edits;
        tell("edit");
        m_redo.clear();
        if (undo)
            m_undo.push_back({*undo, before});
        else // it stays, whatever is taken back: the first choice of a model and concept
            for (auto& step : m_undo)
                step.before.counted = m_model.counted;
    }

    // Up to three steps back and some of them forward again.
    void undoAndRedo() {
        const auto steps = std::min(m_undo.size(), 1 + pick(3));
        for (std::size_t i = 0; i < steps; ++i)
            step(m_undo, m_redo, "undo");
        m_deepest = std::max(m_deepest, static_cast<int>(steps));
        for (auto again = m_redo.empty() ? 0 : pick(m_redo.size() + 1); again > 0; --again)
            step(m_redo, m_undo, "redo");
    }
    void step(std::vector<Undoable>& from, std::vector<Undoable>& to, const std::string& what) {
        tell(what);
        const Edited before = m_model;
        const auto back = m_store->head()->edit({what, "Ana Ž.", unixSeconds(), from.back().back});
        static_cast<Edited&>(m_model) = from.back().before;
        from.pop_back();
        to.push_back({back.value(), before});
    }
    void forgetSteps() {
        m_undo.clear();
        m_redo.clear();
    }

    void fail() {
        tell("failure");
        const auto job = records::failedJob();
        m_store->recordJob(job);
        m_model.failures.insert(job.id);
    }

    void choose() {
        if (m_model.banks.empty())
            return;
        tell("choice");
        editing(RecordCalibration{m_random.choice(m_model)});
    }

    void results() {
        const auto result = records::result(3);
        ensureFolder(sideFolder(m_path).shards);
        const auto shard = m_store->newShardPath(result.job.id);
        const auto digest = publishShard(shard, result, m_store->view()->uuid);
        for (auto* model : {&m_model, &m_inShards}) {
            for (const auto& row : result.completions)
                model->completions.emplace(row.key, records::lineOf(row));
            model->banks.emplace(result.banks.front().key, records::lineOf(result.banks.front()));
            model->jobs.insert(result.job.id);
        }
        tell("results");
        if (pick(3))
            m_store->mergeShard(shard, digest);
        else
            crash(); // a shard that nobody merged is found at the next opening
    }

    void remember() { m_generations[m_store->view()->generation] = m_model; }

    void save() {
        m_store->save();
        remember();
        m_inShards = {};
        tell("save");
    }

    // Another name is another project: nothing of what was before can be restored there.
    void saveAs() {
        tell("save as");
        const auto left = std::exchange(m_path, m_path + "-" + std::to_string(pick(1000)) + ".h5");
        m_store->saveAs(m_path);
        fs::remove(left);
        fs::remove_all(left + ".d");
        m_generations.clear();
        m_inShards = {};
        m_restored = 0;
        remember();
    }

    void restore() {
        if (m_store->modified())
            save(); // as it would by itself
        const auto kept = earlierGenerations(m_path, m_store->view()->uuid);
        if (kept.empty())
            return;
        const auto wanted = kept[pick(kept.size())].block.generation;
        if (!m_generations.contains(wanted))
            return;
        tell("restore");
        m_store->restore(wanted);
        m_model = m_generations.at(wanted);
        m_restored = m_store->view()->generation;
        forgetSteps();
        remember();
    }

    void crash() {
        tell("crash");
        m_store.reset();
        m_store.emplace(ProjectStore::open(m_path));
        forgetSteps();
        ++m_crashes;
    }

    // The file goes bad on the disk: the generation before takes its place, and edits come from the log.
    // Results that only the bad file had come from their shards again.
    void damage() {
        const auto kept = earlierGenerations(m_path, m_store->view()->uuid);
        if (kept.empty() || kept.front().block.generation < m_restored ||
            !m_generations.contains(kept.front().block.generation))
            return;
        tell("damage");
        const auto before = kept.front().block.generation;
        m_generations.erase(m_store->view()->generation);
        m_store.reset();
        flipOneBit();
        // A bit that nothing reads cannot be told from another program's change.
        if (const auto code = checks::codeOf([&] { ProjectStore::open(m_path); });
            code != "project.damaged" && code != "project.altered")
            throw Error("test.damage", "A damaged project says " + code + ".", "");
        m_store.emplace(ProjectStore::openEarlier(m_path, kept.front().block.file));
        const auto earlier = m_generations.at(before);
        const auto without = [](auto rows, const auto& saved) {
            std::erase_if(rows, [&](const auto& one) {
                if constexpr (requires { one.second; })
                    return saved.contains(one.first);
                else
                    return saved.contains(one);
            });
            return rows;
        };
        m_inShards.completions = without(m_model.completions, earlier.completions);
        m_inShards.banks = without(m_model.banks, earlier.banks);
        m_inShards.jobs = without(m_model.jobs, earlier.jobs);
        m_generations[m_store->view()->generation] = earlier;
        forgetSteps();
        ++m_damages;
    }

    void flipOneBit() { // behind the user block, whose text may say anything
        std::fstream file(m_path, std::ios::in | std::ios::out | std::ios::binary);
        const auto place =
            static_cast<std::streamoff>(userBlockBytes + pick(fs::file_size(m_path) - userBlockBytes));
        const auto byte = file.seekg(place).get();
        file.seekp(place).put(static_cast<char>(byte ^ 1 << pick(8)));
    }

    // A child makes edits and saves and is killed; what it acknowledged is there, and at most one step more.
    void kill() {
        tell("kill");
        m_store.reset();
        int ends[2];
        if (::pipe(ends) != 0)
            throw Error("test.pipe", "There is no pipe.", "");
        std::vector<Change> changes;
        for (int i = 0; i < 40; ++i)
            changes.push_back(pick(2) ? m_random.labels(m_model) : m_random.note());
        const pid_t child = ::fork();
        if (child == 0)
            work(changes, ends[1]);
        ::close(ends[1]);
        ::usleep(static_cast<useconds_t>(pick(60000)));
        ::kill(child, SIGKILL);
        ::waitpid(child, nullptr, 0);
        std::size_t acknowledged = 0;
        for (char byte = 0; ::read(ends[0], &byte, 1) == 1;)
            ++acknowledged;
        ::close(ends[0]);
        m_store.emplace(ProjectStore::open(m_path));
        for (std::size_t i = 0; i < acknowledged; ++i)
            m_model = after(m_model, changes[i]);
        const auto found = inMemory(*m_store->view());
        if (found != m_model && acknowledged < changes.size())
            m_model = after(m_model, changes[acknowledged]);
        m_generations.clear(); // the child saved, nobody knows how often
        forgetSteps();
        ++m_kills;
    }

    [[noreturn]] void work(const std::vector<Change>& changes, int acknowledge) const {
        try {
            auto store = ProjectStore::open(m_path);
            for (std::size_t i = 0; i < changes.size(); ++i) {
                store.head()->edit({"edit", "Ana Ž.", unixSeconds(), changes[i]});
                if (::write(acknowledge, "", 1) != 1)
                    break;
                if (i % 7 == 6)
                    store.save();
            }
        } catch (const std::exception& error) {
            std::fprintf(stderr, "the child: %s\n", error.what());
            std::abort();
        }
        ::_exit(0);
    }

    std::string m_path, m_told;
    RandomEdits m_random;
    std::optional<ProjectStore> m_store;
    InMemory m_model;
    std::map<std::uint64_t, InMemory> m_generations;
    InMemory m_inShards; // results that no save holds
    std::uint64_t m_restored = 0;
    std::vector<Undoable> m_undo, m_redo;
    std::map<std::string, int> m_tried;
    int m_crashes = 0, m_kills = 0, m_edits = 0, m_damages = 0, m_deepest = 0;
};

} // namespace

class PropertyTest : public QObject {
    Q_OBJECT
    static constexpr int sequences = 2000, rows = 20;
    int m_done = 0, m_crashes = 0, m_kills = 0, m_edits = 0, m_damages = 0, m_deepest = 0;
    std::map<std::string, int> m_tried;

private Q_SLOTS:
    void projectIsWhatTheModelSays_data() {
        QTest::addColumn<int>("first");
        for (int first = 0; first < sequences; first += sequences / rows)
            QTest::newRow(("from seed " + std::to_string(first)).c_str()) << first;
    }
    void projectIsWhatTheModelSays() {
        QFETCH(int, first);
        const auto memory = QStringLiteral("/dev/shm");
        const QTemporaryDir folder((QFileInfo(memory).isWritable() ? memory : QDir::tempPath()) +
                                   QStringLiteral("/azimuth-XXXXXX"));
        for (int seed = first; seed < first + sequences / rows; ++seed) {
            const auto path = folder.filePath(QString::number(seed) + QStringLiteral(".h5")).toStdString();
            std::string last;
            {
                Sequence sequence(path, static_cast<unsigned>(seed));
                const auto wrong = sequence.run();
                QVERIFY2(wrong.empty(), ("seed " + std::to_string(seed) + ": " + wrong).c_str());
                m_crashes += sequence.crashes();
                m_kills += sequence.kills();
                m_edits += sequence.edits();
                m_damages += sequence.damages();
                m_deepest = std::max(m_deepest, sequence.deepest());
                for (const auto& [what, count] : sequence.tried())
                    m_tried[what] += count;
                last = sequence.path();
                ++m_done;
            }
            fs::remove(last);
            fs::remove_all(last + ".d");
        }
    }
    void enoughWasTried() {
        qInfo("%d sequences, %d edits, %d crashes, %d kills, %d damages", m_done, m_edits, m_crashes, m_kills,
              m_damages);
        QCOMPARE(m_done, sequences);
        QVERIFY(m_crashes >= 2 * sequences);
        QVERIFY(m_kills >= 100);
        QVERIFY(m_damages >= 100);
        QVERIFY(m_edits >= 2 * sequences);
        QVERIFY(m_deepest >= 3);
        for (const char* what : {"rename", "removal", "order", "choice", "failure", "undo", "redo", "save as",
                                 "restore", "results"}) {
            qInfo("%s: %d times", what, m_tried[what]);
            QVERIFY2(m_tried[what] >= 20, what);
        }
    }
};

QTEST_GUILESS_MAIN(PropertyTest)
#include "property_test.moc"
