// Texts and token ids of completions for the window's thread, which never waits long for a disk: what is in
// memory is there at once, what is not is read on a thread of the feed. Most disks answer before anybody
// notices, so read() waits for them a little, all calls within one event together; what takes longer is
// Coming, and arrived() says when to ask again. A disk that never answers (a network share that is gone)
// holds up that thread and nothing else: not another project's texts, not the end of the program.
//
// What a disk could not read is Failed for a while, at least three seconds and longer than reading it takes;
// then arrived() says that it is worth asking again. What is not what it should be stays Failed. GUI thread.
#pragma once

#include "core/study/completion.h"

#include <memory>
#include <QObject>
#include <QString>
#include <QTimer>

namespace azimuth {

class TextFeed : public QObject {
    Q_OBJECT
public:
    explicit TextFeed(QObject* parent = nullptr);
    ~TextFeed() override;

    using Table = std::shared_ptr<const CompletionTable>;
    enum class Part { Text, Ids };
    enum class State { Here, Coming, Failed };
    struct Content { // of the part that was asked for
        std::string text;
        std::vector<std::int32_t> ids;
    };
    struct Answer {
        State state = State::Coming;
        Content content;      // Here
        QString problem;      // Failed: a sentence
        bool passing = false; // Failed: arrived() will say when to ask again
    };
    Answer read(const Table& table, std::size_t row, Part part);

    // The text, or in its place what there is to say.
    struct Text {
        QString text;
        State state = State::Here;
        bool passing = false;
    };
    Text text(const Table& table, std::size_t row);

Q_SIGNALS:
    void arrived();

private:
    struct Shared; // with its thread, which may outlive the feed
    void startThread();
    void spend(qint64 milliseconds);
    void tryAgainLater();
    void follow(const Table& table);

    std::shared_ptr<Shared> m_shared;
    Table m_table;        // that was asked of last
    int m_patience = 0;   // milliseconds left within this event
    bool m_spent = false; // some of them; they are there again when the event is over
    QTimer m_again;       // when the first failure is worth another try
};

} // namespace azimuth
