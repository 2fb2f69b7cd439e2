// The verbs as processes on a real model: a run that is killed goes on without repeating what is finished;
// one more strength computes only what is new; show, export and validate agree with the file.
#include "app/session/settings.h"
#include "core/base/atomic_file.h"
#include "core/project/project.h"
#include "tests/app/e2e/project_rows.h"

#include <csignal>
#include <QDir>
#include <QFile>
#include <QJsonArray>
#include <QJsonDocument>
#include <QJsonObject>
#include <QProcess>
#include <QProcessEnvironment>
#include <QTemporaryDir>
#include <QtTest>

using namespace azimuth;

namespace {

constexpr int longWait = 300000;

// small.json with one model, one k and few prompts: seconds instead of a minute.
Json tinyStudy() {
    Json json = readJsonFile(e2e::demoStudy("small.json").toStdString());
    json["models"] = Json::array({json["models"][0]});
    json["sweep"]["k"] = {14, 16};
    json["sweep"]["strengths"] = {0.9};
    auto& prompts = json["concepts"][0]["prompts"];
    for (const char* role : {"positive", "negative"})
        prompts[role]["prompts"].erase(prompts[role]["prompts"].begin() + 8, prompts[role]["prompts"].end());
    json["decoding"]["maximum_new_tokens"] = 24;
    json["decoding"]["rows"] = 4;
    return json;
}

struct Result {
    int code = -1;
    QByteArray out, error;
};

Result azimuthCommand(const QStringList& arguments) {
    QProcess process;
    process.start(e2e::program("azimuth"), arguments);
    process.waitForFinished(longWait);
    return {process.exitStatus() == QProcess::NormalExit ? process.exitCode() : -1,
            process.readAllStandardOutput(), process.readAllStandardError()};
}

} // namespace

