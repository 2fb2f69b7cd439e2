// A disk that does not answer, as a network share that is gone: the window goes on, says what is being read
// and shows it when it comes.
#include "tests/app/workbench/sample_view.h"
#include "tests/app/workbench/window_fixture.h"

#include "app/workbench/text_feed.h"
#include "core/base/error.h"

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <QLabel>
#include <QLineEdit>
#include <QSignalSpy>
#include <QtTest>
#include <set>

using namespace azimuth;

namespace {

std::atomic<bool> readOnWindowThread = false;

// Rows of another table, which come from a disk that hangs while it is told to, and may fail.
class Disk final : public CompletionSource {
public:
    using Part = TextFeed::Part;
    explicit Disk(CompletionTable rows) : m_rows(std::move(rows)) {}

    void hang(bool hangs) {
        const std::lock_guard lock(m_mutex);
        m_hangs = hangs;
        m_changed.notify_all();
    }
    void fail(bool fails) { m_fails = fails; }
    void forget() {
        const std::lock_guard lock(m_mutex);
        m_kept.clear();
    }
    int readings() const { return m_readings; }

    std::size_t rows() const override { return m_rows.size(); }
    std::string text(std::size_t row) const override {
        wait(row, Part::Text);
        return m_rows.text(row);
    }
    std::vector<std::int32_t> ids(std::size_t row) const override {
        wait(row, Part::Ids);
        return m_rows.ids(row);
    }
    std::optional<std::string> textAtHand(std::size_t row) const override {
        return keeps(row, Part::Text) ? std::optional(m_rows.text(row)) : std::nullopt;
    }
    std::optional<std::vector<std::int32_t>> idsAtHand(std::size_t row) const override {
        return keeps(row, Part::Ids) ? std::optional(m_rows.ids(row)) : std::nullopt;
    }
    std::string rowsDigest() const override { return {}; }

private:
    bool keeps(std::size_t row, Part part) const {
        const std::lock_guard lock(m_mutex);
        return m_kept.contains({row, part});
    }
    void wait(std::size_t row, Part part) const {
        std::unique_lock lock(m_mutex);
        if (QThread::currentThread() == qApp->thread())
            readOnWindowThread = true;
        ++m_readings;
        m_changed.wait(lock, [&] { return !m_hangs; });
        if (m_fails)
            throw Error("file.read", "p.h5 cannot be read: Input/output error.", "");
        m_kept.insert({row, part});
    }

    const CompletionTable m_rows;
    mutable std::mutex m_mutex;
    mutable std::condition_variable m_changed;
    mutable std::set<std::pair<std::size_t, Part>> m_kept;
    bool m_hangs = false;
    std::atomic<bool> m_fails = false;
    mutable std::atomic<int> m_readings = 0;
};

struct Sample {
    std::shared_ptr<Disk> disk;
    std::shared_ptr<const ProjectView> view;

    explicit Sample(bool hangs) {
        auto view = *sample::view();
        disk = std::make_shared<Disk>(*view.completions);
        disk->hang(hangs);
        view.completions = std::make_shared<const CompletionTable>(
            view.completions->storedIn({disk}, view.completions->size()));
        this->view = std::make_shared<const ProjectView>(std::move(view));
    }
    ~Sample() { disk->hang(false); }
};

bool comes(const CompletionList* list, int row, int column) {
    return list->gridCellText(row, column).contains(QStringLiteral("Being read …"));
}

} // namespace

class TextsTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void cleanup() { QVERIFY(!readOnWindowThread); }

    void eachRowIsReadOnce() {
        const Sample sample(false);
        TextFeed feed;
        QSignalSpy arrived(&feed, &TextFeed::arrived);
        for (std::size_t row = 0; row < 20; ++row) {
            TextFeed::Text text;
            QTRY_VERIFY((text = feed.text(sample.view->completions, row)).state == TextFeed::State::Here);
            QCOMPARE(text.text, QString::fromStdString(sample::view()->completions->text(row)));
        }
        QCOMPARE(sample.disk->readings(), 20);
        QTRY_VERIFY(arrived.count() > 0);
        feed.text(sample.view->completions, 3);
        QCOMPARE(sample.disk->readings(), 20);
    }

    void oneThatHangsHoldsNothingUp() {
        const Sample sample(true);
        auto feed = std::make_unique<TextFeed>();
        QSignalSpy arrived(feed.get(), &TextFeed::arrived);
        for (std::size_t row = 0; row < 200; ++row)
            QVERIFY(feed->text(sample.view->completions, row % 20).state == TextFeed::State::Coming);
        QCoreApplication::processEvents();
        QCOMPARE(arrived.count(), 0);
        sample.disk->hang(false);
        QTRY_VERIFY(feed->text(sample.view->completions, 19).state == TextFeed::State::Here);
        sample.disk->hang(true);
        sample.disk->forget(); // what was read falls out of memory: nothing is read here for it
        for (std::size_t row = 0; row < 20; ++row)
            feed->text(sample.view->completions, row);
        feed.reset(); // while its thread waits for the disk
    }

    void whatFailsIsSaidAndTriedAgain() {
        const Sample sample(false);
        sample.disk->fail(true);
        TextFeed feed;
        QTRY_VERIFY(feed.text(sample.view->completions, 5).state == TextFeed::State::Failed);
        QCOMPARE(feed.text(sample.view->completions, 5).text,
                 QStringLiteral("This text cannot be read. p.h5 cannot be read: Input/output error."));
        QVERIFY(feed.read(sample.view->completions, 5, TextFeed::Part::Text).state ==
                TextFeed::State::Failed);
        const int readings = sample.disk->readings();
        feed.text(sample.view->completions, 5);
        QCOMPARE(sample.disk->readings(), readings); // not with every repaint
        sample.disk->fail(false);
        const auto text = QString::fromStdString(sample::view()->completions->text(5));
        QTRY_COMPARE_WITH_TIMEOUT(feed.text(sample.view->completions, 5).text, text, 10000);
    }

    void anotherProjectIsNotHeldUp() {
        const Sample gone(true), there(false);
        TextFeed feed;
        QVERIFY(feed.text(gone.view->completions, 1).state == TextFeed::State::Coming);
        QTRY_COMPARE(gone.disk->readings(), 1);
        QSignalSpy arrived(&feed, &TextFeed::arrived);
        QTRY_VERIFY(feed.text(there.view->completions, 1).state == TextFeed::State::Here);
        QTRY_VERIFY(arrived.count() > 0); // who waited for the other one asks again
        QVERIFY(feed.text(gone.view->completions, 2).state == TextFeed::State::Coming);
    }

    // A row whose text could not be read is shown once it can be, without anybody asking.
    void theWindowTriesAgain() {
        const Sample sample(false);
        sample.disk->fail(true);
        Window w(sample.view);
        w.open("apply");
        auto* list = w.apply->completions();
        const auto fails = [&] {
            return list->gridCellText(0, 2).contains(QStringLiteral("cannot be read"));
        };
        QTRY_VERIFY(fails());
        sample.disk->fail(false);
        QTRY_VERIFY_WITH_TIMEOUT(!fails() && !comes(list, 0, 2), 20000);
    }

    void theWindowGoesOn() {
        const Sample sample(true);
        Window w(sample.view);
        w.open("apply");
        auto* list = w.apply->completions();
        QCOMPARE(list->count(), 20);
        QVERIFY(comes(list, 0, 1));
        QVERIFY(comes(list, 0, 2));
        const auto& prompts = sample.view->study->concepts.front().set(PromptRole::TestInduce)->prompts;
        w.select([&](Selection& s) { s.promptId = QString::fromStdString(prompts[4].id); });
        QCOMPARE(w.inspected(QStringLiteral("Token ids")), QStringLiteral("being read"));
        QVERIFY(w.inspected(QStringLiteral("First change")).isEmpty());
        list->setFocus(Qt::TabFocusReason);
        QTest::keyClick(list, Qt::Key_End);
        QTest::keyClick(list, Qt::Key_Home);
        QTest::qWait(300); // a handler that waited for the disk would never end
        QVERIFY(comes(list, 19, 2));

        sample.disk->hang(false);
        QTRY_VERIFY(!comes(list, 0, 2) && !comes(list, 19, 1));
        QTRY_VERIFY(!w.inspected(QStringLiteral("First change")).isEmpty());
        QTRY_COMPARE(w.inspected(QStringLiteral("Token ids")).size(), 64);
    }

    // A filter finds what comes late.
    void aFilterWaitsForWhatIsComing() {
        const Sample sample(true);
        Window w(sample.view);
        w.open("apply");
        auto* list = w.apply->completions();
        QTest::keySequence(&w.window, QKeySequence(QStringLiteral("Ctrl+F")));
        QTest::keyClicks(QApplication::focusWidget(), QStringLiteral("sky"));
        QTRY_VERIFY(list->isFiltering());
        QTest::qWait(100);
        QVERIFY(list->isFiltering());
        QVERIFY(list->isVisible()); // no claim that nothing matches
        const auto says = [&](const QString& text) {
            for (auto* label : w.apply->findChildren<QLabel*>())
                if (label->isVisible() && label->text().contains(text))
                    return true;
            return false;
        };
        QVERIFY(says(QStringLiteral("searching")));
        sample.disk->hang(false);
        QTRY_VERIFY(!list->isFiltering());
        QCOMPARE(list->shownCount(), 1);
        QVERIFY(!says(QStringLiteral("searching")));
    }

    // Nor does it take a sentence about a failure for a text, or miss what could be read a moment later.
    void aFilterWaitsForADiskThatFails() {
        const Sample sample(false);
        sample.disk->fail(true);
        Window w(sample.view);
        w.open("apply");
        auto* list = w.apply->completions();
        QVERIFY(list->setFilter(QStringLiteral("cannot be read|Input"), true));
        QTRY_VERIFY(list->isFiltering());
        QCOMPARE(list->shownCount(), 0);
        QVERIFY(list->setFilter(QStringLiteral("sky"), false));
        QTRY_VERIFY(list->isFiltering());
        QTest::qWait(100);
        sample.disk->fail(false);
        QTRY_VERIFY_WITH_TIMEOUT(!list->isFiltering(), 20000);
        QCOMPARE(list->shownCount(), 1);
    }

    void aFilterIsGivenUpWhileItWaits() {
        const Sample sample(true);
        Window w(sample.view);
        w.open("apply");
        auto* list = w.apply->completions();
        QVERIFY(list->setFilter(QStringLiteral("sky"), false));
        QTRY_VERIFY(list->isFiltering());
        QVERIFY(list->setFilter({}, false));
        QVERIFY(!list->isFiltering());
        QCOMPARE(list->shownCount(), 20);
        sample.disk->hang(false);
        QTRY_VERIFY(!comes(list, 0, 2));
        QCOMPARE(list->shownCount(), 20);
    }
};

int main(int argc, char** argv) {
    QApplication application(argc, argv);
    Theme theme(application);
    TextsTest test;
    return QTest::qExec(&test, argc, argv);
}
#include "texts_test.moc"
