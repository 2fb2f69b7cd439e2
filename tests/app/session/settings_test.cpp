// Settings survive their process, others that change them too, and files that nobody wrote like that.
#include "app/session/settings.h"
#include "app/session/settings_file.h"
#include "core/base/atomic_file.h"

#include <QSignalSpy>
#include <QTemporaryDir>
#include <QtTest>

using namespace azimuth;

namespace {
QByteArray json(QByteArray text) { return text.replace('\'', '"'); }
} // namespace

class SettingsTest : public QObject {
    Q_OBJECT

    QTemporaryDir m_folder;
    QString pathOf(const char* name) const { return m_folder.filePath(QLatin1String(name)); }
    static QByteArray contentOf(const QString& path) {
        QFile file(path);
        return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
    }

private Q_SLOTS:
    void settingsAreKept() {
        const auto file = pathOf("new folder/settings.json");
        {
            Settings settings(file);
            QVERIFY(settings.firstStart());
            QCOMPARE(settings.theme(), QStringLiteral("system"));
            QCOMPARE(settings.fontScale(), 1.0);
            QVERIFY(settings.windowGeometry().isEmpty());
            for (int i = 0; i < 12; ++i)
                settings.addRecentFile(QStringLiteral("/p/%1.h5").arg(i));
            settings.addRecentFile(QStringLiteral("/p/5.h5"));
            settings.setTheme(QStringLiteral("dark"));
            settings.setFontScale(1.5);
            settings.setAuthor(QStringLiteral("Zoë"));
            settings.setModelFolders({m_folder.path(), QStringLiteral("/nowhere")});
            settings.setLastPlace(QStringLiteral("uuid"), QStringLiteral("layers"), "{\"k\":3}");
            settings.setWindow(QByteArray("\0\xff geometry", 11), "{}");
            settings.setStarted();
        }
        Settings settings(file);
        QVERIFY(!settings.firstStart());
        QCOMPARE(settings.recentFiles().size(), 10);
        QCOMPARE(settings.recentFiles()[0], QStringLiteral("/p/5.h5"));
        QCOMPARE(settings.recentFiles()[1], QStringLiteral("/p/11.h5"));
        QCOMPARE(settings.theme(), QStringLiteral("dark"));
        QCOMPARE(settings.fontScale(), 1.5);
        QCOMPARE(settings.author(), QStringLiteral("Zoë"));
        QCOMPARE(settings.lastPage(QStringLiteral("uuid")), QStringLiteral("layers"));
        QCOMPARE(settings.lastSelection(QStringLiteral("uuid")), QByteArray("{\"k\":3}"));
        QCOMPARE(settings.windowGeometry(), QByteArray("\0\xff geometry", 11));
        QCOMPARE(settings.windowState(), QByteArray("{}"));
        const auto folders = modelSearchFolders(m_folder.path(), settings.modelFolders());
        QCOMPARE(folders.filter(m_folder.path()).size(), 1);
        QCOMPARE(folders.last(), modelCacheFolder());
    }

    void oldPlacesAreForgotten() {
        const auto file = pathOf("places.json");
        {
            Settings settings(file);
            for (int i = 0; i < 210; ++i)
                settings.setLastPlace(QString::number(i), QStringLiteral("layers"), "{}");
        }
        Settings settings(file);
        QCOMPARE(settings.lastPage(QStringLiteral("209")), QStringLiteral("layers"));
        QCOMPARE(settings.lastPage(QStringLiteral("10")), QStringLiteral("layers"));
        QCOMPARE(settings.lastPage(QStringLiteral("9")), QString());
        QVERIFY(!contentOf(file).contains("\"9\""));
    }

    // Each writes what it changed itself, and sees what the other has changed once it writes.
    void twoProcessesKeepEachOthersChanges() {
        const auto path = pathOf("two.json");
        {
            SettingsFile first(path), second(path);
            for (int i = 0; i < 50; ++i) {
                first.set("a" + std::to_string(i), i);
                second.set("b" + std::to_string(i), i);
                if (i % 7 == 0)
                    QTest::qWait(5);
            }
            first.set("both", "first");
            QTRY_VERIFY(contentOf(path).contains("\"first\""));
            second.set("both", "second");
            QTRY_VERIFY(contentOf(path).contains("\"second\""));
            first.set("own", true);
            QTRY_COMPARE(first.value("both"), Json("second"));
            first.set("a0", nullptr);
            QCOMPARE(first.value("a0"), Json());
        }
        const SettingsFile now(path);
        for (int i = 1; i < 50; ++i) {
            QCOMPARE(now.value("a" + std::to_string(i)), Json(i));
            QCOMPARE(now.value("b" + std::to_string(i)), Json(i));
        }
        QCOMPARE(now.value("both"), Json("second"));
        QCOMPARE(now.value("own"), Json(true));
        QCOMPARE(now.value("a0"), Json());
    }

