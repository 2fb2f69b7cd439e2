// One writer at a time, between processes, by the kernel's lock and by an owner file.
#include "core/project/project_lock.h"

#include "core/base/atomic_file.h"
#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "tests/core/checks.h"
#include "tests/core/project/child_process.h"

#include <filesystem>
#include <QtTest>
#include <sys/stat.h>

using namespace azimuth;
using checks::codeOf;
using checks::messageOf;

Q_DECLARE_METATYPE(ProjectLock::Means)

namespace {

// A process that takes the lock, tells so, and holds it until it is killed.
class Holder {
public:
    Holder(const std::string& project, ProjectLock::Means means) {
        int ends[2];
        if (::pipe(ends) != 0)
            qFatal("pipe");
        m_child = ::fork();
        if (m_child == 0) {
            const ProjectLock lock(project, means);
            const bool told = ::write(ends[1], "x", 1) == 1;
            ::alarm(60);
            while (told)
                ::pause();
            ::_exit(1);
        }
        ::close(ends[1]);
        char ready = 0;
        m_ready = ::read(ends[0], &ready, 1) == 1;
        ::close(ends[0]);
    }
    ~Holder() { kill(); }
    bool ready() const { return m_ready; }
    pid_t pid() const { return m_child; }
    void kill() {
        if (m_child <= 0)
            return;
        ::kill(m_child, SIGKILL);
        ::waitpid(m_child, nullptr, 0);
        m_child = 0;
    }

private:
    pid_t m_child = 0;
    bool m_ready = false;
};

std::string ownerJson(const std::string& host, const std::string& boot, long process) {
    return "{\"boot\":\"" + boot + "\",\"host\":\"" + host + "\",\"process\":" + std::to_string(process) +
           ",\"program\":\"azimuth\",\"session\":\"s\",\"since\":\"2026-03-14T09:26:53Z\",\"user\":\"ana\"}";
}

// What this process writes as an owner, with other values here and there.
std::string ownLike(const std::string& project, const Json& changes) {
    Json owner;
    {
        const ProjectLock lock(project, ProjectLock::Means::OwnerFile);
        owner = readJsonFile(lock.path());
    }
    owner.update(changes);
    return canonicalJson(owner);
}

} // namespace

class ProjectLockTest : public QObject {
    Q_OBJECT
    QTemporaryDir m_folder;
    std::string project(const char* name) const {
        return m_folder.filePath(QLatin1String(name)).toStdString();
    }

private Q_SLOTS:
    void oneWriterAtATime_data() {
        QTest::addColumn<ProjectLock::Means>("means");
        QTest::newRow("kernel") << ProjectLock::Means::Kernel;
        QTest::newRow("owner file") << ProjectLock::Means::OwnerFile;
    }
    void oneWriterAtATime() {
        QFETCH(ProjectLock::Means, means);
        const auto path = project(QTest::currentDataTag());
        {
            Holder holder(path, means);
            QVERIFY(holder.ready());
            QCOMPARE(codeOf([&] { ProjectLock lock(path, means); }), std::string("project.locked"));
            const auto message = messageOf([&] { ProjectLock lock(path, means); });
            QVERIFY2(message.find("process " + std::to_string(holder.pid())) != std::string::npos,
                     message.c_str());
            const auto owner = ProjectLock::ownerOf(path);
            QVERIFY(owner && owner->process == holder.pid() && owner->isHere());
        } // killed, no chance to tidy up
        const ProjectLock lock(path, means);
        QVERIFY(lock.held());
        QCOMPARE(lock.means(), means);
    }

    void nothingIsLeftBehind() {
        const auto path = project("tidy.h5");
        {
            const ProjectLock lock(path);
            QVERIFY(std::filesystem::exists(path + ".lock"));
        }
        QVERIFY(!std::filesystem::exists(path + ".lock"));
        QVERIFY(!ProjectLock::ownerOf(path));
    }

    void aLinkIsTheSameProject() {
        const auto path = project("real.h5"), link = project("link.h5");
        writeFileAtomically(path, "x");
        std::filesystem::create_symlink(path, link);
        const ProjectLock lock(path);
        QCOMPARE(codeOf([&] { ProjectLock second(link); }), std::string("project.locked"));
    }

    void aRemovedLockFileIsNoticed() {
        const auto path = project("removed.h5");
        const ProjectLock lock(path);
        std::filesystem::remove(path + ".lock");
        QVERIFY(!lock.held());
        const ProjectLock other(path); // now possible; the generation fence is what is left
        QVERIFY(other.held() && !lock.held());
    }

