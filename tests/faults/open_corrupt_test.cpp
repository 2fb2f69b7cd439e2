// Thousands of damaged, foreign and hostile files through the path by which the window opens a project, in
// one process: one sentence for each, the process alive, the file untouched, under 10 s, the window's thread
// never blocked, and never anything shown that is not what was saved. AZIMUTH_SEED gives other files.
#include "app/session/project_session.h"
#include "core/project/project.h"
#include "core/project/shard.h"
#include "core/project/side_folder.h"
#include "tests/core/project/damage.h"
#include "tests/core/project/hostile_cases.h"
#include "tests/core/project/resign.h"
#include "tests/core/project/sample.h"
#include "tests/faults/witness.h"

#include <filesystem>
#include <QtTest>
#include <sys/resource.h>
#include <time.h>

using namespace azimuth;
using hostile::bytesOf;
using hostile::writeBytes;

namespace {

constexpr int longest = 10000;                      // ms
constexpr int longestStall = 100, longestWork = 50; // ms, of the window's thread for one file

QString text(const std::string& value) { return QString::fromStdString(value); }

struct Outcome {
    std::optional<Error> error; // nothing: it is open
    int answers = 0;
    qint64 milliseconds = 0, stall = 0, work = 0; // work: CPU time of this thread
};

qint64 cpuTime() { // of this thread, in ms
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

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

// Rules judge what comes from a shard at the time of opening.
ProjectView withoutTimes(ProjectView view) {
    for (auto& label : view.labels)
        if (label->source == Label::Source::Rule) {
            auto timeless = *label;
            timeless.time = 0;
            label = std::make_shared<const Label>(timeless);
        }
    return view;
}

} // namespace

class OpenCorruptTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string m_sound, m_bytes, m_victim;
    ProjectView m_expected, m_withShard, m_shown;
    UserBlock m_block;
    ProjectSession m_session;
    QRandomGenerator m_random;
    QMap<QString, int> m_codes;
    Witness m_witness;
    qint64 m_slowest = 0, m_longestStall = 0, m_longestWork = 0;
    int m_files = 0, m_metAgain = 0, m_adopted = 0, m_refused = 0;
    bool m_stalled = false; // the last file seemed to block this thread
    std::string m_lastCode; // of the last answer; empty: it is open

