#include "app/workbench/text_feed.h"

#include "core/base/error.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <QElapsedTimer>
#include <thread>

namespace azimuth {

namespace {
using Clock = std::chrono::steady_clock;
constexpr int patience = 8;              // milliseconds
constexpr std::size_t mostWanted = 64;   // rows; of more, those asked for first are dropped
constexpr std::size_t mostOutcomes = 64; // that are not in the table's own memory
constexpr auto outcomeHolds = std::chrono::seconds(3);

// From memory or the disk.
TextFeed::Answer readNow(const TextFeed::Table& table, std::size_t row, TextFeed::Part part) {
    TextFeed::Answer answer;
    try {
        if (part == TextFeed::Part::Text)
            answer.content.text = table->text(row);
        else
            answer.content.ids = table->ids(row);
        answer.state = TextFeed::State::Here;
    } catch (const Error& error) {
        answer = {TextFeed::State::Failed, {}, QString::fromStdString(error.message())};
    } catch (const std::exception& error) {
        answer = {TextFeed::State::Failed, {}, QString::fromUtf8(error.what())};
    }
    return answer;
}
} // namespace

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
        Clock::time_point since;
    };

    std::mutex mutex;
    std::condition_variable work, done;
    std::deque<Wanted> wanted; // the newest last, which is read first
    std::deque<Outcome> outcomes;
    std::uint64_t finished = 0; // readings
    bool told = false;          // arrived() is under way
    TextFeed* feed = nullptr;   // null: gone

    static void run(const std::shared_ptr<Shared>& shared);
    void finish(const Wanted& one, Answer answer);
    Answer answer(const Wanted& one);
};

// Under the mutex.
TextFeed::Answer TextFeed::Shared::answer(const Wanted& one) {
    std::erase_if(outcomes,
                  [](const Outcome& outcome) { return Clock::now() - outcome.since > outcomeHolds; });
    const auto known =
        std::ranges::find_if(outcomes, [&](const Outcome& outcome) { return outcome.of == one; });
    if (known != outcomes.end())
        return known->answer;
    return one.table->isAtHand(one.row, one.part) ? readNow(one.table, one.row, one.part) : Answer();
}

void TextFeed::Shared::finish(const Wanted& one, Answer answer) {
    const std::lock_guard lock(mutex);
    if (answer.state == State::Failed || !one.table->isAtHand(one.row, one.part))
        outcomes.push_back({one, std::move(answer), Clock::now()});
    if (outcomes.size() > mostOutcomes)
        outcomes.pop_front();
    ++finished;
    done.notify_all();
    if (feed && !std::exchange(told, true))
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
        lock.unlock();
        shared->finish(one, readNow(one.table, one.row, one.part));
    }
}

TextFeed::TextFeed(QObject* parent)
    : QObject(parent), m_shared(std::make_shared<Shared>()), m_patience(patience) {
    m_shared->feed = this;
    // It may never come back from a disk, so nobody waits for it.
    std::thread([shared = m_shared] { Shared::run(shared); }).detach();
}

TextFeed::~TextFeed() {
    const std::lock_guard lock(m_shared->mutex);
    m_shared->feed = nullptr;
    m_shared->work.notify_all();
}

TextFeed::Answer TextFeed::read(const Table& table, std::size_t row, Part part) {
    const Shared::Wanted one{table, row, part};
    std::unique_lock lock(m_shared->mutex);
    auto answer = m_shared->answer(one);
    if (answer.state != State::Coming)
        return answer;
    auto& wanted = m_shared->wanted;
    std::erase(wanted, one);
    wanted.push_back(one);
    if (wanted.size() > mostWanted)
        wanted.pop_front();
    m_shared->work.notify_all();
    if (m_patience == patience)
        startWaitingAnew();
    QElapsedTimer waited;
    waited.start();
    while (answer.state == State::Coming) {
        const auto left = m_patience - static_cast<int>(waited.elapsed());
        if (left <= 0)
            break;
        const auto before = m_shared->finished;
        m_shared->done.wait_for(lock, std::chrono::milliseconds(left),
                                [&] { return m_shared->finished != before; });
        answer = m_shared->answer(one);
    }
    m_patience = std::max(0, m_patience - static_cast<int>(waited.elapsed()));
    return answer;
}

// When this event is over.
void TextFeed::startWaitingAnew() {
    QMetaObject::invokeMethod(
        this, [this] { m_patience = patience; }, Qt::QueuedConnection);
}

TextFeed::Text TextFeed::text(const Table& table, std::size_t row) {
    const auto answer = read(table, row, Part::Text);
    if (answer.state == State::Coming)
        return {tr("Being read …"), true};
    return {answer.state == State::Here ? QString::fromStdString(answer.content.text)
                                        : tr("This text cannot be read. %1").arg(answer.problem),
            false};
}

} // namespace azimuth