    void ownersOfOtherMachinesStayUntilTheUserSaysSo() {
        const auto path = project("remote.h5");
        writeFileAtomically(path + ".owner", ownerJson("some-other-machine", "b", 1));
        const auto take = [&] { ProjectLock lock(path, ProjectLock::Means::OwnerFile); };
        QCOMPARE(codeOf(take), std::string("project.locked"));
        QVERIFY(messageOf(take).find("process 1 of ana on some-other-machine") != std::string::npos);
        const auto owner = ProjectLock::farOwner(path);
        QVERIFY(owner && owner->session == "s" && !owner->isHere());
        auto other = *owner;
        other.session = "t"; // who the user was asked about has left, and another one has come
        QCOMPARE(codeOf([&] { ProjectLock::takeOver(path, other); }), std::string("project.locked"));
        QCOMPARE(codeOf(take), std::string("project.locked"));
        ProjectLock::takeOver(path, *owner);
        QCOMPARE(codeOf(take), std::string("nothing was thrown"));
        QVERIFY(!ProjectLock::farOwner(path));
    }

    // One machine reaches the project through a share, this one lies on its disk.
    void anOwnerFileHoldsAgainstTheKernelsLockToo() {
        const auto path = project("mixed.h5");
        writeFileAtomically(path + ".owner", ownerJson("some-other-machine", "b", 1));
        const auto take = [&] { ProjectLock lock(path, ProjectLock::Means::Kernel); };
        QVERIFY(messageOf(take).find("process 1 of ana on some-other-machine") != std::string::npos);
        QVERIFY(!std::filesystem::exists(path + ".lock"));
        ProjectLock::takeOver(path, *ProjectLock::farOwner(path));
        QCOMPARE(codeOf(take), std::string("nothing was thrown"));
        writeFileAtomically(path + ".owner", ownLike(path, {{"process", 1}, {"started", 1}}));
        QCOMPARE(codeOf(take), std::string("nothing was thrown"));
        QVERIFY(!std::filesystem::exists(path + ".owner"));
    }

    // The other way round: here is the share, and there the kernel's lock cannot be asked for.
    void theKernelsLockHoldsAgainstAnOwnerFileToo() {
        const auto path = project("mixed-too.h5");
        const auto take = [&] { ProjectLock lock(path, ProjectLock::Means::OwnerFile); };
        {
            const ProjectLock lock(path, ProjectLock::Means::Kernel);
            QCOMPARE(codeOf(take), std::string("project.locked"));
            QVERIFY(lock.held() && !std::filesystem::exists(path + ".owner"));
        }
        writeFileAtomically(path + ".lock", ownerJson("some-other-machine", "b", 1));
        QVERIFY(messageOf(take).find("process 1 of ana on some-other-machine") != std::string::npos);
        QVERIFY(!std::filesystem::exists(path + ".owner"));
        const auto owner = ProjectLock::farOwner(path);
        QVERIFY(owner && owner->host == "some-other-machine");
        ProjectLock::takeOver(path, *owner);
        QCOMPARE(codeOf(take), std::string("nothing was thrown"));
        Holder holder(path, ProjectLock::Means::Kernel);
        QVERIFY(holder.ready());
        QCOMPARE(codeOf(take), std::string("project.locked"));
        holder.kill();
        QVERIFY(std::filesystem::exists(path + ".lock"));
        QCOMPARE(codeOf(take), std::string("nothing was thrown"));
    }

    void whoIsHereCannotBeTakenOver() {
        const auto path = project("here.h5");
        for (const auto means : {ProjectLock::Means::Kernel, ProjectLock::Means::OwnerFile}) {
            const ProjectLock lock(path, means);
            QVERIFY(!ProjectLock::farOwner(path));
            QVERIFY(ProjectLock::ownerOf(path));
        }
        writeFileAtomically(path + ".owner", "{");
        const auto unknown = ProjectLock::farOwner(path);
        QVERIFY(unknown && unknown->host.empty());
        ProjectLock::takeOver(path, *unknown);
        QVERIFY(!std::filesystem::exists(path + ".owner"));
    }

