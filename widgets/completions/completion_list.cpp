#include "widgets/completions/completion_list.h"

#include <QElapsedTimer>
#include <QPainter>
#include <QScrollBar>
#include <QTimer>

namespace azimuth {

namespace {

constexpr int estimatedHeight = 70;
constexpr int cachedLayouts = 400;
constexpr int sliceMilliseconds = 8;
constexpr int mostTries = 3; // of a row that cannot be read, for a filter

} // namespace

CompletionList::CompletionList(QWidget* parent)
    : QAbstractScrollArea(parent), m_filterTimer(new QTimer(this)), m_layouts(cachedLayouts),
      m_tokens(lightTokens()) {
    installAccessibleGrids();
    setAccessibleName(tr("Completions"));
    setFrameShape(QFrame::NoFrame);
    setFocusPolicy(Qt::StrongFocus);
    setProperty("ownFocus", true);
    setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    viewport()->setMouseTracking(true);
    m_filterTimer->setInterval(0);
    connect(m_filterTimer, &QTimer::timeout, this, &CompletionList::filterSlice);
}

CompletionList::~CompletionList() = default;

void CompletionList::setRows(int count, std::function<CompletionRow(int)> fetch) {
    m_count = std::max(0, count);
    m_fetch = std::move(fetch);
    m_current = m_current < m_count ? m_current : -1;
    m_cursor = m_cursor < m_count ? m_cursor : -1;
    m_layouts.clear();
    m_unsettled.clear();
    m_columns = completionColumns(m_tokens, viewport()->width());
    startFilter();
    announceGridReset(this);
}

void CompletionList::rowsChanged(int first, int last) {
    for (int row = first; row <= last && row < m_count; ++row) {
        m_layouts.remove(row);
        if (const int shown = shownOf(row); shown >= 0 && m_heights.isMeasured(shown)) {
            m_heights.measure(shown, layout(row).height());
        }
    }
    updateScrollBar();
    viewport()->update();
}

bool CompletionList::isInSight(int shown) const {
    if (shown < 0 || m_heights.count() != shownCount()) {
        return false;
    }
    const long long y = m_heights.top(shown) - verticalScrollBar()->value();
    return y + m_heights.height(shown) > 0 && y < viewport()->height() - headerHeight();
}

void CompletionList::textsArrived() {
    const bool any = shownCount() > 0 && m_heights.count() == shownCount();
    const int chosen = shownOf(m_keyboard && m_cursor >= 0 ? m_cursor : m_current);
    const int anchor = isInSight(chosen) ? chosen : any ? m_heights.rowAt(verticalScrollBar()->value()) : -1;
    const long long offset = any ? m_heights.top(anchor) - verticalScrollBar()->value() : 0;
    const bool wasUnsettled = m_unsettled.contains(m_cursor);
    for (const int row : m_unsettled) {
        m_layouts.remove(row);
    }
    constexpr int rounds = 4; // rows that come into sight are measured then
    for (int round = 0; any && round < rounds; ++round) {
        measureVisible();
        const auto value = static_cast<int>(std::max(0LL, m_heights.top(anchor) - offset));
        if (value == verticalScrollBar()->value()) {
            break;
        }
        verticalScrollBar()->setValue(value);
    }
    viewport()->update();
    if (wasUnsettled && !m_unsettled.contains(m_cursor) && m_keyboard && hasFocus()) {
        announceGridCursor(this, shownOf(m_cursor), 2);
    }
    if (std::exchange(m_filterWaits, false)) {
        m_filterTimer->start();
    }
}

void CompletionList::setTitles(const QString& control, const QString& steered) {
    m_controlTitle = control;
    m_steeredTitle = steered;
    viewport()->update();
}

void CompletionList::setMarks(CompletionMarks marks) {
    if (marks != m_marks) {
        m_marks = marks;
        relayout();
    }
}

void CompletionList::setTokens(const Tokens& tokens) {
    m_tokens = tokens;
    m_columns = completionColumns(m_tokens, viewport()->width());
    relayout();
}

// Everything is laid out again; the row at the top stays there.
void CompletionList::relayout() {
    const int top = shownCount() > 0 ? m_heights.rowAt(verticalScrollBar()->value()) : -1;
    m_layouts.clear();
    resetHeights();
    if (top >= 0) {
        verticalScrollBar()->setValue(static_cast<int>(m_heights.top(top)));
    }
    measureVisible();
    viewport()->update();
}

void CompletionList::resetHeights() {
    m_heights.reset(shownCount(), m_tokens.px(estimatedHeight));
    updateScrollBar();
}

void CompletionList::updateScrollBar() {
    const int room = std::max(1, viewport()->height() - headerHeight());
    const long long most = std::max(0LL, m_heights.total() - room);
    verticalScrollBar()->setRange(
        0, static_cast<int>(std::min<long long>(most, std::numeric_limits<int>::max())));
    verticalScrollBar()->setPageStep(room);
    verticalScrollBar()->setSingleStep(m_tokens.px(36));
}

const CompletionLayout& CompletionList::layout(int row) const {
    if (const CompletionLayout* found = m_layouts.object(row)) {
        return *found;
    }
    auto* made = new CompletionLayout(m_fetch(row), m_tokens, m_columns, m_marks, m_search);
    m_layouts.insert(row, made);
    if (made->row().coming || made->row().passing) {
        m_unsettled.insert(row);
    } else {
        m_unsettled.erase(row);
    }
    return *made;
}

// Rows on the screen get their true heights; what lies above the first of them moves nothing.
void CompletionList::measureVisible() {
    if (shownCount() == 0 || m_heights.count() != shownCount()) {
        return;
    }
    const int room = viewport()->height() - headerHeight();
    const int scroll = verticalScrollBar()->value();
    const int first = m_heights.rowAt(scroll);
    const long long inside = scroll - m_heights.top(first);
    bool changed = false;
    long long y = -inside;
    for (int shown = first; shown < shownCount() && y < room; ++shown) {
        const int row = rowOfShown(shown);
        if (!m_heights.isMeasured(shown) || m_unsettled.contains(row)) {
            m_heights.measure(shown, layout(row).height());
            changed = true;
        }
        y += m_heights.height(shown);
    }
    if (changed) {
        updateScrollBar();
    }
}

bool CompletionList::isFiltering() const { return m_filterTimer->isActive() || m_filterWaits; }

bool CompletionList::setFilter(const QString& text, bool regularExpression, QString* error) {
    const QRegularExpression search(regularExpression ? text : QRegularExpression::escape(text),
                                    QRegularExpression::CaseInsensitiveOption |
                                        QRegularExpression::UseUnicodePropertiesOption);
    if (!search.isValid()) {
        if (error) {
            *error = tr("%1 at character %2").arg(search.errorString()).arg(search.patternErrorOffset() + 1);
        }
        return false;
    }
    m_search = search;
    m_layouts.clear();
    startFilter();
    return true;
}

void CompletionList::setLabelFilter(std::set<LabelShape> labels) {
    m_labels = std::move(labels);
    startFilter();
}

void CompletionList::setPinnedOnly(bool pinned) {
    m_pinnedOnly = pinned;
    startFilter();
}

CompletionList::Match CompletionList::match(const CompletionRow& row) const {
    if ((!m_labels.empty() && !m_labels.contains(row.label)) || (m_pinnedOnly && !row.pinned)) {
        return Match::No;
    }
    if (m_search.pattern().isEmpty() || m_search.match(row.prompt).hasMatch()) {
        return Match::Yes;
    }
    if (row.coming || row.passing) {
        return Match::NotKnown;
    }
    if (row.failed) {
        return Match::No;
    }
    return m_search.match(row.control).hasMatch() || m_search.match(row.steered).hasMatch() ? Match::Yes
                                                                                            : Match::No;
}

void CompletionList::startFilter() {
    m_filtered = !m_search.pattern().isEmpty() || !m_labels.empty() || m_pinnedOnly;
    m_shown.clear();
    m_filterNext = 0;
    m_filterWaits = false;
    m_filterTries = 0;
    m_hovered = -1;
    if (m_filtered && m_count > 0) {
        filterSlice();
        return;
    }
    m_filterTimer->stop();
    resetHeights();
    measureVisible();
    viewport()->update();
    Q_EMIT filtered(shownCount(), m_count);
}

void CompletionList::filterSlice() {
    QElapsedTimer timer;
    timer.start();
    while (m_filterNext < m_count && timer.elapsed() < sliceMilliseconds) {
        const CompletionRow row = m_fetch(m_filterNext);
        const Match found = match(row);
        if (found == Match::NotKnown && m_filterTries < mostTries) {
            m_filterTries += row.coming ? 0 : 1;
            m_filterWaits = true;
            break;
        }
        m_filterTries = 0;
        if (found == Match::Yes) {
            m_shown.push_back(m_filterNext);
        }
        ++m_filterNext;
    }
    const bool more = m_filterNext < m_count && !m_filterWaits;
    if (more != m_filterTimer->isActive()) {
        more ? m_filterTimer->start() : m_filterTimer->stop();
    }
    resetHeights();
    measureVisible();
    viewport()->update();
    Q_EMIT filtered(shownCount(), m_count);
}

int CompletionList::shownOf(int row) const {
    if (!m_filtered) {
        return row >= 0 && row < m_count ? row : -1;
    }
    const auto found = std::lower_bound(m_shown.begin(), m_shown.end(), row);
    return found != m_shown.end() && *found == row ? static_cast<int>(found - m_shown.begin()) : -1;
}

void CompletionList::setCurrent(int row) {
    m_current = row >= 0 && row < m_count ? row : -1;
    if (const int shown = shownOf(m_current); shown >= 0) {
        reveal(shown);
    }
    viewport()->update();
}

// Rows that come into sight are measured then, which may push the wanted one out again: hence the few rounds.
void CompletionList::reveal(int shown) {
    if (!m_heights.isMeasured(shown)) {
        m_heights.measure(shown, layout(rowOfShown(shown)).height());
        updateScrollBar();
    }
    constexpr int rounds = 8;
    for (int round = 0; round < rounds; ++round) {
        const int room = viewport()->height() - headerHeight();
        const long long top = m_heights.top(shown);
        const long long end = top + m_heights.height(shown);
        const int value = verticalScrollBar()->value();
        if (top >= value && (end <= value + room || top == value)) {
            return;
        }
        verticalScrollBar()->setValue(static_cast<int>(top < value ? top : std::min(top, end - room)));
        measureVisible();
    }
}

void CompletionList::scrollContentsBy(int, int) {
    measureVisible();
    viewport()->update();
}

void CompletionList::resizeEvent(QResizeEvent* event) {
    QAbstractScrollArea::resizeEvent(event);
    const CompletionColumns columns = completionColumns(m_tokens, viewport()->width());
    if (!(columns == m_columns)) {
        m_columns = columns;
        relayout();
    } else {
        updateScrollBar();
        measureVisible();
    }
}

void CompletionList::paintHeader(QPainter& painter) const {
    const int height = headerHeight();
    painter.fillRect(0, 0, viewport()->width(), height, m_tokens.base);
    painter.fillRect(0, height - 1, viewport()->width(), 1, m_tokens.line);
    painter.setFont(m_tokens.sans(12, QFont::Medium));
    painter.setPen(m_tokens.secondary);
    const auto title = [&](int left, int right, const QString& text) {
        const QRect place(left, 0, right - left - 8, height - 1);
        painter.drawText(place, Qt::AlignLeft | Qt::AlignVCenter,
                         painter.fontMetrics().elidedText(text, Qt::ElideRight, place.width()));
    };
    title(16, m_columns.control, tr("Prompt"));
    title(m_columns.control + 8, m_columns.steered,
          m_controlTitle.isEmpty() ? tr("Control") : m_controlTitle);
    title(m_columns.steered + 8, m_columns.label, m_steeredTitle.isEmpty() ? tr("Steered") : m_steeredTitle);
    title(m_columns.label + 8, m_columns.end, tr("Label"));
}

void CompletionList::paintEvent(QPaintEvent*) {
    QPainter painter(viewport());
    painter.fillRect(viewport()->rect(), m_tokens.base);
    if (shownCount() > 0 && m_heights.count() == shownCount()) {
        const int scroll = verticalScrollBar()->value();
        const int first = m_heights.rowAt(scroll);
        int y = headerHeight() + static_cast<int>(m_heights.top(first) - scroll);
        for (int shown = first; shown < shownCount() && y < viewport()->height(); ++shown) {
            const int row = rowOfShown(shown);
            const int height = m_heights.height(shown);
            const QRect place(0, y, viewport()->width(), height);
            const bool here = row == m_current;
            if (here || shown == m_hovered) {
                painter.fillRect(place, here ? m_tokens.alternate : m_tokens.hover);
            }
            for (const int x : {m_columns.control, m_columns.steered, m_columns.label}) {
                painter.fillRect(x, y, 1, height, m_tokens.line);
            }
            painter.fillRect(0, place.bottom(), place.width(), 1, m_tokens.line);
            if (here) {
                painter.fillRect(0, y, 3, height - 1, m_tokens.here);
            }
            layout(row).paint(painter, m_tokens, place.topLeft());
            if (row == m_cursor && m_keyboard && hasFocus()) {
                painter.setPen(QPen(m_tokens.accent, 2, Qt::SolidLine, Qt::SquareCap, Qt::MiterJoin));
                painter.setBrush(Qt::NoBrush);
                painter.drawRect(place.adjusted(4, 1, -2, -3));
            }
            y += height;
        }
    }
    paintHeader(painter);
}

} // namespace azimuth
