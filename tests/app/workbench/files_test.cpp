// Opening what is damaged, what another process has, and going back, through the real window.
#include "app/workbench/caches_dialog.h"
#include "app/workbench/generations_dialog.h"
#include "app/workbench/pages/apply_page.h"
#include "app/workbench/preferences.h"
#include "core/base/sha256.h"
#include "core/container/safetensors.h"
#include "tests/app/workbench/workbench_fixture.h"

#include <fstream>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QListWidget>
#include <QPushButton>
#include <QTreeWidget>

using namespace azimuth;
using namespace azimuth::fixture;

class FilesTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;

    QString project(const char* name) const { return fixture::savedProject(m_folder, name); }

private Q_SLOTS:
    void aDamagedProjectOffersWhatIsKept() {
        const auto path = project("damaged.h5");
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadWrite) && file.resize(file.size() - 100));
        file.close();
        Workbench workbench(*Theme::instance());
        workbench.show();
        workbench.open(path);
        auto* pane = workbench.window().bottomPane();
        QTRY_COMPARE_WITH_TIMEOUT(pane->notificationCount(), 1, 20000);
        QVERIFY(!workbench.session().isOpen());
        QSignalSpy opened(&workbench.session(), &ProjectSession::opened);
        QVERIFY(click(workbench, QStringLiteral("Open generation 1")));
        QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 20000);
        QCOMPARE(workbench.session().path(), path);
        QCOMPARE(openProject(path.toStdString()).generation, 3u); // 2 was the damaged one
    }

    // Also in the window that has it open, and its lock.
    void aDamagedProjectThatIsOpenGoesBack() {
        const auto path = project("open-damaged.h5");
        Workbench workbench(*Theme::instance());
        workbench.show();
        open(workbench, path);
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadWrite) && file.resize(file.size() - 100));
        file.close();
        QSignalSpy failed(&workbench.session(), &ProjectSession::failed);
        QSignalSpy opened(&workbench.session(), &ProjectSession::opened);
        workbench.open(path);
        QTRY_COMPARE_WITH_TIMEOUT(failed.count(), 1, 20000);
        QVERIFY(workbench.session().isOpen());
        QVERIFY(click(workbench, QStringLiteral("Open generation 1")));
        QTRY_COMPARE_WITH_TIMEOUT(opened.count(), 1, 20000);
        QCOMPARE(failed.count(), 1);
        QVERIFY(workbench.session().readOnly().isEmpty());
        QCOMPARE(openProject(path.toStdString()).generation, 3u);
    }

    void restoringIsAChoiceInADialog() {
        const auto path = project("restore.h5");
        Workbench workbench(*Theme::instance());
        workbench.show();
        open(workbench, path);
        const auto completions = workbench.session().view()->completions->size();
        QVERIFY(completions > 0);
        QTimer poll; // the dialog runs an event loop of its own
        bool answered = false;
        connect(&poll, &QTimer::timeout, this, [&poll, &answered] {
            auto* dialog = QApplication::activeModalWidget();
            if (!dialog)
                return;
            poll.stop();
            auto* rows = dialog->findChild<QTreeWidget*>();
            QPushButton* restore = nullptr;
            for (auto* button : dialog->findChildren<QPushButton*>())
                if (button->text() == QStringLiteral("Restore"))
                    restore = button;
            answered = rows && restore && restore->isEnabled() && rows->topLevelItemCount() == 1 &&
                       rows->topLevelItem(0)->text(3).contains(QStringLiteral("completions fewer"));
            restore->click();
        });
        poll.start(20);
        workbench.window().action(QStringLiteral("restore"))->trigger();
        QTRY_COMPARE_WITH_TIMEOUT(workbench.session().view()->completions->size(), std::size_t{0}, 20000);
        QVERIFY(answered);
        QVERIFY(!workbench.session().isModified());
        QCOMPARE(openProject(path.toStdString()).generation, 3u);
        QCOMPARE(openProject(path.toStdString()).completions->size(), std::size_t{0});
    }

    void theSecondWindowIsReadOnlyAndCloses() {
        const auto path = project("second.h5");
        Workbench first(*Theme::instance());
        open(first, path);
        Workbench second(*Theme::instance());
        second.show();
        open(second, path);
        QVERIFY(!second.session().readOnly().isEmpty());
        QVERIFY(words(second).contains(QStringLiteral("read-only here")));
        second.window().action(QStringLiteral("run"))->trigger();
        QVERIFY(!second.runner().isRunning());
        QVERIFY(second.window().close());
        QVERIFY(!second.window().isVisible());
    }

    void unusedCachesAreRemovedAndSaid() {
        const auto path = project("caches.h5");
        const auto folder = sideFolder(path.toStdString()).cache;
        ensureFolder(folder);
        const auto cache = folder + "/old.safetensors";
        SafetensorsWriter writer(cache, {{"acts/resid/0", DType::F32, {1000}}},
                                 {{"format", "azimuth_capture"},
                                  {"model.identity", std::string(64, 'a')},
                                  {"prompts.digest", std::string(64, 'b')}});
        writer.append("acts/resid/0", std::span<const float>(std::vector<float>(1000)));
        writer.finish();
        std::ofstream(folder + "/notes.txt") << "mine";
        Workbench workbench(*Theme::instance());
        workbench.show();
        QVERIFY(!workbench.window().action(QStringLiteral("remove-caches"))->isEnabled());
        open(workbench, path);
        workbench.window().action(QStringLiteral("remove-caches"))->trigger();
        const QPointer<CachesDialog> dialog = [&] {
            CachesDialog* found = nullptr;
            (void)QTest::qWaitFor([&] { return found = workbench.window().findChild<CachesDialog*>(); },
                                  20000);
            return found;
        }();
        QVERIFY(dialog && dialog->isVisible());
        auto* rows = dialog->findChild<QTreeWidget*>();
        QCOMPARE(rows->topLevelItemCount(), 2);
        const auto cell = [&](int row, int column) { return rows->topLevelItem(row)->text(column); };
        QCOMPARE(cell(0, 0), QStringLiteral("notes.txt"));
        QCOMPARE(cell(0, 2), QStringLiteral("not known"));
        QCOMPARE(cell(1, 0), QStringLiteral("old.safetensors"));
        QCOMPARE(cell(1, 2), QStringLiteral("no"));
        const auto digest = QString::fromStdString(toHex(sha256File(cache)));
        QTRY_COMPARE_WITH_TIMEOUT(cell(1, 4), digest.left(12) + QChar(0x2026), 20000);
        QVERIFY(QTest::qWaitForWindowActive(dialog.data()));
        rows->setFocus();
        QTest::keyClick(rows, Qt::Key_Down);
        QTest::keySequence(rows, QKeySequence::Copy);
        QCOMPARE(QGuiApplication::clipboard()->text(), digest);
        QVERIFY(QFile::exists(QString::fromStdString(cache))); // until it is asked for
        for (auto* button : dialog->findChildren<QPushButton*>())
            if (button->text() == QStringLiteral("Remove unused caches"))
                button->click();
        QTRY_VERIFY_WITH_TIMEOUT(!dialog, 20000);
        QTRY_VERIFY_WITH_TIMEOUT(!QFile::exists(QString::fromStdString(cache)), 20000);
        QTRY_VERIFY_WITH_TIMEOUT(
            words(workbench).contains(QStringLiteral("Removed 1 activation cache that the study "
                                                     "does not need: 4.")),
            20000);
        QVERIFY(!workbench.session().isModified());
    }

    void modelFoldersAreSet() {
        Workbench workbench(*Theme::instance());
        workbench.show();
        open(workbench, project("folders.h5"));
        const QTemporaryDir first, second;
        workbench.window().action(QStringLiteral("model-folders"))->trigger();
        const QPointer<ModelFoldersDialog> dialog = workbench.window().findChild<ModelFoldersDialog*>();
        QVERIFY(dialog && dialog->isVisible());
        auto* list = dialog->findChild<QListWidget*>();
        const auto press = [&](const QString& text) {
            for (auto* button : dialog->findChildren<QPushButton*>())
                if (button->text() == text && button->isEnabled()) {
                    button->click();
                    return true;
                }
            return false;
        };
        QCOMPARE(list->count(), 0);
        QVERIFY(!press(QStringLiteral("Remove")) && !press(QStringLiteral("Up")));
        dialog->add(first.path());
        dialog->add(second.path());
        dialog->add(second.path() + QLatin1Char('/')); // there already
        dialog->add(QStringLiteral("/nowhere at all"));
        QCOMPARE(list->count(), 3);
        QCOMPARE(list->item(2)->text(), QStringLiteral("/nowhere at all"));
        QVERIFY(press(QStringLiteral("Remove")));
        QCOMPARE(list->currentRow(), 1);
        QVERIFY(!press(QStringLiteral("Down")) && press(QStringLiteral("Up")));
        QCOMPARE(workbench.settings().modelFolders(), (QStringList{second.path(), first.path()}));
        QVERIFY(press(QStringLiteral("Close")));
        QTRY_VERIFY(!dialog);
        QTRY_COMPARE(Settings().modelFolders(), (QStringList{second.path(), first.path()})); // on the disk
        workbench.settings().setModelFolders({});
    }

    // Texts are read when they are shown; another program has spoiled the file by then.
    void aTextThatCannotBeReadIsSaid() {
        const auto path = project("spoiled.h5");
        Workbench workbench(*Theme::instance());
        workbench.show();
        open(workbench, path);
        QFile file(path);
        QVERIFY(file.open(QIODevice::ReadWrite));
        QVERIFY(file.seek(2048));
        file.write(QByteArray(static_cast<qsizetype>(file.size()) - 4096, 'x'));
        file.close();
        auto* selection = workbench.window().selection();
        auto next = selection->current();
        next.page = QStringLiteral("apply");
        selection->set(next);
        auto* list = static_cast<ApplyPage*>(workbench.window().page(next.page))->completions();
        QTRY_VERIFY_WITH_TIMEOUT(list->count() > 0, 20000);
        QTRY_VERIFY2(list->gridCellText(0, 2).contains(QStringLiteral("This text cannot be read. ")),
                     qPrintable(list->gridCellText(0, 2)));
        QVERIFY(
            list->gridCellText(0, 2).contains(QStringLiteral("is not what it was when the file was opened")));
        next.promptId = QString::fromStdString(
            workbench.session().view()->completions->head(0).promptId); // the inspector compares two of them
        selection->set(next);
        QVERIFY(workbench.window().isVisible());
    }

    void differencesAreWords() {
        const auto view = sample::view();
        auto then = summaryOf(*view);
        QCOMPARE(differenceText(*view, then), QStringLiteral("the same results"));
        then.completions -= 1;
        then.banks += 2;
        QCOMPARE(differenceText(*view, then), QStringLiteral("1 completion fewer, 2 direction banks more"));
        then = summaryOf(*view);
        then.notes += 1;
        then.calibrations += 2;
        QCOMPARE(differenceText(*view, then), QStringLiteral("1 note more, 2 calibrations more"));
        auto other = *view;
        auto study = *view->study;
        study.title += "!";
        other.study = std::make_shared<const Study>(study);
        QCOMPARE(differenceText(*view, summaryOf(other)), QStringLiteral("another title"));
        study = *view->study;
        study.decoding.maximumNewTokens += 1;
        other.study = std::make_shared<const Study>(study);
        QCOMPARE(differenceText(*view, summaryOf(other)), QStringLiteral("another study"));
        then.problem = "it is damaged.";
        QCOMPARE(differenceText(*view, then), QStringLiteral("cannot be opened: it is damaged."));
    }
};

int main(int argc, char** argv) { return fixture::runTest<FilesTest>(argc, argv); }
#include "files_test.moc"
