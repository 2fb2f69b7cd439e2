// Random damage that passes the digest (it is signed again), read by the real open path in a child with
// limits: always an Error or an equal result, never a crash, a hang or other data.
#include "core/project/project.h"
#include "core/project/validate.h"

#include "tests/core/project/child_process.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"

#include <fstream>
#include <QtTest>

using namespace azimuth;

namespace {

constexpr int equal = 0, refused = 3, otherData = 5, otherError = 6;
constexpr std::size_t sector = 512;

std::string bytesOf(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

// Damage of five kinds, from the content only: the user block is signed again afterwards.
std::string damaged(std::string bytes, int kind, QRandomGenerator& random) {
    const auto content = static_cast<quint32>(bytes.size() - userBlockBytes);
    const auto anywhere = [&] { return userBlockBytes + random.bounded(content); };
    const auto aSector = [&] {
        return userBlockBytes + random.bounded(static_cast<quint32>(content / sector - 1)) * sector;
    };
    switch (kind) {
    case 0: // flips
        for (quint32 i = 0; i <= random.bounded(4u); ++i) {
            auto& byte = bytes[anywhere()];
            byte = static_cast<char>(byte ^ (1 << random.bounded(8)));
        }
        break;
    case 1:
        bytes.replace(aSector(), sector, sector, '\0');
        break;
    case 2: {
        const auto a = aSector(), b = aSector();
        std::swap_ranges(bytes.begin() + static_cast<std::ptrdiff_t>(a),
                         bytes.begin() + static_cast<std::ptrdiff_t>(a + sector),
                         bytes.begin() + static_cast<std::ptrdiff_t>(b));
        break;
    }
    case 3:
        bytes.resize(anywhere());
        break;
    default: { // a field after a structure's signature
        const char* signatures[] = {"OHDR", "OCHK", "FRHP", "FHDB", "FHIB",   "BTHD",
                                    "BTLF", "BTIN", "FAHD", "FADB", "\x89HDF"};
        std::vector<std::size_t> places;
        for (const auto* signature : signatures)
            for (auto at = bytes.find(signature, userBlockBytes); at != std::string::npos;
                 at = bytes.find(signature, at + 1))
                places.push_back(at);
        const auto place =
            places[random.bounded(static_cast<quint32>(places.size()))] + 4 + random.bounded(60u);
        for (std::size_t i = 0; i < 1 + random.bounded(8u) && place + i < bytes.size(); ++i)
            bytes[place + i] = static_cast<char>(random.bounded(2) ? 0xff : random.bounded(256));
        break;
    }
    }
    return bytes;
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
