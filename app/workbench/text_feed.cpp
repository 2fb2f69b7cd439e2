#include "app/workbench/text_feed.h"

#include "core/base/error.h"

#include <QElapsedTimer>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <tuple>

namespace azimuth {

namespace {
using Clock = std::chrono::steady_clock;
constexpr int patience = 8;            // milliseconds
constexpr std::size_t mostWanted = 64; // rows; of more, those asked for first are dropped
constexpr std::size_t mostOutcomes = 256;
constexpr auto outcomeHolds = std::chrono::seconds(3);
} // namespace

struct TextFeed::Shared {
    struct Wanted {
        Table table;
        std::size_t row;
        Part part;
        bool is(const Table& other, std::size_t otherRow, Part otherPart) const {
            return table == other && row == otherRow && part == otherPart;
        }
    };
    struct Outcome {
        Wanted of;
        QString
            problem; // empty: it was read, and what little is not in memory any more the system has at hand
        Clock::time_point since;
    };

    std::mutex mutex;
    std::condition_variable work, done;
    std::deque<Wanted> wanted; // the newest last, which is read first
    std::deque<Outcome> outcomes;
    std::uint64_t finished = 0; // readings
    bool told = false;          // arrived() is under way
    TextFeed* feed = nullptr;   // null: gone

    static void run(std::shared_ptr<Shared> shared);
    void finish(const Wanted& one, const QString& problem);
    Answer answer(const Table& table, std::size_t row, Part part);
};

TextFeed::Answer TextFeed::Shared::answer(const Table& table, std::size_t row, Part part) {
    std::erase_if(outcomes, [](const Outcome& one) { return Clock::now() - one.since > outcomeHolds; });
    for (const auto& one : outcomes)
        if (one.of.is(table, row, part))
            return {one.problem.isEmpty() ? State::Here : State::Failed, one.problem};
    return {table->isAtHand(row, part) ? State::Here : State::Coming, {}};
}

void TextFeed::Shared::finish(const Wanted& one, const QString& problem) {
    const std::lock_guard lock(mutex);
    outcomes.push_back({one, problem, Clock::now()});
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

void TextFeed::Shared::run(std::shared_ptr<Shared> shared) {
    for (;;) {
        std::unique_lock lock(shared->mutex);
        shared->work.wait(lock, [&] { return !shared->feed || !shared->wanted.empty(); });
        if (!shared->feed)
            return;
        const auto one = std::move(shared->wanted.back());
        shared->wanted.pop_back();
        lock.unlock();
        QString problem;
        try {
            if (one.part == Part::Text)
                one.table->text(one.row);
            else
                one.table->ids(one.row);
        } catch (const Error& error) {
            problem = QString::fromStdString(error.message());
        } catch (const std::exception& error) {
            problem = QString::fromUtf8(error.what());
        }
        shared->finish(one, problem);
    }
}

TextFeed::TextFeed(QObject* parent)
    : QObject(parent), m_shared(std::make_shared<Shared>()), m_patience(patience) {
    m_shared->feed = this;
    std::thread(Shared::run, m_shared).detach(); // it may never come back from a disk
}

TextFeed::~TextFeed() {
    const std::lock_guard lock(m_shared->mutex);
    m_shared->feed = nullptr;
    m_shared->work.notify_all();
}

TextFeed::Answer TextFeed::ask(const Table& table, std::size_t row, Part part) {
    if (table->isAtHand(row, part))
        return {State::Here, {}};
    std::unique_lock lock(m_shared->mutex);
    auto answer = m_shared->answer(table, row, part);
    if (answer.state != State::Coming)
        return answer;
    auto& wanted = m_shared->wanted;
    std::erase_if(wanted, [&](const auto& one) { return one.is(table, row, part); });
    wanted.push_back({table, row, part});
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
        answer = m_shared->answer(table, row, part);
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
    const auto answer = ask(table, row, Part::Text);
    switch (answer.state) {
    case State::Here:
        try {
            return {QString::fromStdString(table->text(row)), false};
        } catch (const Error& error) {
            return {tr("This text cannot be read. %1").arg(QString::fromStdString(error.message())), false};
        }
    case State::Coming:
        return {tr("Being read …"), true};
    case State::Failed:
        break;
    }
    return {tr("This text cannot be read. %1").arg(answer.problem), false};
}

} // namespace azimuth