    // Lists too: each adds to what the other has added.
    void twoWindowsKeepOneListOfFiles() {
        const auto path = pathOf("lists.json");
        Settings first(path), second(path);
        QSignalSpy changed(&second, &Settings::recentFilesChanged);
        first.addRecentFile(QStringLiteral("/p/1.h5"));
        QTRY_VERIFY(contentOf(path).contains("/p/1.h5"));
        second.addRecentFile(QStringLiteral("/p/2.h5"));
        QTRY_COMPARE(Settings(path).recentFiles(),
                     (QStringList{QStringLiteral("/p/2.h5"), QStringLiteral("/p/1.h5")}));
        QTRY_COMPARE(second.recentFiles().size(), 2);
        QCOMPARE(changed.count(), 2); // its own, and what it found there
        first.addModelFolder(QStringLiteral("/a"));
        QTRY_VERIFY(contentOf(path).contains("/a"));
        second.addModelFolder(QStringLiteral("/b")); // whose list has no /a yet, perhaps
        second.addModelFolder(QStringLiteral("/b"));
        QTRY_COMPARE(Settings(path).modelFolders(),
                     (QStringList{QStringLiteral("/a"), QStringLiteral("/b")}));
        QTRY_COMPARE(second.modelFolders().size(), 2);
        second.moveModelFolder(QStringLiteral("/b"), -1);
        QTRY_COMPARE(Settings(path).modelFolders(),
                     (QStringList{QStringLiteral("/b"), QStringLiteral("/a")}));
        second.removeModelFolder(QStringLiteral("/b"));
        QTRY_COMPARE(Settings(path).modelFolders(), QStringList{QStringLiteral("/a")});
        first.setLastPlace(QStringLiteral("u1"), QStringLiteral("layers"), "{}");
        second.setLastPlace(QStringLiteral("u2"), QStringLiteral("apply"), "{}");
        QTRY_COMPARE(Settings(path).lastPage(QStringLiteral("u1")), QStringLiteral("layers"));
        QTRY_COMPARE(Settings(path).lastPage(QStringLiteral("u2")), QStringLiteral("apply"));
        QTRY_COMPARE(first.recentFiles(), second.recentFiles());
    }

