// What the user can take back and do again, in this session. Undoing is an edit like any other, so it is
// logged too. One thread.
#pragma once

#include "core/study/edit.h"

#include <optional>
#include <string>
#include <vector>

namespace azimuth {

struct HistoryStep {
    std::string text; // of the edit that it takes back or does again
    Change change;
};

class EditHistory {
public:
    // Text of the next step; nothing if there is none.
    std::optional<std::string> undoText() const;
    std::optional<std::string> redoText() const;

    // A new edit: what was taken back cannot be done again. inverse: nothing for what cannot be taken back,
    // which leaves the history as it is.
    void did(const std::string& text, std::optional<Change> inverse);

    // The next step leaves its list while it is carried out: then carriedOut with its inverse, or putBack.
    enum class Way { Undo, Redo };
    std::optional<HistoryStep> take(Way way);
    void carriedOut(Way way, const std::string& text, std::optional<Change> inverse);
    void putBack(Way way, HistoryStep step);

    void clear();

private:
    std::vector<HistoryStep>& steps(Way way) { return way == Way::Undo ? m_undo : m_redo; }
    std::vector<HistoryStep> m_undo, m_redo;
};

} // namespace azimuth
