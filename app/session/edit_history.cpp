#include "app/session/edit_history.h"

namespace azimuth {
namespace {

constexpr std::size_t mostSteps = 1000;

std::optional<std::string> textOf(const std::vector<HistoryStep>& steps) {
    return steps.empty() ? std::nullopt : std::optional(steps.back().text);
}

void push(std::vector<HistoryStep>& steps, const std::string& text, std::optional<Change> change) {
    if (!change)
        return;
    if (steps.size() == mostSteps)
        steps.erase(steps.begin());
    steps.push_back({text, std::move(*change)});
}

} // namespace

std::optional<std::string> EditHistory::undoText() const { return textOf(m_undo); }
std::optional<std::string> EditHistory::redoText() const { return textOf(m_redo); }

void EditHistory::did(const std::string& text, std::optional<Change> inverse) {
    if (!inverse)
        return;
    m_redo.clear();
    push(m_undo, text, std::move(inverse));
}

std::optional<HistoryStep> EditHistory::take(Way way) {
    auto& list = steps(way);
    if (list.empty())
        return std::nullopt;
    auto step = std::move(list.back());
    list.pop_back();
    return step;
}

void EditHistory::carriedOut(Way way, const std::string& text, std::optional<Change> inverse) {
    push(steps(way == Way::Undo ? Way::Redo : Way::Undo), text, std::move(inverse));
}

void EditHistory::putBack(Way way, HistoryStep step) { steps(way).push_back(std::move(step)); }

void EditHistory::clear() {
    m_undo.clear();
    m_redo.clear();
}

} // namespace azimuth
