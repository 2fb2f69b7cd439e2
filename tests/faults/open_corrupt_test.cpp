// Thousands of damaged, foreign and hostile files through the path by which the window opens a project, in
// one process: one sentence for each, the process alive, the file untouched, under 10 s, and never anything
// shown that is not what was saved. AZIMUTH_SEED gives other files.
#include "app/session/project_session.h"
#include "core/project/project.h"
#include "tests/core/project/damage.h"
#include "tests/core/project/hostile_cases.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"

#include <filesystem>
#include <QtTest>
#include <sys/resource.h>

using namespace azimuth;
using hostile::bytesOf;
using hostile::writeBytes;

namespace {

constexpr int longest = 10000; // ms

QString text(const std::string& value) { return QString::fromStdString(value); }

struct Outcome {
    std::optional<Error> error; // nothing: it is open
    int answers = 0;
    qint64 milliseconds = 0;
};

std::string randomBytes(QRandomGenerator& random, std::size_t size) {
    std::string bytes(size, '\0');
    for (auto& byte : bytes)
        byte = static_cast<char>(random.bounded(256));
    return bytes;
}

// What people open by mistake, and what claims to be a project.
std::string foreign(const std::string& sound, int kind, QRandomGenerator& random) {
    const auto junk = randomBytes(random, random.bounded(20000u));
    const auto header = sound.substr(0, userBlockBytes);
    switch (kind % 8) {
    case 0:
        return junk;
    case 1: { // an HDF5 file of another program, whole or cut
        auto bytes = sound.substr(userBlockBytes);
        bytes.resize(bytes.size() - random.bounded(static_cast<quint32>(bytes.size())) / 2);
        return bytes;
    }
    case 2:
        return "PK\x03\x04" + junk;
    case 3:
        return "{\"azimuth\":\"study\"," + std::string(random.bounded(1000u), ' ') + "}";
    case 4:
        return header + junk; // of another file
    case 5:
        return header.substr(0, 8 + random.bounded(1016u));
    case 6: // signed, but no HDF5 in it
        return resigned(header + junk, UserBlock{});
    default: { // HDF5's signature and nothing behind it that makes sense
        auto bytes = header + sound.substr(userBlockBytes, 8 + random.bounded(200u)) + junk;
        return resigned(bytes, UserBlock{});
    }
    }
}

} // namespace

class OpenCorruptTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string m_sound, m_bytes, m_victim;
    ProjectView m_expected;
    UserBlock m_block;
    ProjectSession m_session;
    QRandomGenerator m_random;
    QMap<QString, int> m_codes;
    qint64 m_slowest = 0;
    int m_files = 0;
    std::string m_lastCode; // of the last answer; empty: it is open

    Outcome wait(const std::function<void()>& ask) {
        Outcome outcome;
        QEventLoop loop;
        QElapsedTimer timer;
        QTimer tick;
        const auto count = [&] { // a machine that stands still for everybody does not count
            outcome.milliseconds += std::min<qint64>(timer.restart(), 500);
        };
        connect(&tick, &QTimer::timeout, &loop, [&] {
            count();
            if (outcome.milliseconds > 2 * longest)
                loop.quit();
        });
        const auto answered = [&] {
            count();
            ++outcome.answers;
            loop.quit();
        };
        connect(&m_session, &ProjectSession::opened, &loop, answered);
        connect(&m_session, &ProjectSession::failed, &loop, [&](const QString&, const Error& error) {
            outcome.error = error;
            answered();
        });
        timer.start();
        tick.start(100);
        ask();
        loop.exec();
        QCoreApplication::processEvents(); // a second answer would be here
        return outcome;
    }

    // Empty, or what is wrong with how this one was met.
    QString complaint(const Outcome& outcome) {
        m_slowest = std::max(m_slowest, outcome.milliseconds);
        if (outcome.answers != 1)
            return QStringLiteral("%1 answers").arg(outcome.answers);
        if (outcome.milliseconds >= longest)
            return QStringLiteral("it took %1 ms").arg(outcome.milliseconds);
        if (!outcome.error) {
            ++m_codes[QStringLiteral("opened")];
            auto now = *m_session.view();
            now.provenance = m_expected.provenance; // which tells about an adoption
            return text(sample::difference(m_expected, now, false));
        }
        const auto& error = *outcome.error;
        ++m_codes[text(error.code())];
        if (!error.code().starts_with("project.") && !error.code().starts_with("file."))
            return QStringLiteral("the code is ") + text(error.code());
        if (error.remedy().empty() || error.message().find(m_victim) == std::string::npos)
            return QStringLiteral("no remedy, or the file is not named: ") + text(error.what());
        for (const char letter : error.message() + error.remedy())
            if (static_cast<unsigned char>(letter) < 0x20)
                return QStringLiteral("a control character: ") + text(error.what());
        return {};
    }

    QString meet(const std::string& bytes) {
        ++m_files;
        writeBytes(m_victim, bytes);
        const auto victim = text(m_victim);
        auto found = complaint(wait([&] { m_session.open(victim); }));
        const bool altered = m_lastCode == "project.altered";
        if (found.isEmpty() && altered)
            found = complaint(wait([&] { m_session.openAltered(victim); }));
        if (found.isEmpty() && bytesOf(m_victim) != bytes)
            return QStringLiteral("the file was written to");
        if (m_session.isOpen()) {
            QSignalSpy closed(&m_session, &ProjectSession::closed);
            m_session.close();
            closed.wait(longest);
        }
        if (found.isEmpty() && std::filesystem::exists(m_victim + ".lock"))
            return QStringLiteral("the lock stays");
        return found;
    }

    void meetMany(int count, const std::function<std::string(int)>& make) {
        for (int i = 0; i < count; ++i) {
            const auto bytes = make(i);
            const auto found = meet(bytes);
            QVERIFY2(found.isEmpty(), qPrintable(QStringLiteral("file %1: %2").arg(i).arg(found)));
        }
    }

