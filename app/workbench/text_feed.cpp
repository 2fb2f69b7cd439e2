#include "app/workbench/text_feed.h"

#include "core/base/error.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>
#include <QElapsedTimer>
#include <thread>

namespace azimuth {

namespace {
using Clock = std::chrono::steady_clock;
constexpr int patience = 8;            // milliseconds
constexpr std::size_t mostWanted = 64; // rows; of more, those asked for first are dropped
constexpr std::size_t mostContents = 64, mostFailures = 4096; // that are remembered
constexpr auto shortestHold = std::chrono::seconds(3);

using Part = TextFeed::Part;
using State = TextFeed::State;

// reading(): gives the content or throws.
template <class Reading> TextFeed::Answer answerOf(const Reading& reading) {
    try {
        return {State::Here, reading(), {}, false};
    } catch (const Error& error) {
        return {
            State::Failed, {}, QString::fromStdString(error.message()), error.code().starts_with("file.")};
    } catch (const std::exception& error) {
        return {State::Failed, {}, QString::fromUtf8(error.what()), false};
    }
}

TextFeed::Answer fromDisk(const TextFeed::Table& table, std::size_t row, Part part) {
    return answerOf([&] {
        return part == Part::Text ? TextFeed::Content{table->text(row), {}}
                                  : TextFeed::Content{{}, table->ids(row)};
    });
}

std::optional<TextFeed::Content> atHand(const TextFeed::Table& table, std::size_t row, Part part) {
    if (part == Part::Text) {
        if (auto text = table->textAtHand(row))
            return TextFeed::Content{std::move(*text), {}};
    } else if (auto ids = table->idsAtHand(row)) {
        return TextFeed::Content{{}, std::move(*ids)};
    }
    return {};
}
} // namespace

// Of one table and one thread.
struct TextFeed::Shared {
    struct Wanted {
        Table table;
        std::size_t row;
        Part part;
        friend bool operator==(const Wanted&, const Wanted&) = default;
    };
    struct Outcome { // a failure, or what the table has not kept
        Wanted of;
        Answer answer;
        Clock::time_point until;
    };

    std::mutex mutex;
    std::condition_variable work, done;
    std::deque<Wanted> wanted;     // the newest last, which is read first
    std::optional<Wanted> reading; // by the thread now
    std::deque<Outcome> contents, failures;
    std::uint64_t finished = 0; // readings
    bool told = false;          // arrived() is under way
    TextFeed* feed = nullptr;   // null: nobody wants it any more

