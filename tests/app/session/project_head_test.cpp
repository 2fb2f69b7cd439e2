// Edits of an open project: durable before they are seen, kept apart from a save that is under way, taken
// back and done again, found again by the next process.
#include "app/session/project_session.h"
#include "core/base/atomic_file.h"
#include "core/base/time.h"
#include "core/project/edit_log.h"
#include "core/project/generations.h"
#include "core/project/project.h"
#include "core/project/shard.h"

#include "tests/core/checks.h"
#include "tests/core/project/sample.h"

#include <atomic>
#include <filesystem>
#include <future>
#include <QtTest>
#include <set>
#include <thread>

using namespace azimuth;
using checks::codeOf;
namespace fs = std::filesystem;

namespace {

Edit note(const std::string& text, NoteSubject subject = NoteSubject::Project) {
    return {"Note", "Ana", 100, SetNote{subject, "", text}};
}

std::string noteOf(const ProjectView& view) {
    const auto* note = view.note(NoteSubject::Project, "");
    return note ? note->text : std::string();
}

std::size_t logs(const std::string& file) {
    std::size_t count = 0;
    for (const auto& entry : fs::directory_iterator(sideFolder(file).root))
        count += entry.path().extension() == ".azlog";
    return count;
}

struct Unreadable final : CompletionSource { // as of a disk that fails for a moment
    static Error failure() { return Error("file.read", "p.h5 cannot be read: Input/output error.", ""); }
    std::size_t rows() const override { return 1; }
    std::string text(std::size_t) const override { throw failure(); }
    std::vector<std::int32_t> ids(std::size_t) const override { throw failure(); }
    std::string rowsDigest() const override { return {}; }
    std::optional<std::string> textAtHand(std::size_t) const override { return {}; }
    std::optional<std::vector<std::int32_t>> idsAtHand(std::size_t) const override { return {}; }
};

} // namespace

class ProjectHeadTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string path(const char* name) const { return m_folder.filePath(QLatin1String(name)).toStdString(); }

    static JobRecord failedJob(const std::string& id) {
        JobRecord job;
        job.id = id;
        job.kind = "extract";
        job.state = JobState::Failed;
        return job;
    }