private Q_SLOTS:
    void initTestCase() {
        m_sound = m_folder.filePath(QStringLiteral("sound.h5")).toStdString();
        m_victim = m_folder.filePath(QStringLiteral("victim.h5")).toStdString();
        auto view = sample::fullView();
        view.uuid = createProject(m_sound, *view.study).uuid;
        m_expected = saveProject(m_sound, view);
        m_bytes = bytesOf(m_sound);
        m_block = readUserBlock(m_sound);
        m_random.seed(qEnvironmentVariableIsSet("AZIMUTH_SEED")
                          ? static_cast<quint32>(qEnvironmentVariableIntValue("AZIMUTH_SEED"))
                          : 20261127);
        connect(&m_session, &ProjectSession::failed, this,
                [this](const QString&, const Error& error) { m_lastCode = error.code(); });
        connect(&m_session, &ProjectSession::opened, this, [this] { m_lastCode.clear(); });
        const auto found = meet(m_bytes);
        QVERIFY2(found.isEmpty() && m_lastCode.empty(), qPrintable(found));
    }

    void truncated() {
        meetMany(1000, [this](int i) {
            return i < 8 ? m_bytes.substr(0, m_bytes.size() - 1 - static_cast<std::size_t>(i))
                         : m_bytes.substr(0, m_random.bounded(static_cast<quint32>(m_bytes.size())));
        });
    }
    void flipped() {
        meetMany(550, [this](int) {
            auto bytes = m_bytes;
            for (quint32 flips = 1 + m_random.bounded(5u); flips > 0; --flips) {
                auto& byte = bytes[m_random.bounded(static_cast<quint32>(bytes.size()))];
                byte = static_cast<char>(byte ^ (1 << m_random.bounded(8)));
            }
            return bytes;
        });
    }
    void sectors() { // zeroed, and swapped
        meetMany(400, [this](int i) { return damaged(m_bytes, 1 + i % 2, m_random); });
    }
    void foreignFiles() {
        meetMany(650, [this](int i) { return foreign(m_bytes, i, m_random); });
    }
    void signedDamage() { // as the fuzz test has it, here with the child in between
        meetMany(400, [this](int i) { return resigned(damaged(m_bytes, i % 5, m_random), m_block); });
    }

    void legalButHostile() {
        for (const auto& one : hostile::cases()) {
            hostile::makeChanged(m_sound, m_victim, one.change);
            const auto found = meet(bytesOf(m_victim));
            QVERIFY2(found.isEmpty(), qPrintable(text(one.name) + QStringLiteral(": ") + found));
            QVERIFY2(!m_lastCode.empty(), one.name); // none of them is opened
        }
    }

    void cleanupTestCase() {
        const auto found = meet(m_bytes);
        QVERIFY2(found.isEmpty() && m_lastCode.empty(), qPrintable(found));
        rusage usage{};
        getrusage(RUSAGE_SELF, &usage);
        qInfo() << m_files << "files, slowest" << m_slowest << "ms, memory at most" << usage.ru_maxrss / 1024
                << "MiB;" << m_codes;
        QVERIFY(m_files >= 3000);
    }
};

QTEST_GUILESS_MAIN(OpenCorruptTest)
#include "open_corrupt_test.moc"