    static void run(const std::shared_ptr<Shared>& shared);
    void finish(const Wanted& one, Answer answer, Clock::duration took);
    Answer answer(const Wanted& one);
    void want(const Wanted& one);
    void leave();
};

// Under the mutex.
TextFeed::Answer TextFeed::Shared::answer(const Wanted& one) {
    const auto now = Clock::now();
    for (auto* outcomes : {&contents, &failures}) {
        std::erase_if(*outcomes, [&](const Outcome& outcome) { return now >= outcome.until; });
        const auto known =
            std::ranges::find_if(*outcomes, [&](const Outcome& outcome) { return outcome.of == one; });
        if (known != outcomes->end())
            return known->answer;
    }
    bool here = false;
    auto found = answerOf([&] {
        auto content = atHand(one.table, one.row, one.part);
        here = content.has_value();
        return std::move(content).value_or(Content());
    });
    return here || found.state == State::Failed ? found : Answer();
}

// Under the mutex.
void TextFeed::Shared::want(const Wanted& one) {
    if (reading == one)
        return;
    std::erase(wanted, one);
    wanted.push_back(one);
    if (wanted.size() > mostWanted)
        wanted.pop_front();
    work.notify_all();
}

void TextFeed::Shared::finish(const Wanted& one, Answer answer, Clock::duration took) {
    const std::lock_guard lock(mutex);
    reading.reset();
    const auto hold = std::max<Clock::duration>(shortestHold, 4 * took);
    const bool lasts = answer.state == State::Failed && !answer.passing;
    const bool failed = answer.state == State::Failed;
    auto& outcomes = failed ? failures : contents;
    if (failed || !atHand(one.table, one.row, one.part))
        outcomes.push_back({one, std::move(answer), lasts ? Clock::time_point::max() : Clock::now() + hold});
    if (outcomes.size() > (failed ? mostFailures : mostContents))
        outcomes.pop_front();
    ++finished;
    done.notify_all();
    if (!feed || std::exchange(told, true))
        return;
    QMetaObject::invokeMethod(
        feed,
        [feed = feed, shared = feed->m_shared] {
            {
                const std::lock_guard again(shared->mutex);
                shared->told = false;
            }
            Q_EMIT feed->arrived();
        },
        Qt::QueuedConnection);
}

void TextFeed::Shared::run(const std::shared_ptr<Shared>& shared) {
    for (;;) {
        std::unique_lock lock(shared->mutex);
        shared->work.wait(lock, [&] { return !shared->feed || !shared->wanted.empty(); });
        if (!shared->feed)
            return;
        const auto one = std::move(shared->wanted.back());
        shared->wanted.pop_back();
        shared->reading = one;
        lock.unlock();
        const auto start = Clock::now();
        auto answer = fromDisk(one.table, one.row, one.part);
        shared->finish(one, std::move(answer), Clock::now() - start);
    }
}

void TextFeed::Shared::leave() {
    const std::lock_guard lock(mutex);
    feed = nullptr;
    wanted.clear();
    contents.clear();
    failures.clear();
    work.notify_all();
}

TextFeed::TextFeed(QObject* parent) : QObject(parent), m_patience(patience) {
    m_again.setSingleShot(true);
    connect(&m_again, &QTimer::timeout, this, &TextFeed::arrived);
    startThread();
}

TextFeed::~TextFeed() { m_shared->leave(); }

void TextFeed::startThread() {
    m_shared = std::make_shared<Shared>();
    m_shared->feed = this;
    // It may never come back from a disk, so nobody waits for it.
    std::thread([shared = m_shared] { Shared::run(shared); }).detach();
}

// What another table is asked for does not wait behind the last one's.
void TextFeed::follow(const Table& table) {
    if (std::exchange(m_table, table) == table)
        return;
    std::unique_lock lock(m_shared->mutex);
    const bool busy = m_shared->reading.has_value();
    if (busy || !m_shared->wanted.empty()) // whoever waits for one of those asks again
        QMetaObject::invokeMethod(this, &TextFeed::arrived, Qt::QueuedConnection);
    m_shared->wanted.clear();
    m_shared->contents.clear();
    m_shared->failures.clear();
    if (!busy)
        return;
    lock.unlock();
    m_shared->leave();
    startThread();
}

TextFeed::Answer TextFeed::read(const Table& table, std::size_t row, Part part) {
    follow(table);
    const Shared::Wanted one{table, row, part};
    std::unique_lock lock(m_shared->mutex);
    auto answer = m_shared->answer(one);
    if (answer.state == State::Coming)
        m_shared->want(one);
    QElapsedTimer waited;
    waited.start();
    const bool waits = answer.state == State::Coming;
    while (answer.state == State::Coming) {
        const auto left = m_patience - static_cast<int>(waited.elapsed());
        if (left <= 0)
            break;
        const auto before = m_shared->finished;
        m_shared->done.wait_for(lock, std::chrono::milliseconds(left),
                                [&] { return m_shared->finished != before; });
        answer = m_shared->answer(one);
    }
    lock.unlock();
    if (waits)
        spend(waited.elapsed());
    if (answer.passing)
        tryAgainLater();
    return answer;
}

void TextFeed::spend(qint64 milliseconds) {
    m_patience = std::max(0, m_patience - static_cast<int>(milliseconds));
    if (!std::exchange(m_spent, true))
        QMetaObject::invokeMethod(
            this,
            [this] {
                m_spent = false;
                m_patience = patience;
            },
            Qt::QueuedConnection);
}

// When the first failure that may pass is over.
void TextFeed::tryAgainLater() {
    if (m_again.isActive())
        return;
    const std::lock_guard lock(m_shared->mutex);
    auto first = Clock::time_point::max();
    for (const auto& one : m_shared->failures)
        first = std::min(first, one.until);
    if (first != Clock::time_point::max())
        m_again.start(std::chrono::duration_cast<std::chrono::milliseconds>(first - Clock::now()) +
                      std::chrono::milliseconds(1));
}

TextFeed::Text TextFeed::text(const Table& table, std::size_t row) {
    const auto answer = read(table, row, Part::Text);
    switch (answer.state) {
    case State::Here:
        return {QString::fromStdString(answer.content.text), State::Here, false};
    case State::Coming:
        return {tr("Being read …"), State::Coming, false};
    case State::Failed:
        break;
    }
    return {tr("This text cannot be read. %1").arg(answer.problem), State::Failed, answer.passing};
}

} // namespace azimuth
