// Random damage that passes the digest (it is signed again), read by the real open path in a child with
// limits: always an Error or an equal result, never a crash, a hang or other data.
#include "core/project/project.h"
#include "core/project/validate.h"

#include "tests/core/project/child_process.h"
#include "tests/core/project/damage.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"

#include <fstream>
#include <QtTest>

using namespace azimuth;

namespace {

constexpr int equal = 0, refused = 3, otherData = 5, otherError = 6;

std::string bytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

} // namespace

class FuzzTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void signedDamageIsRefusedOrHarmless();
};

void FuzzTest::signedDamageIsRefusedOrHarmless() {
    QTemporaryDir folder;
    const auto project = folder.filePath(QStringLiteral("project.h5")).toStdString();
    const auto file = folder.filePath(QStringLiteral("mutant.h5")).toStdString();
    auto view = sample::fullView();
    view.uuid = createProject(project, *view.study).uuid;
    const auto expected = saveProject(project, view);
    const auto bytes = bytesOf(project);
    const auto block = readUserBlock(project);
    const int count =
        qEnvironmentVariableIntValue("AZIMUTH_FUZZ") ? qEnvironmentVariableIntValue("AZIMUTH_FUZZ") : 400;
    QRandomGenerator random(20260728);
    QMap<QString, int> outcomes;
    for (int i = 0; i < count; ++i) {
        const auto mutant = resigned(damaged(bytes, i % 5, random), block);
        std::ofstream(file, std::ios::binary)
            .write(mutant.data(), static_cast<std::streamsize>(mutant.size()));
        const ChildLimits limits{RLIM_INFINITY, rlim_t{3} << 30, 10};
        const auto outcome = inChild(limits, [&] {
            try {
                const auto opened = openProject(file);
                const auto difference = sample::difference(expected, opened);
                if (!difference.empty())
                    qWarning("%d: %s", i, difference.c_str());
                return difference.empty() ? equal : otherData;
            } catch (const Error& error) {
                const bool known =
                    error.code().rfind("project.", 0) == 0 || error.code().rfind("json.", 0) == 0;
                validateFile(file); // and never throws
                return known ? refused : otherError;
            }
        });
        ++outcomes[QString::fromStdString(outcome)];
    }
    qInfo() << "equal 0, refused 3, other data 5, other error 6:" << outcomes;
    QCOMPARE(outcomes.value(QString::number(equal)) + outcomes.value(QString::number(refused)), count);
    QVERIFY(outcomes.value(QString::number(refused)) > count / 2);
}

QTEST_GUILESS_MAIN(FuzzTest)
#include "fuzz_test.moc"
