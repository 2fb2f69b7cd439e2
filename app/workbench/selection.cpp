#include "app/workbench/selection.h"

#include <utility>

namespace azimuth {

namespace {
constexpr std::size_t historyLimit = 100;
}

void SelectionModel::set(const Selection& selection) {
    if (selection == m_current)
        return;
    if (selection.page != m_current.page || selection.model != m_current.model) {
        m_back.push_back(m_current);
        if (m_back.size() > historyLimit)
            m_back.erase(m_back.begin());
        m_forward.clear();
    }
    m_current = selection;
    Q_EMIT changed();
}

void SelectionModel::replace(const Selection& selection) {
    if (selection == m_current)
        return;
    m_current = selection;
    Q_EMIT changed();
}

void SelectionModel::back() {
    if (m_back.empty())
        return;
    m_forward.push_back(m_current);
    m_current = m_back.back();
    m_back.pop_back();
    Q_EMIT changed();
}

void SelectionModel::forward() {
    if (m_forward.empty())
        return;
    m_back.push_back(m_current);
    m_current = m_forward.back();
    m_forward.pop_back();
    Q_EMIT changed();
}

void SelectionModel::clearHistory() {
    m_back.clear();
    m_forward.clear();
    Q_EMIT changed();
}

} // namespace azimuth
