// What the user edits in the real window: labels by key, notes, the study's models; taken back, done again,
// there after the window was closed, and after it was not.
#include "app/workbench/inspector.h"
#include "app/workbench/pages/apply_page.h"
#include "app/workbench/pages/overview_page.h"
#include "core/project/edit_log.h"
#include "tests/app/workbench/workbench_fixture.h"
#include "widgets/completions/completion_list.h"
#include "widgets/data_table.h"

#include <QLineEdit>
#include <QPlainTextEdit>
#include <QScrollBar>

using namespace azimuth;

namespace {

QString q(const std::string& text) { return QString::fromStdString(text); }

// What people said, newest last: "coherent by Ana", "nothing by Ana".
QStringList said(const ProjectView& view) {
    QStringList out;
    for (const auto& label : view.labels)
        if (label->source == Label::Source::Human)
            out << (label->retracted ? QStringLiteral("nothing") : q(toString(label->verdict))) +
                       QStringLiteral(" by ") + q(label->rater);
    return out;
}

QStringList modelNames(const ProjectView& view) {
    QStringList out;
    for (const auto& model : view.study->models)
        out << q(model.name);
    return out;
}

} // namespace

class EditsTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;

    QString project(const char* name) const {
        return fixture::savedProject(m_folder, name, [](ProjectView& view) { // nobody has labelled yet
            std::erase_if(view.labels,
                          [](const auto& label) { return label->source == Label::Source::Human; });
        });
    }

    struct Opened {
        std::unique_ptr<Workbench> workbench = std::make_unique<Workbench>(*Theme::instance());
        explicit Opened(const QString& path) {
            workbench->settings().setAuthor(QStringLiteral("Ana"));
            workbench->session().setAuthor(workbench->settings().author());
            workbench->window().resize(1280, 800);
            workbench->show();
            fixture::open(*workbench, path);
        }
        MainWindow& window() const { return workbench->window(); }
        const ProjectView& view() const { return *workbench->session().view(); }
        void go(const char* page) const {
            auto next = window().selection()->current();
            next.page = QLatin1String(page);
            window().selection()->set(next);
        }
        void trigger(const char* command) const { window().action(QLatin1String(command))->trigger(); }
        QString text(const char* command) const { return window().action(QLatin1String(command))->text(); }
        template <class P> P* page(const char* id) const {
            return static_cast<P*>(window().page(QLatin1String(id)));
        }
    };