    void aDamagedSettingGivesTheDefault() {
        const auto file = pathOf("odd.json");
        writeFileAtomically(
            file.toStdString(),
            R"({"azimuth": "settings", "version": 1, "values": {"theme": "purple", "started": 1,
                "font_scale": "huge", "recent_files": {"0": "x"}, "model_folders": [3, null, "/m"], "places/u": 7,
                "window_geometry": ["x"], "author": false}})");
        Settings settings(file);
        QCOMPARE(settings.theme(), QStringLiteral("system"));
        QCOMPARE(settings.fontScale(), 1.0);
        QVERIFY(settings.recentFiles().isEmpty());
        QCOMPARE(settings.modelFolders(), QStringList{QStringLiteral("/m")});
        QVERIFY(settings.firstStart());
        QVERIFY(settings.windowGeometry().isEmpty());
        QVERIFY(settings.lastPage(QStringLiteral("u")).isEmpty());
        QVERIFY(!settings.author().isEmpty());
    }

    void aDamagedFileIsKeptBesideTheNewOne_data() {
        QTest::addColumn<QByteArray>("content");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("truncated") << json("{'azimuth': 'settings', 'version': 1, 'val");
        QTest::newRow("another kind") << json("{'azimuth': 'study', 'version': 1, 'values': {}}");
        QTest::newRow("no object") << json("{'azimuth': 'settings', 'version': 1, 'values': [1]}");
        QTest::newRow("no version") << json("{'azimuth': 'settings', 'values': {}}");
        QTest::newRow("too large") << QByteArray(5 << 20, ' ');
        QTest::newRow("deep") << json("{'azimuth': 'settings', 'version': 1, 'values': ") +
                                     QByteArray(5000, '[');
        QTest::newRow("bytes") << QByteArray("\x00\xff\xfe{", 4);
    }
    void aDamagedFileIsKeptBesideTheNewOne() {
        QFETCH(QByteArray, content);
        const auto path = pathOf((QByteArray(QTest::currentDataTag()) + ".json").constData());
        writeFileAtomically(path.toStdString(), content.toStdString());
        {
            SettingsFile settings(path);
            QCOMPARE(settings.value("theme"), Json());
            settings.set("theme", "dark");
        }
        QCOMPARE(SettingsFile(path).value("theme"), Json("dark"));
        QCOMPARE(contentOf(path + QStringLiteral(".damaged")), content);
    }

    // Damaged while it is used: what this process has is what there is. Each damaged file stays.
    void aFileDamagedMeanwhileLosesNothing() {
        const auto path = pathOf("meanwhile.json");
        SettingsFile settings(path);
        QStringList told;
        connect(&settings, &SettingsFile::failed, this,
                [&](const Error& error) { told << QString::fromStdString(error.message()); });
        settings.set("author", "Ana");
        QTRY_VERIFY(contentOf(path).contains("Ana"));
        for (const char* garbage : {"garbage 1", "garbage 2"}) {
            writeFileAtomically(path.toStdString(), garbage);
            settings.set("theme", garbage);
            QTRY_COMPARE(SettingsFile(path).value("theme"), Json(garbage));
            QCOMPARE(SettingsFile(path).value("author"), Json("Ana"));
        }
        QTRY_COMPARE(told.size(), 2);
        QVERIFY2(told[1].endsWith(QStringLiteral("meanwhile.json.damaged-2.")), qPrintable(told[1]));
        QCOMPARE(contentOf(path + QStringLiteral(".damaged")), QByteArray("garbage 1"));
        QCOMPARE(contentOf(path + QStringLiteral(".damaged-2")), QByteArray("garbage 2"));
    }

    // What a newer program wrote, or a disk does not give, is not written over.
    void whatIsNoDamageIsLeftAlone() {
        const auto path = pathOf("newer.json");
        const auto newer = json("{'azimuth': 'settings', 'version': 9, 'values': {'x': 1}}");
        writeFileAtomically(path.toStdString(), newer.toStdString());
        {
            SettingsFile settings(path);
            QSignalSpy failed(&settings, &SettingsFile::failed);
            settings.set("theme", "dark");
            QVERIFY(failed.wait(5000));
            QCOMPARE(settings.value("theme"), Json("dark"));
        }
        QCOMPARE(contentOf(path), newer);
        QVERIFY(!QFile::exists(path + QStringLiteral(".damaged")));
        const auto folder = pathOf("folder.json");
        QVERIFY(QDir().mkpath(folder));
        SettingsFile settings(folder);
        QSignalSpy failed(&settings, &SettingsFile::failed);
        settings.set("theme", "dark");
        QVERIFY(failed.wait(5000));
        QVERIFY(QFileInfo(folder).isDir());
    }

    void whatCannotBeKeptIsToldAndTriedAgain() {
        const auto folder = pathOf("a file");
        writeFileAtomically(folder.toStdString(), "in the way");
        SettingsFile settings(folder + QStringLiteral("/settings.json"));
        QSignalSpy failed(&settings, &SettingsFile::failed);
        settings.set("theme", "dark");
        QVERIFY(failed.wait(5000));
        QCOMPARE(settings.value("theme"), Json("dark"));
        for (int i = 0; i < 1000; ++i) // what cannot be written does not pile up
            settings.set("page", i);
        settings.set("theme", "light");
        QVERIFY(QFile::remove(folder));
        settings.set("started", true);
        QTRY_COMPARE(SettingsFile(folder + QStringLiteral("/settings.json")).value("theme"), Json("light"));
        QCOMPARE(SettingsFile(folder + QStringLiteral("/settings.json")).value("page"), Json(999));
    }
};

QTEST_GUILESS_MAIN(SettingsTest)
#include "settings_test.moc"
