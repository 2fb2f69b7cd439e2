// Texts and token ids of completions for the window's thread, which never waits long for a disk: what is in
// memory is there at once, what is not is read on a thread of the feed. Most disks answer before anybody
// notices, so read() waits for them a little, all calls within one event together; what takes longer is
// Coming, and arrived() says when to ask again. A disk that never answers (a network share that is gone)
// holds up the feed's thread and nothing else, not even the end of the program.
//
// What could not be read is Failed for a few seconds; then it is tried again. GUI thread.
#pragma once

#include "core/study/completion.h"

#include <memory>
#include <QObject>
#include <QString>

namespace azimuth {

class TextFeed : public QObject {
    Q_OBJECT
public:
    explicit TextFeed(QObject* parent = nullptr);
    ~TextFeed() override;

    using Table = std::shared_ptr<const CompletionTable>;
    using Part = CompletionSource::Part;
    enum class State { Here, Coming, Failed };
    struct Content { // of the part that was asked for
        std::string text;
        std::vector<std::int32_t> ids;
    };
    struct Answer {
        State state = State::Coming;
        Content content; // Here
        QString problem; // Failed: a sentence
    };
    Answer read(const Table& table, std::size_t row, Part part);

    // The text, or in its place what there is to say.
    struct Text {
        QString text;
        bool coming = false;
    };
    Text text(const Table& table, std::size_t row);

Q_SIGNALS:
    void arrived();

private:
    struct Shared; // with the thread, which may outlive the feed
    void startWaitingAnew();

    std::shared_ptr<Shared> m_shared;
    int m_patience = 0; // milliseconds left within this event
};

} // namespace azimuth