    void ownersBeforeARestartAreGone() {
        const auto path = project("restart.h5");
        const auto take = [&](const std::string& owner) {
            writeFileAtomically(path + ".owner", owner);
            const auto code = codeOf([&] { ProjectLock lock(path, ProjectLock::Means::OwnerFile); });
            std::filesystem::remove(path + ".owner");
            return code;
        };
        const std::string locked = "project.locked", taken = "nothing was thrown";
        const bool named =
            std::filesystem::exists("/etc/machine-id") && !readFile("/etc/machine-id", 256).empty();
        QCOMPARE(take(ownLike(path, {{"boot", "an-earlier-boot"}})), named ? taken : locked);
        // A machine of the same name, or one that has none of its own.
        QCOMPARE(take(ownLike(path, {{"boot", "b"}, {"machine", "another"}})), locked);
        QCOMPARE(take(ownLike(path, {{"boot", "b"}, {"machine", ""}})), locked);
    }

    void processNumbersAreUsedAgain() {
        const auto path = project("again.h5");
        const auto owner = project("again.h5.owner");
        const auto mine = ownLike(path, Json::object());
        const auto take = [&] { ProjectLock lock(path, ProjectLock::Means::OwnerFile); };
        writeFileAtomically(owner, mine); // this process is alive
        QCOMPARE(codeOf(take), std::string("project.locked"));
        std::filesystem::remove(owner);
        auto earlier = parseJson(mine, "owner");
        QVERIFY(earlier.at("started").get<std::int64_t>() > 0);
        earlier["started"] = earlier.at("started").get<std::int64_t>() - 1;
        writeFileAtomically(owner, canonicalJson(earlier)); // its number was another process's before
        QCOMPARE(codeOf(take), std::string("nothing was thrown"));
        earlier["processes"] = "pid:[1]"; // numbers of another container
        writeFileAtomically(owner, canonicalJson(earlier));
        QCOMPARE(codeOf(take), std::string("project.locked"));
        QVERIFY(ProjectLock::farOwner(path));
    }

    void aDamagedOwnerFileIsNobodysToRemove() {
        const auto path = project("damaged.h5");
        for (const char* text : {"", "{", "{\"process\":1e99}", "\xff\xfe", "[]"}) {
            writeFileAtomically(path + ".owner", text);
            QCOMPARE(codeOf([&] { ProjectLock lock(path, ProjectLock::Means::OwnerFile); }),
                     std::string("project.locked"));
        }
        writeFileAtomically(path + ".owner", std::string(1 << 20, 'x'));
        QCOMPARE(codeOf([&] { ProjectLock lock(path, ProjectLock::Means::OwnerFile); }),
                 std::string("project.locked"));
    }

    void aFolderWithoutPermissionSaysSo() {
        QVERIFY(codeOf([&] { ProjectLock lock(project("missing/deep.h5")); }).starts_with("file."));
    }

    // Many processes want it at once, some die with it: never two at a time.
    void manyProcesses() {
        const auto path = project("many.h5");
        const auto witness = project("witness");
        for (const auto means : {ProjectLock::Means::Kernel, ProjectLock::Means::OwnerFile}) {
            std::vector<pid_t> children;
            for (int i = 0; i < 8; ++i) {
                const pid_t child = ::fork();
                if (child == 0) {
                    ::alarm(60);
                    int entered = 0;
                    for (int round = 0; round < 40; ++round) {
                        try {
                            const ProjectLock lock(path, means);
                            if (::mkdir(witness.c_str(), 0700) != 0)
                                ::_exit(9); // somebody else is inside
                            ++entered;
                            ::usleep(200);
                            if (::rmdir(witness.c_str()) != 0)
                                ::_exit(8);
                            if (i % 4 == 3 && round > 20)
                                ::_exit(0); // dies with the lock
                        } catch (const Error& error) {
                            if (error.code() != "project.locked")
                                ::_exit(7);
                            ::usleep(300);
                        }
                    }
                    ::_exit(entered > 0 ? 0 : 1); // somebody may have had no luck at all; counted below
                }
                children.push_back(child);
            }
            int lucky = 0;
            for (const auto child : children) {
                int status = 0;
                ::waitpid(child, &status, 0);
                QVERIFY(WIFEXITED(status));
                QVERIFY2(WEXITSTATUS(status) <= 1, qPrintable(QString::number(WEXITSTATUS(status))));
                lucky += WEXITSTATUS(status) == 0;
            }
            QVERIFY(lucky >= 1);
        }
    }
};

QTEST_GUILESS_MAIN(ProjectLockTest)
#include "project_lock_test.moc"