    Outcome wait(const std::function<void()>& ask) {
        Outcome outcome;
        QEventLoop loop;
        QTimer tick;
        const auto began = m_witness.milliseconds(), worked = cpuTime();
        auto last = began;
        const auto count = [&] {
            const auto now = m_witness.milliseconds();
            outcome.stall = std::max<qint64>(outcome.stall, now - last);
            outcome.milliseconds = now - began;
            outcome.work = cpuTime() - worked;
            last = now;
        };
        connect(&tick, &QTimer::timeout, &loop, [&] {
            count();
            if (outcome.milliseconds > 4 * longest)
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
        tick.start(5);
        ask();
        loop.exec();
        QCoreApplication::processEvents(); // a second answer would be here
        count();
        return outcome;
    }

    // Empty, or what is wrong with how this one was met. A file that keeps the checker busy is given up at
    // its deadline, which is later than `longest` for those above 30 MB.
    QString complaint(const Outcome& outcome, std::size_t bytes) {
        m_slowest = std::max(m_slowest, outcome.milliseconds);
        if (outcome.answers != 1)
            return QStringLiteral("%1 answers").arg(outcome.answers);
        const bool stopped = outcome.error && outcome.error->code() == "project.unsafe" &&
                             outcome.error->message().find("did not end within") != std::string::npos;
        const auto deadline =
            longest + static_cast<qint64>(1000 * (checkLimits(bytes).seconds - checkLimits(0).seconds));
        if (outcome.milliseconds >= (stopped ? deadline : longest))
            return QStringLiteral("it took %1 ms").arg(outcome.milliseconds);
        m_longestWork = std::max(m_longestWork, outcome.work);
        if (outcome.work > longestWork)
            return QStringLiteral("the window's thread worked for %1 ms").arg(outcome.work);
        m_stalled = m_stalled || outcome.stall > longestStall;
        if (outcome.stall <= longestStall)
            m_longestStall = std::max(m_longestStall, outcome.stall);
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
        auto found = meetOnce(bytes);
        if (found.isEmpty() &&
            std::exchange(m_stalled, false)) { // a busy machine does not stall twice in a row
            found = meetOnce(bytes);
            ++m_metAgain;
            if (found.isEmpty() && std::exchange(m_stalled, false))
                return QStringLiteral("the window's thread was blocked for more than %1 ms")
                    .arg(longestStall);
        }
        return found;
    }

    QString meetOnce(const std::string& bytes) {
        const auto victim = text(m_victim);
        auto found = complaint(wait([&] { m_session.open(victim); }), bytes.size());
        const bool altered = m_lastCode == "project.altered";
        if (found.isEmpty() && altered)
            found = complaint(wait([&] { m_session.openAltered(victim); }), bytes.size());
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

    // Opens the sound project with a shard beside it: it is in the view as it was published, or not at all
    // and then it is named.
    QString adopt(const std::string& bytes) {
        const auto folder = sideFolder(m_victim).shards;
        const auto shard = folder + "/one.h5";
        ensureFolder(folder);
        writeBytes(m_victim, m_bytes);
        writeBytes(shard, bytes);
        QStringList notes;
        const auto noted =
            connect(&m_session, &ProjectSession::noted, this, [&](const QString& note) { notes << note; });
        const auto outcome = wait([&] { m_session.open(text(m_victim)); });
        disconnect(noted);
        if (!m_session.isOpen())
            return QStringLiteral("the project is not opened: ") +
                   text(outcome.error ? outcome.error->what() : "no answer");
        m_shown = withoutTimes(*m_session.view());
        QSignalSpy closed(&m_session, &ProjectSession::closed);
        m_session.close();
        closed.wait(longest);
        const auto with = sample::difference(m_withShard, m_shown, false),
                   without = sample::difference(withoutTimes(m_expected), m_shown, false);
        (with.empty() ? m_adopted : m_refused) += 1;
        if (!with.empty() && !without.empty())
            return text(with) + QStringLiteral(", and without the shard: ") + text(without);
        if (!with.empty() && notes.filter(QStringLiteral("one.h5")).size() != 1)
            return QStringLiteral("the shard is not named: ") + notes.join(QLatin1Char('|'));
        if (outcome.milliseconds >= longest || bytesOf(shard) != bytes || bytesOf(m_victim) != m_bytes)
            return QStringLiteral("after %1 ms; or a file was written to").arg(outcome.milliseconds);
        return {};
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
        meetMany(320, [this](int i) { return resigned(damaged(m_bytes, i % 4, m_random), m_block); });
    }
    void signedFieldOverwrites() { // next to the signatures of structures
        meetMany(1000, [this](int) { return resigned(damaged(m_bytes, 4, m_random), m_block); });
    }

    // 200 MB that a reader has to hash or to walk: nothing behind the content, or the content again and
    // again.
    void large() {
        constexpr std::size_t size = 200'000'000;
        auto repeated = m_bytes;
        while (repeated.size() < size)
            repeated += m_bytes.substr(userBlockBytes);
        auto padded = m_bytes;
        padded.resize(size);
        for (const auto& bytes : {resigned(padded, m_block), resigned(repeated, m_block), repeated}) {
            const auto found = meet(bytes);
            QVERIFY2(found.isEmpty(), qPrintable(found));
            qInfo("%s", m_lastCode.empty() ? "opened" : m_lastCode.c_str());
        }
    }

    void damagedShards() {
        const auto path = m_folder.filePath(QStringLiteral("shard.h5")).toStdString();
        auto result = sample::jobResult();
        result.job.id = sample::hexOf("shard");
        result.banks.clear();
        result.scores.clear();
        for (std::size_t i = 0; i < result.completions.size(); ++i)
            result.completions[i].key = sample::digestOf("of the shard " + std::to_string(i));
        publishShard(path, result, m_expected.uuid);
        const auto bytes = bytesOf(path);
        const auto block = readUserBlock(path);
        m_withShard = m_expected;
        adopt(bytes);
        std::vector<Completion> rows; // of a file that is written anew each time
        for (std::size_t i = 0; i < m_shown.completions->size(); ++i)
            rows.push_back(m_shown.completions->row(i));
        m_withShard = m_shown;
        m_withShard.completions =
            std::make_shared<const CompletionTable>(CompletionTable().with(std::move(rows)));
        QCOMPARE(m_shown.completions->size(), m_expected.completions->size() + result.completions.size());
        for (const auto& row : result.completions)
            QVERIFY(m_shown.completions->contains(row.key));
        m_adopted = m_refused = 0;
        for (int i = 0; i < 400; ++i) {
            auto damagedBytes = damaged(bytes, i % 5, m_random);
            const auto found = adopt(i % 2 ? damagedBytes : resigned(std::move(damagedBytes), block));
            QVERIFY2(found.isEmpty(), qPrintable(QStringLiteral("shard %1: %2").arg(i).arg(found)));
        }
        qInfo("%d damaged shards refused, %d that nothing was wrong with", m_refused, m_adopted);
        QVERIFY(m_refused >= 300);
        std::filesystem::remove_all(sideFolder(m_victim).root);
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
                << "MiB; the window's thread worked" << m_longestWork << "ms and was blocked"
                << m_longestStall << "ms at most;" << m_metAgain << "met again;" << m_codes;
        QVERIFY(m_files >= 3920);
    }
};

QTEST_GUILESS_MAIN(OpenCorruptTest)
#include "open_corrupt_test.moc"
