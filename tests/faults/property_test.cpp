// Random edits, results, saves, undos, restorations, crashes and reopenings, compared with a model in memory
// that knows nothing of files: after every opening the project is what the model says. A crash drops the
// store without a save; some are a real kill -9 of a child in the middle of its work. Some files go bad on
// the disk: the generation before and the log then hold every edit.
#include "app/session/project_store.h"
#include "core/base/time.h"
#include "core/project/generations.h"
#include "core/project/shard.h"
#include "core/project/side_folder.h"
#include "tests/core/checks.h"
#include "tests/core/project/sample.h"
#include "tests/faults/records.h"

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

// What counts of a project: the newest word of each rater and of each note, the study, the results.
struct Model {
    std::map<std::pair<Digest, std::string>, Verdict> labels;
    std::map<std::pair<NoteSubject, std::string>, std::string> notes;
    std::string study;
    std::set<Digest> completions;
    std::set<std::string> banks;
    bool operator==(const Model&) const = default;

    std::string difference(const Model& other) const {
        if (labels != other.labels)
            return "labels";
        if (notes != other.notes)
            return "notes";
        if (study != other.study)
            return "study: " + study.substr(0, 120) + " | " + other.study.substr(0, 120);
        if (completions != other.completions)
            return "completions: " + std::to_string(completions.size()) + ", " +
                   std::to_string(other.completions.size());
        return banks != other.banks ? "banks" : "";
    }
};

Model modelOf(const ProjectView& view) {
    Model model;
    for (const auto& label : view.labels) {
        if (label->source != Label::Source::Human)
            continue;
        const std::pair place(label->completionKey, label->rater);
        model.labels.erase(place);
        if (!label->retracted)
            model.labels.emplace(place, label->verdict);
    }
    for (const auto& note : view.notes) {
        const std::pair place(note->subject, note->object);
        model.notes.erase(place);
        if (!note->text.empty())
            model.notes.emplace(place, note->text);
    }
    model.study = canonicalJson(toJson(*view.study));
    for (std::size_t i = 0; i < view.completions->size(); ++i)
        model.completions.insert(view.completions->row(i).key);
    for (const auto& bank : view.banks)
        model.banks.insert(bank->key);
    return model;
}

