// The one Selection that links every view: where you are. A value, and the object that holds it with its
// history.
#pragma once

#include <cstdint>
#include <QObject>
#include <QString>
#include <vector>

namespace azimuth {

struct Selection {
    QString page;                    // "layers"
    QString model, concept_, method; // names; empty: none
    std::int64_t k = -1;             // -1: none
    std::int32_t position = -1;      // offset from the prompt's end
    QString promptId;                // 64 hex digits, or empty
    QString armDigest;               // 64 hex digits, or empty
    QString source;                  // of a transfer cell: the source model; empty: none
    std::int64_t otherK = -1;        // second axis of a k x k map

    friend bool operator==(const Selection&, const Selection&) = default;
};

// GUI thread. Setting an equal selection does nothing.
class SelectionModel : public QObject {
    Q_OBJECT
public:
    using QObject::QObject;

    const Selection& current() const { return m_current; }
    void set(const Selection& selection); // a change of page or model is a step of the history
    // Without history: what follows from data, such as the first model of a project that was opened.
    void replace(const Selection& selection);
    bool canGoBack() const { return !m_back.empty(); }
    bool canGoForward() const { return !m_forward.empty(); }
    void back();
    void forward();
    void clearHistory();

Q_SIGNALS:
    void changed();

private:
    Selection m_current;
    std::vector<Selection> m_back, m_forward; // at most 100 each
};

} // namespace azimuth
