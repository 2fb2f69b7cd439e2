// What the window says and offers when a file cannot simply be opened: one notification, what was open stays,
// and each offer does what it says.
#include "core/base/atomic_file.h"
#include "tests/app/workbench/workbench_fixture.h"
#include "tests/core/project/hostile_cases.h"

#include <QDialog>

using namespace azimuth;
using namespace azimuth::fixture;

namespace {

const char* const ownerElsewhere =
    R"({"boot":"b","host":"hal","process":7,"program":"azimuth","session":"s",)"
    R"("since":"2026-03-14T09:26:53Z","user":"ana"})";

} // namespace

class WindowOpeningTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;

    QString project(const char* name) const { return fixture::savedProject(m_folder, name); }
    static void changeInPlace(const QString& path) {
        const hid_t id = H5Fopen(path.toLocal8Bit().constData(), H5F_ACC_RDWR, H5P_DEFAULT);
        const hid_t figures = H5Gopen2(id, "/figures", H5P_DEFAULT), space = H5Screate(H5S_SCALAR),
                    note = H5Acreate2(figures, "note", H5T_STD_I32LE, space, H5P_DEFAULT, H5P_DEFAULT);
        const int value = 7;
        H5Awrite(note, H5T_NATIVE_INT, &value);
        H5Aclose(note);
        H5Sclose(space);
        H5Gclose(figures);
        H5Fclose(id);
    }

private Q_SLOTS:
    // Notifications stay, and each is about its own file.
    void anOfferIsAboutItsOwnFile() {
        const auto first = project("first.h5"), second = project("second-one.h5");
        for (const auto& path : {first, second}) {
            QFile file(path);
            QVERIFY(file.open(QIODevice::ReadWrite) && file.resize(file.size() - 100));
        }
        Workbench workbench(*Theme::instance());
        workbench.show();
        auto* pane = workbench.window().bottomPane();
        workbench.open(first);
        QTRY_COMPARE_WITH_TIMEOUT(pane->notificationCount(), 1, 20000);
        workbench.open(second);
        QTRY_COMPARE_WITH_TIMEOUT(pane->notificationCount(), 2, 20000);
        QSignalSpy opened(&workbench.session(), &ProjectSession::opened);
        const auto found = offers(workbench, QStringLiteral("Open generation 1"));
        QCOMPARE(found.size(), 2);
        found.last()->click(); // the older notification stands below
        QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 20000);
        QCOMPARE(workbench.session().path(), first);
    }

    void anothersChangeIsOffered() {
        const auto path = project("altered.h5");
        changeInPlace(path);
        Workbench workbench(*Theme::instance());
        workbench.show();
        workbench.open(path);
        auto* pane = workbench.window().bottomPane();
        const auto told = [&] {
            return words(workbench).contains(QStringLiteral("was changed by another program"));
        };
        QTRY_VERIFY_WITH_TIMEOUT(told(), 20000);
        QVERIFY(!workbench.session().isOpen());
        QVERIFY(pane->logText().contains(QStringLiteral("SHA-256 written")));
        QSignalSpy opened(&workbench.session(), &ProjectSession::opened),
            saved(&workbench.session(), &ProjectSession::saved);
        QVERIFY(click(workbench, QStringLiteral("Open it as it is")));
        QTRY_VERIFY2_WITH_TIMEOUT(opened.count() == 1, qPrintable(words(workbench)), 20000);
        QVERIFY(workbench.window().isWindowModified());
        QVERIFY(workbench.window().view());
        workbench.window().action(QStringLiteral("save"))->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(saved.count(), 1, 20000);
        const auto now = openProject(path.toStdString());
        QCOMPARE(now.generation, 3u);
        QVERIFY(now.provenance.back().action.find("another program") != std::string::npos);
    }

    void anothersChangeNeedNotBeTaken() {
        const auto path = project("refused.h5");
        changeInPlace(path);
        Workbench workbench(*Theme::instance());
        workbench.show();
        workbench.open(path);
        QSignalSpy opened(&workbench.session(), &ProjectSession::opened);
        QTRY_VERIFY_WITH_TIMEOUT(click(workbench, QStringLiteral("Open generation 1")), 20000);
        QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 20000);
        QCOMPARE(openProject(path.toStdString()).generation, 3u);
        QCOMPARE(workbench.session().view()->completions->size(), std::size_t{0});
    }

    void aHostileFileLeavesTheWindowAsItWas() {
        const auto good = project("good.h5"), hostileFile = m_folder.filePath(QStringLiteral("hostile.h5"));
        hostile::makeChanged(good.toStdString(), hostileFile.toStdString(), [](hid_t file) {
            H5Lcreate_hard(file, "/labels", file, "/labels/loop", H5P_DEFAULT, H5P_DEFAULT);
        });
        Workbench workbench(*Theme::instance());
        workbench.show();
        open(workbench, good);
        QSignalSpy checking(&workbench.session(), &ProjectSession::checking);
        workbench.open(hostileFile);
        const auto told = [&] {
            return words(workbench).contains(QStringLiteral("it has more than one name"));
        };
        QTRY_VERIFY_WITH_TIMEOUT(told(), 20000);
        QCOMPARE(checking.count(), 1);
        QVERIFY(words(workbench).contains(QStringLiteral("hostile.h5 is checked before it is opened")));
        QCOMPARE(workbench.session().path(), good);
        workbench.session().edit(QStringLiteral("Note"),
                                 SetNote{NoteSubject::Project, "", "what is open goes on"});
        QTRY_VERIFY(workbench.window().view()->note(NoteSubject::Project, ""));
    }

    void aProjectOfAnotherMachineIsTakenOver() {
        const auto path = project("remote.h5");
        writeFileAtomically(path.toStdString() + ".owner", ownerElsewhere);
        Workbench workbench(*Theme::instance());
        workbench.show();
        open(workbench, path);
        QVERIFY(words(workbench).contains(QStringLiteral("process 7 of ana on hal")));
        QVERIFY(click(workbench, QStringLiteral("Take over")));
        const auto question = [&] {
            auto* found = workbench.window().findChild<QDialog*>(QStringLiteral("takeOverDialog"));
            return found && found->isVisible() ? found : nullptr;
        };
        QTRY_VERIFY(question());
        question()->reject();
        QTRY_VERIFY(!question());
        QVERIFY(!workbench.session().readOnly().isEmpty());
        QVERIFY(click(workbench, QStringLiteral("Take over")));
        QTRY_VERIFY(question());
        const auto labels = question()->findChildren<QLabel*>();
        QVERIFY(labels.front()->text().contains(QStringLiteral("process 7 of ana on hal, since 2026-03-14")));
        QSignalSpy opened(&workbench.session(), &ProjectSession::opened),
            saved(&workbench.session(), &ProjectSession::saved);
        question()->findChild<QAbstractButton*>(QStringLiteral("takeOver"))->click();
        QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 20000);
        QVERIFY(workbench.session().readOnly().isEmpty());
        workbench.window().action(QStringLiteral("save"))->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(saved.count(), 1, 20000);
    }

    void whoIsHereIsNotTakenOver() {
        const auto path = project("local.h5");
        const ProjectLock lock(path.toStdString());
        Workbench workbench(*Theme::instance());
        workbench.show();
        open(workbench, path);
        QVERIFY(words(workbench).contains(QStringLiteral("read-only here")));
        QVERIFY(!click(workbench, QStringLiteral("Take over")));
    }
};

int main(int argc, char** argv) { return fixture::runTest<WindowOpeningTest>(argc, argv); }
#include "opening_test.moc"