class VerbsE2eTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() {
        QVERIFY(m_folder.isValid());
        m_study = m_folder.filePath(QStringLiteral("tiny.json"));
        m_project = m_folder.filePath(QStringLiteral("tiny.h5"));
        writeFileAtomically(m_study.toStdString(), prettyJson(tinyStudy()));
    }

    // A folder of the settings, empty caches.
    void modelsListsTheFoldersOfTheSettings() {
        const auto model = modelCacheFolder() + QStringLiteral("/SmolLM2-135M-Instruct.Q4_1.gguf");
        QVERIFY(QDir().mkpath(m_folder.filePath(QStringLiteral("mine"))));
        QVERIFY(QFile::link(model, m_folder.filePath(QStringLiteral("mine/own-name.gguf"))));
        auto environment = QProcessEnvironment::systemEnvironment();
        for (const char* name : {"XDG_CONFIG_HOME", "XDG_CACHE_HOME", "HF_HOME"})
            environment.insert(QLatin1String(name), m_folder.filePath(QLatin1String(name)));
        const auto settings = m_folder.filePath(QStringLiteral("XDG_CONFIG_HOME/azimuth/settings.json"));
        QByteArray json;
        const auto list = [&] {
            QProcess process;
            process.setProcessEnvironment(environment);
            process.start(e2e::program("azimuth"), {QStringLiteral("models"), QStringLiteral("--json")});
            process.waitForFinished(longWait);
            json = process.readAllStandardOutput();
            QCOMPARE(process.exitStatus(), QProcess::NormalExit);
            QVERIFY2(process.exitCode() == 0, process.readAllStandardError().constData());
            QVERIFY2(QJsonDocument::fromJson(json).object()[QLatin1String("models")].isArray(),
                     json.constData());
        };
        list();
        QVERIFY2(!QTest::currentTestFailed() && !json.contains("own-name.gguf"), json.constData());
        Settings(settings).setModelFolders({m_folder.filePath(QStringLiteral("mine"))});
        list();
        QVERIFY2(json.contains("own-name.gguf"), json.constData());
    }

    void aKilledRunGoesOnWithoutRepeatingWhatIsFinished() {
        QProcess run;
        run.start(e2e::program("azimuth"), {QStringLiteral("run"), m_study, QStringLiteral("-o"), m_project,
                                            QStringLiteral("--progress"), QStringLiteral("json")});
        QByteArray seen;
        while (run.waitForReadyRead(longWait)) {
            seen += run.readAllStandardOutput();
            if (seen.contains("\"stage\":\"sweep\""))
                break;
        }
        QVERIFY2(seen.contains("\"stage\":\"sweep\""), seen.right(2000).constData());
        QCOMPARE(::kill(static_cast<pid_t>(run.processId()), SIGKILL), 0);
        run.waitForFinished();
        FileChecker checker;
        const auto first =
            adoptShards(openProject(m_project.toStdString()), m_project.toStdString(), checker).view;
        QCOMPARE(first.banks.size(), std::size_t{1});

        const auto again = azimuthCommand({QStringLiteral("run"), m_study, QStringLiteral("-o"), m_project});
        QVERIFY2(again.code == 0, again.error.constData());
        const auto view = openProject(m_project.toStdString());
        QCOMPARE(view.banks.size(), std::size_t{1});
        QVERIFY(view.completions->size() >= 18);
        std::size_t extractions = 0;
        for (const auto& job : view.jobs)
            extractions += job.kind == "extract";
        QCOMPARE(extractions, std::size_t{1});
        m_ids = e2e::idsByKey(view);
        m_jobs = view.jobs.size();
    }

    void ctrlCStopsAndTheSameCommandGoesOn() {
        const QString project = m_folder.filePath(QStringLiteral("interrupted.h5"));
        const QStringList command{QStringLiteral("run"),        m_study,
                                  QStringLiteral("-o"),         project,
                                  QStringLiteral("--progress"), QStringLiteral("json")};
        QProcess run;
        run.start(e2e::program("azimuth"), command);
        QByteArray seen;
        while (!seen.contains("\"stage\":\"sweep\"") && run.waitForReadyRead(longWait))
            seen += run.readAllStandardOutput();
        QCOMPARE(::kill(static_cast<pid_t>(run.processId()), SIGINT), 0);
        QVERIFY(run.waitForFinished(20000));
        QCOMPARE(run.exitStatus(), QProcess::NormalExit);
        QCOMPARE(run.exitCode(), 130);
        QCOMPARE(openProject(project.toStdString()).banks.size(), std::size_t{1});
        const auto again = azimuthCommand(command);
        QVERIFY2(again.code == 0, again.error.constData());
        QVERIFY(e2e::idsByKey(openProject(project.toStdString())) == m_ids);
    }

    void theReadmesPythonReadsIt() {
        const QString python = QStringLiteral(AZIMUTH_CACHE_DIR "/peers/base/bin/python");
        if (!QFile::exists(python))
            QSKIP("needs h5py: installer/setup --tests");
        const auto readme = readFile(AZIMUTH_SOURCE_DIR "/README.md", 1 << 20);
        const auto begin = readme.find("```python\n") + 10;
        const auto script = QString::fromStdString(readme.substr(begin, readme.find("```", begin) - begin))
                                .replace(QStringLiteral("mine.h5"), m_project);
        QProcess process;
        process.start(python, {QStringLiteral("-c"), script});
        QVERIFY(process.waitForFinished(60000));
        QVERIFY2(process.exitCode() == 0, process.readAllStandardError().constData());
        const auto out = process.readAllStandardOutput();
        const auto view = openProject(m_project.toStdString());
        const auto width = QByteArray::number(static_cast<qlonglong>(view.banks.front()->width));
        QVERIFY2(out.contains("b000001") && out.contains(width), out.constData());
    }

    void runningAgainDoesNothing() {
        const auto again = azimuthCommand({QStringLiteral("run"), m_study, QStringLiteral("-o"), m_project});
        QVERIFY2(again.code == 0, again.error.constData());
        QCOMPARE(openProject(m_project.toStdString()).jobs.size(), m_jobs);
    }

    void oneMoreStrengthComputesOnlyIt() {
        Json json = tinyStudy();
        json["sweep"]["strengths"] = {0.9, 0.5};
        writeFileAtomically(m_study.toStdString(), prettyJson(json));
        const auto again = azimuthCommand({QStringLiteral("run"), m_study, QStringLiteral("-o"), m_project});
        QVERIFY2(again.code == 0, again.error.constData());
        const auto view = openProject(m_project.toStdString());
        const auto ids = e2e::idsByKey(view);
        for (const auto& [key, tokens] : m_ids)
            QVERIFY(ids.at(key) == tokens);
        const auto prompts = json["concepts"][0]["prompts"]["calibration"]["prompts"].size();
        std::int64_t computed = 0;
        for (std::size_t i = m_jobs; i < view.jobs.size(); ++i)
            if (view.jobs[i].kind == "generate")
                computed += view.jobs[i].results;
        // Two k, one new strength: so many prompts twice; the choice was recorded before and stays, so
        // nothing is evaluated anew.
        QCOMPARE(computed, static_cast<std::int64_t>(2 * prompts));
        QCOMPARE(ids.size(), m_ids.size() + static_cast<std::size_t>(computed));
    }

    void showPrintsWhatTheFileHolds() {
        const auto text = azimuthCommand({QStringLiteral("show"), m_project});
        QCOMPARE(text.code, 0);
        QVERIFY(text.out.contains("SmolLM2 135M"));
        const auto json = azimuthCommand({QStringLiteral("show"), m_project, QStringLiteral("--json")});
        const auto report = QJsonDocument::fromJson(json.out).object();
        const auto view = openProject(m_project.toStdString());
        QCOMPARE(report[QLatin1String("counts")][QLatin1String("completions")].toInt(),
                 static_cast<int>(view.completions->size()));
        QCOMPARE(report[QLatin1String("transfer")].toArray().size(), qsizetype{1});
    }

    void figuresAreExportedInEveryFormat() {
        const auto list = azimuthCommand({QStringLiteral("export"), m_project, QStringLiteral("--list")});
        QCOMPARE(list.code, 0);
        for (const char* kind : {"layer-map", "k-cosine", "transfer", "dose-response"}) {
            QVERIFY(list.out.contains(kind));
            for (const char* ending : {"pdf", "svg", "png", "csv"}) {
                const QString out = m_folder.filePath(
                    QStringLiteral("%1.%2").arg(QLatin1String(kind), QLatin1String(ending)));
                const auto made =
                    azimuthCommand({QStringLiteral("export"), m_project, QStringLiteral("--figure"),
                                    QString::fromLatin1(kind), QStringLiteral("-o"), out});
                QVERIFY2(made.code == 0, made.error.constData());
                QFile file(out);
                QVERIFY(file.open(QIODevice::ReadOnly));
                const auto bytes = file.readAll();
                const QByteArray start = ending == std::string("pdf")   ? "%PDF"
                                         : ending == std::string("png") ? "\x89PNG"
                                         : ending == std::string("svg") ? "<?xml"
                                                                        : "# ";
                QVERIFY2(bytes.startsWith(start) && bytes.size() > 500, qPrintable(out));
            }
        }
    }

    void badInputIsOneErrorAndLeavesNothing() {
        const QString out = m_folder.filePath(QStringLiteral("no.pdf"));
        const auto unknown = azimuthCommand({QStringLiteral("export"), m_project, QStringLiteral("--figure"),
                                             QStringLiteral("pie"), QStringLiteral("-o"), out});
        QCOMPARE(unknown.code, 2);
        QVERIFY(unknown.error.contains("pie") && unknown.error.contains("layer-map"));
        QVERIFY(!QFile::exists(out));
        const auto missing =
            azimuthCommand({QStringLiteral("show"), m_folder.filePath(QStringLiteral("none.h5"))});
        QCOMPARE(missing.code, 2);
        const auto study = azimuthCommand({QStringLiteral("run"), m_project, QStringLiteral("-o"), out});
        QCOMPARE(study.code, 2);
        QVERIFY(!QFile::exists(out));
    }

    void validateSaysSoundOrNot() {
        const auto good = azimuthCommand({QStringLiteral("validate"), m_project});
        QVERIFY2(good.code == 0 && good.out.contains("sound"), good.out.constData());
        const QString damaged = m_folder.filePath(QStringLiteral("damaged.h5"));
        QVERIFY(QFile::copy(m_project, damaged));
        QFile file(damaged);
        QVERIFY(file.open(QIODevice::ReadWrite));
        file.seek(file.size() / 2);
        file.write("damage");
        file.close();
        const auto bad = azimuthCommand({QStringLiteral("validate"), damaged});
        QCOMPARE(bad.code, 2);
        QVERIFY(bad.out.contains("not sound"));
    }

    void theProgramNeedsNoTorch() {
        QProcess readelf;
        readelf.start(QStringLiteral("readelf"), {QStringLiteral("-d"), e2e::program("azimuth")});
        QVERIFY(readelf.waitForFinished());
        const auto text = readelf.readAllStandardOutput();
        QVERIFY(text.contains("libQt6Core"));
        QVERIFY(!text.contains("torch") && !text.contains("libc10"));
    }

private:
    QTemporaryDir m_folder;
    QString m_study, m_project;
    std::map<std::string, std::vector<std::int32_t>> m_ids;
    std::size_t m_jobs = 0;
};

int main(int argc, char** argv) {
    e2e::dumpIfAsked(argc, argv);
    QCoreApplication application(argc, argv);
    VerbsE2eTest test;
    return QTest::qExec(&test, argc, argv);
}

#include "verbs_e2e_test.moc"