private Q_SLOTS:
    // What the I/O thread records goes through the log thread, behind the user's edits.
    void theLogThreadAppends() {
        const auto file = path("thread.h5");
        auto store = ProjectStore::create(file, sample::study());
        IoThread log;
        store.head()->editOn(log);
        std::promise<bool> go;
        std::atomic<bool> started = false, recorded = false;
        log.post(
            this, [waits = go.get_future().share()] { return waits.get(); }, [](bool) {}, {});
        std::thread recording([&] {
            started = true;
            store.recordJob(failedJob("job"));
            recorded = true;
        });
        const bool began = QTest::qWaitFor([&] { return started.load(); }, 60000);
        QTest::qWait(50);
        const bool early = recorded || !store.view()->jobs.empty() || logs(file) > 0;
        go.set_value(true);
        recording.join();
        QVERIFY(began && !early);
        QCOMPARE(store.view()->jobs.size(), std::size_t{1});
        QCOMPARE(logs(file), std::size_t{1});
        QVERIFY(log.run([&] { return store.head()->edit(note("on the thread itself")).has_value(); }));
        QCOMPARE(noteOf(*store.view()), std::string("on the thread itself"));
    }

    // A session that ends while results are being recorded records them.
    void aSessionEndsBehindItsRecords() {
        const auto file = QString::fromStdString(path("ends.h5"));
        {
            ProjectSession session;
            QSignalSpy opened(&session, &ProjectSession::opened);
            session.create(file, sample::study());
            QTRY_COMPARE(opened.count(), 1);
            for (int i = 0; i < 20; ++i) {
                session.edit(QStringLiteral("note"), SetNote{NoteSubject::Project, "", std::to_string(i)});
                session.perform(
                    &session,
                    [i](ProjectStore& store) { return store.recordJob(failedJob(std::to_string(i))); },
                    [](const View&) {}, [](const Error&) {});
            }
        }
        const auto store = ProjectStore::open(file.toStdString());
        QCOMPARE(store.view()->jobs.size(), std::size_t{20});
        QCOMPARE(noteOf(*store.view()), std::string("19"));
    }

    void anEditIsThereWithoutASave() {
        const auto file = path("edit.h5");
        {
            auto store = ProjectStore::create(file, sample::study());
            QVERIFY(!store.modified());
            store.head()->edit(note("one"));
            store.head()->edit(note("two"));
            QVERIFY(store.modified());
            QCOMPARE(store.head()->state().loggedEdits, 2u);
            QCOMPARE(noteOf(openProject(file)), std::string()); // the file is as it was
        }
        auto store = ProjectStore::open(file);
        QCOMPARE(noteOf(*store.view()), std::string("two"));
        QCOMPARE(store.view()->notes.size(), std::size_t{2});
        QVERIFY(store.modified());
        QCOMPARE(store.notes().size(), std::size_t{1});
        QVERIFY2(store.notes()[0].find("2 edits") != std::string::npos, store.notes()[0].c_str());
        store.save();
        QCOMPARE(store.head()->state().loggedEdits, 0u);
        QCOMPARE(noteOf(openProject(file)), std::string("two"));
        store = ProjectStore::open(file, store.lock());
        QVERIFY(store.notes().empty() && !store.modified()); // nothing is applied twice
        QCOMPARE(store.view()->notes.size(), std::size_t{2});
    }

    // Nothing can be judged then; the edit is made all the same, for a save would bury it.
    void anEditOfTheLogIsMadeWhereNoTextCanBeRead() {
        const auto file = path("unreadable.h5");
        const auto access = std::make_shared<WriteAccess>(file, nullptr, "");
        auto view = createProject(file, sample::study());
        auto study = *view.study;
        study.title = "Another";
        {
            ProjectHead head(file, view, access);
            head.edit({"Rename", "Ana", 100, *studyChange(*view.study, study)});
        }
        CompletionTable::Builder builder;
        CompletionTable::Builder::Row row;
        row.key = sha256("a completion");
        row.prompt = builder.name(view.study->concepts.front().sets.begin()->second.prompts.front().id);
        row.model = row.arm = row.job = builder.name(std::string(64, 'a'));
        QVERIFY(builder.add(row, builder.addSource(std::make_shared<Unreadable>()), 0));
        view.completions = std::make_shared<const CompletionTable>(builder.finish());
        ProjectHead head(file, view, access);
        const auto notes = head.replay(true);
        QCOMPARE(head.view()->title, std::string("Another"));
        QCOMPARE(notes.size(), std::size_t{1});
        QVERIFY2(notes[0].find("1 edit that was not saved") == 0, notes[0].c_str());
        QVERIFY(head.view()->labels.empty());
    }

    void logsGoWhenEveryGenerationHoldsThem() {
        const auto file = path("logs.h5");
        auto store = ProjectStore::create(file, sample::study());
        for (int i = 0; i < 8; ++i) {
            store.head()->edit(note(std::to_string(i)));
            store.save();
            QVERIFY2(logs(file) <= keptGenerations + 1, std::to_string(logs(file)).c_str());
        }
        QVERIFY(logs(file) >= 3);
    }

    // The point of keeping them: nothing of a month of labels goes with a damaged file.
    void aDamagedProjectComesBackWithItsEdits() {
        const auto file = path("damaged.h5");
        {
            auto store = ProjectStore::create(file, sample::study());
            store.save();
            for (const char* text : {"one", "two", "three"}) {
                store.head()->edit(note(text));
                store.save();
            }
            store.head()->edit(note("four"));
        }
        writeFileAtomically(file, readFile(file, 1 << 30).substr(0, 3000));
        const auto kept = earlierGenerations(file);
        auto store = ProjectStore::openEarlier(file, kept.back().block.file);
        QCOMPARE(noteOf(*store.view()), std::string("four"));
        QCOMPARE(store.view()->notes.size(), std::size_t{4});
    }

    void whatCannotBeAppliedIsNotLogged() {
        const auto file = path("refused.h5");
        auto store = ProjectStore::create(file, sample::study());
        const Edit bad{"bad", "Ana", 1,
                       ChangeStudy{Json::array({{{"op", "remove"}, {"path", "/nothing"}}}), {}}};
        QCOMPARE(codeOf([&] { store.head()->edit(bad); }), std::string("edit.value"));
        QVERIFY(!store.modified());
        QVERIFY(readLogs(file, store.view()->uuid, 0).edits.empty());
        auto reader = ProjectStore::open(file);
        QCOMPARE(codeOf([&] { reader.head()->edit(note("x")); }), std::string("project.readonly"));
        fs::remove(file + ".lock");
        QCOMPARE(codeOf([&] { store.head()->edit(note("x")); }), std::string("project.locklost"));
        QVERIFY(readLogs(file, store.view()->uuid, 0).edits.empty());
    }

    void aReaderSeesTheWritersLog() {
        const auto file = path("reader.h5");
        auto store = ProjectStore::create(file, sample::study());
        store.head()->edit(note("mine"));
        std::optional<ProjectStore> reader = ProjectStore::open(file);
        QVERIFY(!reader->readOnly().empty());
        QCOMPARE(noteOf(*reader->view()), std::string("mine"));
    }

    void theNextWriterTakesOverFromTheLog() {
        const auto file = path("next.h5");
        std::optional<ProjectStore> store = ProjectStore::create(file, sample::study());
        auto reader = ProjectStore::open(file);
        store->head()->edit(note("late"));
        ensureFolder(sideFolder(file).shards); // results that no save has reached either
        publishShard(sideFolder(file).shards + "/late.h5", sample::jobResult(), store->view()->uuid);
        store.reset();
        const auto lock = reader.freeLock();
        QVERIFY(lock);
        reader = ProjectStore::open(file, lock);
        QVERIFY(reader.readOnly().empty() && !reader.view()->completions->empty());
        QCOMPARE(noteOf(*reader.view()), std::string("late"));
        reader.head()->edit(note("later"));
        QCOMPARE(reader.view()->logSequence, 2u);
    }

    void editsDuringASaveStay() {
        const auto file = path("during.h5");
        auto store = ProjectStore::create(file, sample::study());
        const auto head = store.head();
        std::atomic<bool> stop{false};
        std::atomic<int> made{0};
        std::thread editor([&] {
            while (!stop) {
                head->edit(note(std::to_string(made + 1)));
                ++made;
            }
        });
        for (int i = 0; i < 20; ++i) {
            store.head()->update([](ProjectView& view) { view = merge(view, sample::jobResult()); });
            store.save();
        }
        stop = true;
        editor.join();
        QVERIFY(made > 20);
        QCOMPARE(store.view()->notes.size(), static_cast<std::size_t>(made.load()));
        QCOMPARE(store.view()->generation, 21u);
        store = ProjectStore::open(file, store.lock());
        QCOMPARE(store.view()->notes.size(), static_cast<std::size_t>(made.load()));
        for (int i = 0; i < made; ++i)
            QCOMPARE(store.view()->notes[static_cast<std::size_t>(i)]->text, std::to_string(i + 1));
        QVERIFY(store.view()->completions->size() > 0);
    }

    // What is made while an earlier generation comes back is in that which is left, or in that which comes.
    void editsDuringARestoreStay() {
        const auto file = path("restored.h5");
        auto store = ProjectStore::create(file, sample::study());
        store.save();
        const auto head = store.head();
        std::atomic<bool> stop{false};
        std::atomic<int> made{0};
        std::thread editor([&] {
            while (!stop) {
                head->edit(note(std::to_string(made + 1)));
                ++made;
            }
        });
        while (made < 20)
            std::this_thread::yield();
        store.restore(1);
        const int during = made;
        while (made < during + 20)
            std::this_thread::yield();
        stop = true;
        editor.join();
        std::set<std::string> there;
        for (const auto& one : store.view()->notes)
            there.insert(one->text);
        for (const auto& earlier : earlierGenerations(file, store.view()->uuid))
            for (const auto& one : openProject(earlier.path).notes)
                there.insert(one->text);
        QCOMPARE(there.size(), static_cast<std::size_t>(made.load()));
        QVERIFY(store.view()->notes.size() < there.size()); // the restored one had none
        const auto again = ProjectStore::open(file, store.lock());
        QCOMPARE(again.view()->notes.size(), store.view()->notes.size());
    }

    void openingAnewLosesNoEdit() {
        ProjectSession session;
        QSignalSpy opened(&session, &ProjectSession::opened), failed(&session, &ProjectSession::failed);
        const auto file = QString::fromStdString(path("anew.h5"));
        session.create(file, sample::study());
        QTRY_COMPARE(opened.count(), 1);
        int asked = 0;
        for (int round = 0; round < 5; ++round) {
            for (int i = 0; i < 20; ++i, ++asked)
                session.edit(QStringLiteral("note"),
                             SetNote{NoteSubject::Project, "", std::to_string(asked)});
            session.open(file);
            for (int i = 0; i < 20; ++i, ++asked)
                session.edit(QStringLiteral("note"),
                             SetNote{NoteSubject::Project, "", std::to_string(asked)});
            QTRY_COMPARE_WITH_TIMEOUT(opened.count(), round + 2, 20000);
            QTRY_COMPARE_WITH_TIMEOUT(session.pendingEdits(), 0, 20000);
        }
        session.close();
        QTRY_VERIFY(!session.isOpen());
        const auto store = ProjectStore::open(file.toStdString());
        QCOMPARE(store.view()->notes.size(), static_cast<std::size_t>(asked - failed.count()));
        std::set<std::string> texts;
        for (const auto& one : store.view()->notes)
            texts.insert(one->text);
        QCOMPARE(texts.size(), store.view()->notes.size());
    }

    void lookingSeesTheLogAndWritesNothing() {
        const auto file = path("look.h5");
        auto store = ProjectStore::create(file, sample::study());
        store.head()->edit(note("seen"));
        const auto look = ProjectStore::look(file); // although it is open for writing
        QCOMPARE(noteOf(*look.view()), std::string("seen"));
        QCOMPARE(codeOf([&] { look.head()->edit(note("x")); }), std::string("project.readonly"));
    }

    void savingAsTakesEverythingAlong() {
        const auto file = path("from.h5"), copy = path("to.h5");
        auto store = ProjectStore::create(file, sample::study());
        store.head()->edit(note("kept"));
        store.saveAs(copy);
        QVERIFY(!store.modified());
        store.head()->edit(note("of the copy"));
        QCOMPARE(noteOf(*ProjectStore::open(copy, store.lock()).view()), std::string("of the copy"));
        auto left = ProjectStore::open(file);
        QCOMPARE(noteOf(*left.view()), std::string("kept")); // in the log of the one that was left
    }

    void aLostShardIsMissed() {
        const auto file = path("shard.h5");
        {
            auto store = ProjectStore::create(file, sample::study());
            ensureFolder(sideFolder(file).shards);
            const auto shard = sideFolder(file).shards + "/one.h5";
            const auto result = sample::jobResult();
            const auto sha256 = publishShard(shard, result, store.view()->uuid);
            store.mergeShard(shard, sha256);
            QCOMPARE(store.view()->completions->size(), result.completions.size());
        }
        {
            const auto store = ProjectStore::open(file); // taken from the shard
            QVERIFY(store.view()->completions->size() > 0);
            QCOMPARE(store.notes().size(), std::size_t{1});
        }
        fs::remove(sideFolder(file).shards + "/one.h5");
        const auto store = ProjectStore::open(file);
        QCOMPARE(store.view()->completions->size(), std::size_t{0});
        QCOMPARE(store.notes().size(), std::size_t{1});
        QVERIFY2(store.notes()[0].find("one.h5 is gone") != std::string::npos, store.notes()[0].c_str());
    }

    void theUserTakesBackAndDoesAgain() {
        ProjectSession session;
        session.setAuthor(QStringLiteral("Ana"));
        QSignalSpy opened(&session, &ProjectSession::opened), failed(&session, &ProjectSession::failed);
        session.create(QString::fromStdString(path("undo.h5")), sample::study());
        QTRY_COMPARE(opened.count(), 1);
        QVERIFY(session.undoText().isEmpty() && session.redoText().isEmpty());
        for (const char* text : {"one", "two", "three"})
            session.edit(QStringLiteral("Note %1").arg(QLatin1String(text)),
                         SetNote{NoteSubject::Project, "", text});
        session.undo(); // behind those under way
        QTRY_COMPARE(session.redoText(), QStringLiteral("Note three"));
        QTRY_COMPARE(noteOf(*session.view()), std::string("two"));
        QCOMPARE(session.undoText(), QStringLiteral("Note two"));
        session.undo();
        session.undo();
        session.undo(); // one too many: nothing happens
        QTRY_COMPARE(noteOf(*session.view()), std::string());
        session.redo();
        QTRY_COMPARE(noteOf(*session.view()), std::string("one"));
        session.edit(QStringLiteral("Note four"), SetNote{NoteSubject::Project, "", "four"});
        QTRY_COMPARE(noteOf(*session.view()), std::string("four"));
        QVERIFY(session.redoText().isEmpty());
        QVERIFY(session.isModified());
        QCOMPARE(session.loggedEdits(), quint64{8});
        QSignalSpy saved(&session, &ProjectSession::saved);
        session.save();
        QTRY_COMPARE(saved.count(), 1);
        QVERIFY(!session.isModified() && session.loggedEdits() == 0);
        session.undo(); // also over a save
        QTRY_COMPARE(noteOf(*session.view()), std::string("one"));
        auto study = *session.view()->study;
        study.title = "Another";
        session.setStudy(study);
        QTRY_COMPARE(session.view()->title, std::string("Another"));
        session.undo();
        QTRY_COMPARE(session.view()->title, sample::study().title);
        QCOMPARE(session.view()->notes.back()->author, std::string("Ana"));
        QCOMPARE(failed.count(), 0);
    }
};

QTEST_GUILESS_MAIN(ProjectHeadTest)
#include "project_head_test.moc"