// One random sequence on one project.
class Sequence {
public:
    Sequence(std::string path, unsigned seed) : m_path(std::move(path)), m_random(seed) {
        m_store.emplace(ProjectStore::create(m_path, sample::smallestStudy()));
        m_model = modelOf(*m_store->view());
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

private:
    std::string compared() {
        const auto steps = 4 + pick(10);
        for (std::size_t i = 0; i < steps; ++i) {
            step();
            if (const auto wrong = m_model.difference(modelOf(*m_store->view())); !wrong.empty())
                return m_told + "shows other " + wrong;
        }
        crash();
        const auto wrong = m_model.difference(modelOf(*m_store->view()));
        return wrong.empty() ? "" : m_told + "has other " + wrong;
    }

    std::size_t pick(std::size_t count) { return m_random() % count; }
    void tell(const std::string& what) { m_told += what + ", "; }

    void step() {
        switch (pick(12)) {
        case 0:
        case 1:
        case 2:
            return editing(labels());
        case 3:
            return editing(note());
        case 4:
        case 5:
            return editing(study());
        case 6:
            return results();
        case 7:
            return undo();
        case 8:
            return save();
        case 9:
            return restore();
        case 10:
            return pick(2) ? damage() : crash();
        default:
            return pick(8) == 0 ? kill() : crash();
        }
    }

    Change labels() {
        SetLabels change;
        change.rater = pick(2) ? "Ana Ž." : "Bo";
        for (std::size_t i = 0; i <= pick(3); ++i) {
            auto key = sha256("completion " + std::to_string(pick(5)));
            if (!m_model.completions.empty() && pick(2))
                key = *std::next(m_model.completions.begin(),
                                 static_cast<std::ptrdiff_t>(pick(m_model.completions.size())));
            change.items.push_back(
                {key, pick(4) ? std::optional(static_cast<Verdict>(pick(3))) : std::nullopt});
        }
        return change;
    }
    Change note() {
        const std::string text = pick(4) ? "note " + std::to_string(pick(1000)) + " — 詩" : "";
        return pick(2) ? SetNote{NoteSubject::Project, "", text}
                       : SetNote{NoteSubject::Completion,
                                 toHex(sha256("completion " + std::to_string(pick(3)))), text};
    }
    Change study() {
        auto study = *m_store->view()->study;
        switch (pick(3)) {
        case 0:
            study.title = "title " + std::to_string(pick(1000));
            break;
        case 1:
            study.concepts[0]
                .sets.at(PromptRole::Positive)
                .prompts.push_back(Prompt::of("prompt " + std::to_string(m_random()), ""));
            break;
        default:
            study.sweep.ks.push_back(static_cast<std::int64_t>(20 + study.sweep.ks.size()));
        }
        return *studyChange(*m_store->view()->study, study);
    }

    void editing(const Change& change) {
        const auto before = m_model;
        const auto undo = m_store->head()->edit({"edit", "Ana Ž.", unixSeconds(), change});
        m_model = after(m_model, change);
        ++m_edits;
        tell("edit");
        if (undo)
            m_undo = {*undo, before};
        else
            m_undo.reset();
    }

    // The model's own idea of an edit; a study is what the patch makes of it, which the view has applied.
    Model after(Model model, const Change& change) const {
        if (const auto* labels = std::get_if<SetLabels>(&change))
            for (const auto& item : labels->items) {
                model.labels.erase({item.key, labels->rater});
                if (item.verdict)
                    model.labels[{item.key, labels->rater}] = *item.verdict;
            }
        if (const auto* note = std::get_if<SetNote>(&change)) {
            model.notes.erase({note->subject, note->object});
            if (!note->text.empty())
                model.notes[{note->subject, note->object}] = note->text;
        }
        if (const auto* study = std::get_if<ChangeStudy>(&change))
            model.study = canonicalJson(parseJson(model.study, "the model").patch(study->patch));
        return model;
    }

    void undo() {
        if (!m_undo)
            return;
        tell("undo");
        m_store->head()->edit({"undo", "Ana Ž.", unixSeconds(), m_undo->first});
        auto back = m_undo->second;
        back.completions = m_model.completions; // results are not undone
        back.banks = m_model.banks;
        m_model = back;
        m_undo.reset();
    }

    void results() {
        const auto result = records::result(3);
        ensureFolder(sideFolder(m_path).shards);
        const auto shard = m_store->newShardPath(result.job.id);
        const auto digest = publishShard(shard, result, m_store->view()->uuid);
        for (const auto& row : result.completions) {
            m_model.completions.insert(row.key);
            m_inShards.completions.insert(row.key);
        }
        m_model.banks.insert(result.banks.front().key);
        m_inShards.banks.insert(result.banks.front().key);
        m_undo.reset();
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

    void restore() {
        if (m_store->modified())
            save(); // as it would by itself
        const auto kept = earlierGenerations(m_path, m_store->view()->uuid);
        if (kept.empty())
            return;
        const auto wanted = kept[pick(kept.size())].block.generation;
        if (!m_generations.contains(wanted))
            return;
        tell("restore " + std::to_string(wanted));
        m_store->restore(wanted);
        m_model = m_generations.at(wanted);
        m_restored = m_store->view()->generation;
        m_undo.reset();
        remember();
    }

    void crash() {
        tell("crash");
        m_store.reset();
        m_store.emplace(ProjectStore::open(m_path));
        m_undo.reset();
        ++m_crashes;
    }

    // The file goes bad on the disk: the generation before takes its place, and edits come from the log.
    // Results that only the bad file had are lost.
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
        m_store.emplace(ProjectStore::openEarlier(m_path, before));
        const auto earlier = m_generations.at(before);
        m_model.completions = earlier.completions;
        m_model.completions.insert(m_inShards.completions.begin(), m_inShards.completions.end());
        m_model.banks = earlier.banks;
        m_model.banks.insert(m_inShards.banks.begin(), m_inShards.banks.end());
        m_generations[m_store->view()->generation] = earlier;
        m_undo.reset();
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
            changes.push_back(pick(2) ? labels() : note());
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
        const auto found = modelOf(*m_store->view());
        if (found != m_model && acknowledged < changes.size())
            m_model = after(m_model, changes[acknowledged]);
        m_generations.clear(); // the child saved, nobody knows how often
        m_undo.reset();
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
    std::mt19937 m_random;
    std::optional<ProjectStore> m_store;
    Model m_model;
    std::map<std::uint64_t, Model> m_generations;
    Model m_inShards; // results that no save holds
    std::uint64_t m_restored = 0;
    std::optional<std::pair<Change, Model>> m_undo;
    int m_crashes = 0, m_kills = 0, m_edits = 0, m_damages = 0;
};

} // namespace

class PropertyTest : public QObject {
    Q_OBJECT
    static constexpr int sequences = 2000, rows = 20;
    int m_done = 0, m_crashes = 0, m_kills = 0, m_edits = 0, m_damages = 0;

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
            {
                Sequence sequence(path, static_cast<unsigned>(seed));
                const auto wrong = sequence.run();
                QVERIFY2(wrong.empty(), ("seed " + std::to_string(seed) + ": " + wrong).c_str());
                m_crashes += sequence.crashes();
                m_kills += sequence.kills();
                m_edits += sequence.edits();
                m_damages += sequence.damages();
                ++m_done;
            }
            fs::remove(path);
            fs::remove_all(path + ".d");
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
    }
};

QTEST_GUILESS_MAIN(PropertyTest)
#include "property_test.moc"
