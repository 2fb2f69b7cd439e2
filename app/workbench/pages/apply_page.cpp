#include "app/workbench/pages/apply_page.h"

#include "app/workbench/arms.h"
#include "app/workbench/label_toggle.h"
#include "app/workbench/pages/next_step.h"
#include "app/workbench/results_cache.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"
#include "widgets/empty_state.h"
#include "widgets/heatmap/heat_map.h"
#include "widgets/numbers.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QResizeEvent>
#include <QStackedLayout>
#include <QVBoxLayout>

namespace azimuth {
namespace {

constexpr int sweepHeight = 216, tallSweepHeight = 320;
constexpr double notANumber = std::numeric_limits<double>::quiet_NaN();

QString q(const std::string& text) { return QString::fromStdString(text); }

} // namespace

ApplyPage::ApplyPage(QWidget* parent)
    : Page(QStringLiteral("apply"), tr("Apply"), QStringLiteral("apply"), parent) {
    m_export = addButton(tr("Export…"), QStringLiteral("export"));
    connect(m_export, &QPushButton::clicked, this,
            [this] { Q_EMIT exportRequested(QStringLiteral("dose-response")); });
    connect(setPrimary(tr("Calibrate")), &QPushButton::clicked, this, &Page::runRequested);

    m_texts = new TextFeed(this);
    connect(m_texts, &TextFeed::arrived, this, [this] {
        if (isVisible())
            m_list->textsArrived();
        else
            m_textsArrived = true;
        if (std::exchange(m_inspectorWaits, false)) // for a text, or to try again
            Q_EMIT inspectorChanged();
    });
    body()->setContentsMargins(0, 0, 0, 0);
    body()->setSpacing(0);
    auto* top = new QWidget(this);
    auto* topLayout = new QVBoxLayout(top);
    topLayout->setContentsMargins(16, 12, 16, 8);
    m_noSweep = new EmptyState(QStringLiteral("apply"), {}, {}, {}, top);
    connect(m_noSweep, &EmptyState::clicked, this, &Page::runRequested);
    m_sweep = makeSweep();
    topLayout->addWidget(m_noSweep);
    topLayout->addWidget(m_sweep);
    body()->addWidget(top);
    m_lower = makeTable();
    body()->addWidget(m_lower, 1);
    body()->addStretch(0);
}

bool ApplyPage::usesField(const QString& field) const { return field != QLatin1String("position"); }

void ApplyPage::focusFilter() {
    if (m_lower->isVisible())
        m_filter->setFocus(Qt::ShortcutFocusReason);
}

QWidget* ApplyPage::firstFocus() {
    if (!m_rows.empty() && m_tableStack->currentWidget() == m_list)
        return m_list;
    if (m_calibration)
        return m_map->view();
    return m_noSweep->button()->isVisible() ? m_noSweep->button() : nullptr;
}

void ApplyPage::showEvent(QShowEvent* event) {
    Page::showEvent(event);
    if (std::exchange(m_textsArrived, false))
        m_list->textsArrived();
}

void ApplyPage::resizeEvent(QResizeEvent* event) {
    Page::resizeEvent(event);
    m_sweep->setFixedHeight(Theme::instance()->px(height() > 900 ? tallSweepHeight : sweepHeight));
}

void ApplyPage::refresh() {
    m_arms = armIndex(sharedView());
    const auto step = view() ? nextStep(sharedView(), activity()) : NextStep{};
    primaryButton()->setEnabled(view() && step.runs && !activity().running);
    primaryButton()->setToolTip(activity().running ? tr("The study is running.")
                                : step.runs        ? tr("Runs what the study is missing (Ctrl+Return)")
                                                   : tr("Nothing is missing."));
    refreshSweep();
    refreshRows();
    m_shownView = sharedView();
    showCurrent();
}

const Calibration* ApplyPage::wouldChoose() const {
    if (!m_calibration || !model() || !concept_())
        return nullptr;
    const auto now =
        ResultsCache::instance().wouldChoose(sharedView(), concept_()->name, selection().model.toStdString());
    return now && !now->id.empty() ? now.get() : nullptr; // kept by the cache while this view is shown
}

const Arm* ApplyPage::arm() const {
    return m_arms ? m_arms->find(selection().armDigest.toStdString()) : nullptr;
}

int ApplyPage::pointOfArm() const {
    const auto digest = selection().armDigest.toStdString();
    const auto found = std::find(m_pointArms.begin(), m_pointArms.end(), digest);
    return digest.empty() || found == m_pointArms.end() ? -1 : static_cast<int>(found - m_pointArms.begin());
}

void ApplyPage::refreshSweep() {
    const auto* found = model();
    const auto* calibration =
        found && concept_() ? view()->calibration(found->identity, concept_()->name) : nullptr;
    if (calibration && calibration->points.empty())
        calibration = nullptr;
    const bool same =
        calibration == m_calibration && m_shownView && view() && m_shownView->study == view()->study &&
        m_shownView->arms.size() == view()->arms.size() && m_shownView->banks.size() == view()->banks.size();
    m_calibration = calibration;
    m_sweep->setVisible(calibration);
    m_noSweep->setVisible(!calibration);
    m_export->setVisible(calibration);
    primaryButton()->setVisible(calibration); // else the empty row has it
    if (!calibration) {
        m_pointArms.clear();
        m_table = {};
        const auto* reference = view() ? view()->study->model(selection().model.toStdString()) : nullptr;
        if (reference && !reference->calibrate)
            m_noSweep->setText(tr("Not calibrated, by choice"),
                               tr("The study does not sweep %1.").arg(selection().model), {});
        else if (activity().running)
            m_noSweep->setText(tr("No sweep yet"),
                               tr("The study is running; the sweep is shown when its completions are there."),
                               {});
        else
            m_noSweep->setText(tr("No sweep yet"),
                               tr("A sweep finds the strength that steers and stays readable."),
                               view() ? tr("Calibrate") : QString());
        return;
    }
    const auto unit = view()->study->sweep.unit;
    if (!same) {
        m_table = SweepTable::of(*calibration);
        m_pointArms.clear();
        for (const auto& point : calibration->points)
            m_pointArms.push_back(m_arms->ofPoint(*found, bank(), point));
        auto data = sweepMap(*calibration, m_table, unit);
        data.name = tr("Coherent rate by k and strength, %1").arg(selection().model);
        m_map->setData(std::move(data));
        int chosenRow = -1, chosenColumn = -1;
        for (std::size_t i = 0; calibration->chosen && i < m_table.points.size(); ++i)
            if (m_table.points[i] == static_cast<int>(*calibration->chosen)) {
                chosenRow = static_cast<int>(i / m_table.strengths.size());
                chosenColumn = static_cast<int>(i % m_table.strengths.size());
            }
        m_map->view()->setChosen(chosenRow, chosenColumn);
        m_shownK = -1;
    }
    m_mapCaption->setText(wouldChoose()         ? tr("labels changed since")
                          : calibration->chosen ? tr("framed: the choice")
                                                : q(toString(calibration->status)));
    const int row = m_table.nearestRow(selection().k);
    const auto k = m_table.ks.at(static_cast<std::size_t>(std::max(row, 0)));
    const bool swept = k == selection().k || selection().k < 0;
    m_chartTitle->setText(tr("Dose-response, %1").arg(words::siteText(k)));
    m_chartCaption->setText(swept ? tr("%1 prompts, 95 %").arg(calibration->controlN)
                                  : tr("%1 was not swept").arg(words::siteText(selection().k)));
    if (k == m_shownK)
        return;
    m_shownK = k;
    const auto series = doseResponse(*calibration, k);
    ChartAxis x, y;
    x.title = tr("strength at %1").arg(words::siteText(k));
    y.title = QStringLiteral("%");
    y.range = {0, 100};
    y.ticks = {0, 25, 50, 75, 100};
    m_chart->setData(tr("Dose-response of %1 at %2").arg(selection().model, words::siteText(k)), series, x,
                     y);
    m_legend->setSeries(series);
    const auto* choice = calibration->choice();
    m_chart->setChosen(choice && choice->k == k ? choice->alpha : notANumber,
                       choice ? tr("chosen, %1").arg(formatNumber(choice->alpha)) : QString());
}

void ApplyPage::selectPoint(int point) {
    if (point < 0 || !m_calibration)
        return showCurrent();
    Selection next = selection();
    next.k = m_calibration->points.at(static_cast<std::size_t>(point)).k;
    const auto& digest = m_pointArms.at(static_cast<std::size_t>(point));
    if (!digest.empty())
        next.armDigest = q(digest);
    Q_EMIT selectionRequested(next);
    showCurrent();
}

void ApplyPage::refreshRows() {
    const auto* one = arm();
    const auto* found = model();
    const bool any = found && concept_() && one;
    m_lower->setVisible(found && concept_() &&
                        (m_calibration || !m_arms->measuredOn(found->identity).empty()));
    std::shared_ptr<const std::vector<ComparisonRow>> rows;
    if (any)
        rows = ResultsCache::instance().comparison(sharedView(), concept_()->name,
                                                   selection().model.toStdString(),
                                                   selection().armDigest.toStdString());
    const bool reading = any && !rows;
    if (rows == m_allRows && reading == m_reading)
        return;
    const QString of = any ? selection().model + q(concept_()->name) + selection().armDigest : QString();
    if (reading && m_allRows && of == m_rowsOf && m_rowsView->completions == view()->completions &&
        m_rowsView->study == view()->study)
        return; // labels are being counted again; the rows stay until then
    const bool labels = rows && of == m_rowsOf && labelsOnlyChanged(*rows);
    m_allRows = rows;
    m_rowsView = sharedView();
    m_rowsOf = of;
    m_reading = reading;
    if (labels)
        return takeLabels();
    if (any)
        m_list->setTitles(tr("Control"), one->isControl() ? tr("Control again")
                                                          : tr("Steered, %1").arg(words::armText(*one)));
    fillRows();
}

void ApplyPage::fillRows() {
    int counts[2] = {0, 0};
    for (const auto& row : allRows())
        ++counts[row.role == PromptRole::Calibration];
    const auto role = m_wantedRole == PromptRole::Calibration
                          ? (counts[1] ? PromptRole::Calibration : PromptRole::TestInduce)
                          : (counts[0] ? PromptRole::TestInduce : PromptRole::Calibration);
    m_prompts->clear();
    if (counts[0])
        m_prompts->addItem(tr("Evaluation, %1").arg(counts[0]), static_cast<int>(PromptRole::TestInduce));
    if (counts[1])
        m_prompts->addItem(tr("Calibration, %1").arg(counts[1]), static_cast<int>(PromptRole::Calibration));
    m_prompts->setCurrentIndex(m_prompts->findData(static_cast<int>(role)));
    m_prompts->setVisible(m_prompts->count() > 1);
    m_filterRow->setVisible(!allRows().empty());
    m_rows.clear();
    for (const auto& row : allRows())
        if (row.role == role)
            m_rows.push_back(row);
    countLabels();
    m_list->setRows(static_cast<int>(m_rows.size()), [this](int row) { return fetch(row); });
    countShown();
    showCurrent();
    Q_EMIT inspectorChanged();
}

bool ApplyPage::labelsOnlyChanged(const std::vector<ComparisonRow>& rows) const {
    const auto same = [](const ComparisonRow& a, const ComparisonRow& b) {
        return a.prompt->id == b.prompt->id && a.role == b.role && a.control == b.control &&
               a.steered == b.steered;
    };
    return m_allRows && std::equal(rows.begin(), rows.end(), m_allRows->begin(), m_allRows->end(), same);
}

// The list stays where it is, and a row that was labelled away from the filter stays in sight.
void ApplyPage::takeLabels() {
    const auto role = m_rows.empty() ? m_wantedRole : m_rows.front().role;
    m_rows.clear();
    for (const auto& row : allRows())
        if (row.role == role)
            m_rows.push_back(row);
    countLabels();
    m_list->rowsChanged(0, static_cast<int>(m_rows.size()) - 1);
    Q_EMIT inspectorChanged();
}

void ApplyPage::countLabels() {
    std::map<LabelShape, int> labels;
    for (const auto& row : m_rows)
        if (row.steeredLabel)
            ++labels[words::labelOf(row.steeredLabel->verdict)];
    for (auto* toggle : m_toggles)
        toggle->setCount(labels[toggle->label()]);
}

void ApplyPage::labelRow(int index, LabelShape label) {
    const auto& row = m_rows.at(static_cast<std::size_t>(index));
    const auto verdict = words::verdictOf(label);
    const bool byHand = row.steeredLabel && row.steeredLabel->source == Label::Source::Human;
    if (row.steered < 0 || (!verdict && !byHand))
        return;
    const auto& key = view()->completions->key(static_cast<std::size_t>(row.steered));
    const QString of = tr("prompt %1").arg(numberOf(row));
    Q_EMIT editRequested(verdict ? tr("label %1 of %2").arg(q(toString(*verdict)), of)
                                 : tr("clear label of %1").arg(of),
                         SetLabels{{{key, verdict}}, {}});
}

QString ApplyPage::numberOf(const ComparisonRow& row) const {
    const auto* set = concept_() ? concept_()->set(row.role) : nullptr;
    if (!set || set->prompts.empty())
        return {};
    return QString::number(row.prompt - set->prompts.data() + 1);
}

CompletionRow ApplyPage::fetch(int index) const {
    const auto& row = m_rows.at(static_cast<std::size_t>(index));
    CompletionRow out;
    out.number = numberOf(row);
    out.prompt = q(row.prompt->text);
    const auto text = [&](std::int64_t at) {
        if (at < 0)
            return tr("Not measured yet");
        auto text = m_texts->text(view()->completions, static_cast<std::size_t>(at));
        out.coming = out.coming || text.state == TextFeed::State::Coming;
        out.failed = out.failed || text.state == TextFeed::State::Failed;
        out.passing = out.passing || text.passing;
        return text.text;
    };
    out.control = text(row.control);
    out.steered = text(row.steered);
    if (row.steeredLabel) {
        out.label = words::labelOf(row.steeredLabel->verdict);
        out.labelNote = row.steeredLabel->source == Label::Source::Rule
                            ? row.steeredLabel->reason.empty() ? tr("by rule") : q(row.steeredLabel->reason)
                            : tr("by hand, %1").arg(q(row.steeredLabel->rater));
    }
    return out;
}

const std::vector<ComparisonRow>& ApplyPage::allRows() const {
    static const std::vector<ComparisonRow> none;
    return m_allRows ? *m_allRows : none;
}

const ComparisonRow* ApplyPage::row() const {
    const auto wanted = selection().promptId.toStdString();
    for (const auto& one : allRows())
        if (one.prompt->id == wanted)
            return &one;
    return nullptr;
}

void ApplyPage::showCurrent() {
    const int point = pointOfArm();
    if (m_calibration) {
        const auto* at = point >= 0 ? &m_calibration->points[static_cast<std::size_t>(point)] : nullptr;
        m_chart->setHereTagged(at != m_calibration->choice()); // "chosen, 15" stands there already
        m_chart->setHere(at && at->k == m_shownK ? at->alpha : notANumber);
        int row = m_table.nearestRow(selection().k), column = -1;
        if (row >= 0 && m_table.ks[static_cast<std::size_t>(row)] != selection().k)
            row = -1;
        for (int i = 0; at && row >= 0 && i < static_cast<int>(m_table.strengths.size()); ++i)
            if (m_table.at(row, i) == point)
                column = i;
        m_map->setCurrent(row, column);
    }
    int current = -1;
    const auto wanted = selection().promptId.toStdString();
    for (std::size_t i = 0; i < m_rows.size(); ++i)
        if (m_rows[i].prompt->id == wanted)
            current = static_cast<int>(i);
    if (current != m_list->current())
        m_list->setCurrent(current);
}

void ApplyPage::countShown() {
    const int count = m_list->count(), shown = m_list->shownCount();
    const auto counted = m_list->isFiltering() ? tr("%1 of %2, searching …") : tr("%1 of %2");
    m_shownCount->setText(count > 0 ? counted.arg(shown).arg(count) : QString());
    const bool none = shown == 0 && !m_list->isFiltering();
    if (m_reading)
        m_noRows->setText(tr("The completions are being read"), tr("A large project takes a moment."), {});
    else if (none && count == 0)
        m_noRows->setText(arm() ? tr("No completions of this arm yet") : tr("No arm is selected"),
                          m_calibration ? tr("Click a cell of the map to read its completions.")
                                        : tr("Choose an arm in the bar above to read its completions."),
                          {});
    else if (none)
        m_noRows->setText(m_filter->text().isEmpty() ? tr("No completion has these labels")
                                                     : tr("No completion matches “%1”").arg(m_filter->text()),
                          {}, tr("Clear filter"));
    m_tableStack->setCurrentIndex(none ? 1 : 0);
}

} // namespace azimuth