private Q_SLOTS:
    // A lock that lies let another program make an edit: this window's is refused, and both are there once
    // the project is opened again.
    void anEditOfAnotherProgramIsSeen() {
        const auto path = project("shared.h5");
        const Opened opened(path);
        auto& session = opened.workbench->session();
        EditLog other(path.toStdString(), opened.view().uuid, opened.view().generation,
                      opened.view().logSequence + 1);
        other.append(toJson(Edit{"label", "Bo", 1e9,
                                 SetLabels{{{opened.view().completions->key(0), Verdict::Coherent}}, "Bo"}}));
        const SetNote note{NoteSubject::Project, "", "mine"};
        session.edit(QStringLiteral("note"), note);
        QTRY_VERIFY(
            fixture::words(*opened.workbench).contains(QStringLiteral("another program has made edits")));
        QVERIFY(said(opened.view()).isEmpty() && !session.isModified());
        fixture::open(*opened.workbench, path);
        QCOMPARE(said(opened.view()), QStringList{QStringLiteral("coherent by Bo")});
        session.edit(QStringLiteral("note"), note);
        QTRY_VERIFY(opened.view().note(NoteSubject::Project, "") &&
                    opened.view().note(NoteSubject::Project, "")->text == "mine");
    }

    void keysLabelAndAreTakenBack() {
        const auto path = project("labels.h5");
        {
            const Opened opened(path);
            opened.go("apply");
            auto* list = opened.page<ApplyPage>("apply")->completions();
            QTRY_VERIFY(list->count() > 2);
            list->setFocus();
            QTest::keyClick(list, Qt::Key_Home);
            const int place = list->verticalScrollBar()->value();
            QTest::keyClick(list, Qt::Key_2);
            QTRY_COMPARE(said(opened.view()), QStringList{QStringLiteral("garbled by Ana")});
            QTRY_VERIFY(list->gridCellText(0, 3).contains(QStringLiteral("by hand, Ana")));
            QCOMPARE(list->cursorRow(), 0);
            QCOMPARE(list->verticalScrollBar()->value(), place);
            QVERIFY(opened.text("undo").contains(QStringLiteral("label garbled of prompt 1")));
            QTest::keyClick(list, Qt::Key_J);
            QTest::keyClick(list, Qt::Key_1);
            QTRY_COMPARE(said(opened.view()).size(), 2);
            QTest::keyClick(list, Qt::Key_0);
            QTRY_COMPARE(said(opened.view()).last(), QStringLiteral("nothing by Ana"));
            QTRY_VERIFY(!list->gridCellText(1, 3).contains(QStringLiteral("by hand")));
            opened.trigger("undo");
            QTRY_COMPARE(said(opened.view()).last(), QStringLiteral("coherent by Ana"));
            opened.trigger("undo");
            opened.trigger("undo");
            QTRY_COMPARE(said(opened.view()).size(), 6);
            QVERIFY(!opened.window().action(QStringLiteral("undo"))->isEnabled());
            opened.trigger("redo");
            QTRY_COMPARE(said(opened.view()).last(), QStringLiteral("garbled by Ana"));
            QTest::keyClick(list, Qt::Key_Home);
            QTest::keyClick(list, Qt::Key_3);
            QTRY_COMPARE(said(opened.view()).last(), QStringLiteral("normal by Ana"));
            QVERIFY(!opened.window().action(QStringLiteral("redo"))->isEnabled());
            QVERIFY(openProject(path.toStdString()).labels.size() < opened.view().labels.size());
        } // not closed, not saved: as after a crash
        const Opened again(path);
        QCOMPARE(said(again.view()).last(), QStringLiteral("normal by Ana"));
        QSignalSpy saved(&again.workbench->session(), &ProjectSession::saved);
        again.window().close(); // saves, and asks nothing
        QTRY_COMPARE_WITH_TIMEOUT(saved.count(), 1, 20000);
        QTRY_VERIFY(!again.window().isVisible());
        QCOMPARE(said(openProject(path.toStdString())).last(), QStringLiteral("normal by Ana"));
    }

    // Nothing can be saved, so closing says so once; the second time it goes, and nothing is lost.
    void aFailedSaveHoldsTheWindowOnce() {
        const auto path = project("full.h5");
        {
            const Opened opened(path);
            opened.trigger("note");
            auto* note = opened.window().inspector()->findChild<QPlainTextEdit*>(QStringLiteral("note"));
            QTest::keyClicks(note, QStringLiteral("kept"));
            QTest::keyClick(note, Qt::Key_Return, Qt::ControlModifier);
            QTRY_VERIFY(opened.view().note(NoteSubject::Project, ""));
            QVERIFY(QFile::rename(path, path + QStringLiteral(".away")));
            QVERIFY(QFile::copy(m_folder.filePath(QStringLiteral("labels.h5")), path)); // another project
            opened.window().close();
            QTRY_COMPARE_WITH_TIMEOUT(opened.window().bottomPane()->notificationCount(), 1, 20000);
            QVERIFY(opened.window().isVisible());
            opened.window().close();
            QTRY_VERIFY(!opened.window().isVisible());
        }
        QVERIFY(QFile::remove(path) && QFile::rename(path + QStringLiteral(".away"), path));
        const Opened again(path);
        QCOMPARE(q(again.view().note(NoteSubject::Project, "")->text), QStringLiteral("kept"));
    }

    void notesAreTypedAndKept() {
        const auto path = project("notes.h5");
        const Opened opened(path);
        opened.trigger("note");
        auto* note = opened.window().inspector()->findChild<QPlainTextEdit*>(QStringLiteral("note"));
        QVERIFY(note);
        QTest::keyClicks(note, QStringLiteral("Ask Ben"));
        QTRY_VERIFY_WITH_TIMEOUT(opened.view().note(NoteSubject::Project, ""),
                                 5000); // a second after the last key
        QCOMPARE(q(opened.view().note(NoteSubject::Project, "")->text), QStringLiteral("Ask Ben"));
        QCOMPARE(q(opened.view().note(NoteSubject::Project, "")->author), QStringLiteral("Ana"));
        QTest::keyClicks(note, QStringLiteral(" again"));
        opened.go("layers"); // another thing: what was typed belongs to the first
        QTRY_COMPARE(q(opened.view().note(NoteSubject::Project, "")->text), QStringLiteral("Ask Ben again"));
        QTRY_COMPARE(note->toPlainText(), QString());
        QTest::keyClicks(note, QStringLiteral("a bank"));
        QTest::keyClick(note, Qt::Key_Return, Qt::ControlModifier); // not the page's main button, and at once
        QTRY_COMPARE_WITH_TIMEOUT(opened.view().notes.size(), std::size_t{3}, 800);
        QCOMPARE(opened.window().selection()->current().page, QStringLiteral("layers"));
        QVERIFY(opened.view().notes.back()->subject == NoteSubject::Bank);
        opened.trigger("undo");
        QTRY_COMPARE(note->toPlainText(), QString());
        opened.go("overview");
        QTRY_COMPARE(note->toPlainText(), QStringLiteral("Ask Ben again"));
        opened.trigger("undo");
        QTRY_COMPARE(note->toPlainText(), QStringLiteral("Ask Ben"));
    }

    void modelsAreRenamedMovedAndRemoved() {
        const auto path = project("models.h5");
        const Opened opened(path);
        const auto before = modelNames(opened.view());
        const auto identities = opened.view().modelIdentities;
        QVERIFY(before.size() >= 2);
        DataTable* table = nullptr;
        for (auto* one : opened.page<OverviewPage>("overview")->findChildren<DataTable*>())
            if (one->accessibleName() == QStringLiteral("State of the study"))
                table = one;
        QVERIFY(table);
        table->setFocus();
        const auto act = [&](const char* text) {
            for (auto* action : table->actions())
                if (action->text() == QLatin1String(text))
                    action->trigger();
        };
        table->setCurrentIndex(table->model()->index(0, 0));
        act("Move down");
        QTRY_COMPARE(modelNames(opened.view()).at(1), before.at(0));
        QTRY_COMPARE(table->currentIndex().row(), 1);
        act("Remove from the study");
        QTRY_COMPARE(modelNames(opened.view()).size(), before.size() - 1);
        opened.trigger("undo");
        QTRY_COMPARE(modelNames(opened.view()).at(1), before.at(0));
        opened.trigger("undo");
        QTRY_COMPARE(modelNames(opened.view()), before);
        QCOMPARE(opened.view().modelIdentities, identities); // the results are found again
        table->setCurrentIndex(table->model()->index(0, 0));
        act("Rename");
        auto* editor = table->findChild<QLineEdit*>();
        QVERIFY(editor);
        editor->selectAll();
        QTest::keyClicks(editor, QStringLiteral("Renamed"));
        QTest::keyClick(editor, Qt::Key_Return);
        QTRY_COMPARE(modelNames(opened.view()).at(0), QStringLiteral("Renamed"));
        QCOMPARE(opened.view().modelIdentities, identities);
        QTRY_COMPARE(opened.window().selection()->current().model, QStringLiteral("Renamed"));
        table->model()->setData(table->model()->index(0, 0), before.at(1)); // taken
        QTRY_COMPARE(opened.window().bottomPane()->notificationCount(), 1);
        QCOMPARE(modelNames(opened.view()).at(0), QStringLiteral("Renamed"));
        QCOMPARE(table->model()->index(0, 0).data().toString(), QStringLiteral("Renamed"));
    }
};

int main(int argc, char** argv) { return fixture::runTest<EditsTest>(argc, argv); }
#include "edits_test.moc"
