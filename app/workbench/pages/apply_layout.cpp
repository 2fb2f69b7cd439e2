// The parts of the Apply page and what their controls do.
#include "app/workbench/label_toggle.h"
#include "app/workbench/pages/apply_page.h"
#include "app/workbench/theme/theme.h"
#include "widgets/empty_state.h"
#include "widgets/heatmap/heat_map.h"

#include <QComboBox>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QStackedLayout>
#include <QVBoxLayout>

namespace azimuth {
namespace {

QLabel* titleLabel(QWidget* parent) {
    auto* label = new QLabel(parent);
    label->setProperty("role", QStringLiteral("chartTitle"));
    return label;
}

QLabel* captionLabel(QWidget* parent) {
    auto* label = new QLabel(parent);
    label->setProperty("role", QStringLiteral("caption"));
    label->setTextFormat(Qt::PlainText);
    return label;
}

} // namespace

QWidget* ApplyPage::makeSweep() {
    auto* box = new QWidget(this);
    auto* columns = new QHBoxLayout(box);
    columns->setContentsMargins(0, 0, 0, 0);
    columns->setSpacing(24);
    m_curves = new QWidget(box);
    auto* left = new QVBoxLayout(m_curves);
    left->setContentsMargins(0, 0, 0, 0);
    left->setSpacing(4);
    auto* titles = new QHBoxLayout;
    titles->setSpacing(8);
    m_chartTitle = titleLabel(m_curves);
    m_chartCaption = captionLabel(m_curves);
    m_legend = new ChartLegend(m_curves);
    titles->addWidget(m_chartTitle);
    titles->addWidget(m_chartCaption, 1);
    titles->addWidget(m_legend);
    left->addLayout(titles);
    m_chart = new LineChartView(m_curves);
    m_chart->setObjectName(QStringLiteral("doseResponse"));
    m_chart->setHereTagged(true);
    left->addWidget(m_chart, 1);
    columns->addWidget(m_curves, 3);

    auto* mapBox = new QWidget(box);
    auto* right = new QVBoxLayout(mapBox);
    right->setContentsMargins(0, 0, 0, 0);
    right->setSpacing(4);
    auto* mapTitles = new QHBoxLayout;
    mapTitles->setSpacing(8);
    m_mapTitle = titleLabel(mapBox);
    m_mapTitle->setText(tr("Coherent rate, k × strength"));
    m_mapCaption = captionLabel(mapBox);
    mapTitles->addWidget(m_mapTitle);
    mapTitles->addWidget(m_mapCaption, 1);
    right->addLayout(mapTitles);
    m_map = new HeatMap(mapBox);
    m_map->setObjectName(QStringLiteral("sweepMap"));
    m_map->setColourBarShown(false);
    m_map->setColourMap(viridisMap);
    m_map->setRange({0, 1});
    m_map->view()->setSquareCells(false);
    m_map->view()->setCellText(true);
    m_map->view()->setCrosshairShown(false); // the lines would strike the values through
    m_map->view()->setLargestCell(72, 40);
    right->addWidget(m_map, 1);
    columns->addWidget(mapBox, 2);

    connect(m_chart, &LineChartView::xSelected, this, [this](double alpha) {
        for (std::size_t i = 0; m_calibration && i < m_calibration->points.size(); ++i)
            if (m_calibration->points[i].k == m_shownK && m_calibration->points[i].alpha == alpha)
                return selectPoint(static_cast<int>(i));
        showCurrent(); // the control has no completions of its own to show
    });
    connect(m_map, &HeatMap::currentChanged, this,
            [this](int row, int column) { selectPoint(m_table.at(row, column)); });
    return box;
}

QWidget* ApplyPage::makeFilterRow() {
    auto* box = new QWidget(this);
    const auto setHeight = [box] { box->setFixedHeight(Theme::instance()->px(38)); };
    connect(Theme::instance(), &Theme::changed, box, setHeight);
    setHeight();
    auto* outer = new QVBoxLayout(box);
    outer->setContentsMargins(0, 0, 0, 0);
    outer->setSpacing(0);
    auto* layout = new QHBoxLayout;
    outer->addLayout(layout, 1);
    outer->addWidget(makeRule(box));
    layout->setContentsMargins(16, 0, 16, 0);
    layout->setSpacing(8);
    m_filter = new QLineEdit(box);
    m_filter->setObjectName(QStringLiteral("completionFilter"));
    m_filter->setPlaceholderText(tr("Filter completions"));
    m_filter->setAccessibleName(tr("Filter completions"));
    m_filter->setToolTip(tr("Text in the prompt, the control or the steered completion (Ctrl+F)"));
    m_filter->addAction(Theme::icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
    m_filter->setClearButtonEnabled(true);
    m_filter->setMinimumWidth(120);
    m_filter->setMaximumWidth(260);
    layout->addWidget(m_filter, 1);
    for (const auto label : {LabelShape::coherent, LabelShape::garbled, LabelShape::normal}) {
        auto* toggle = new LabelToggle(label, box);
        m_toggles << toggle;
        layout->addWidget(toggle);
        connect(toggle, &QToolButton::toggled, this, [this] {
            std::set<LabelShape> wanted;
            for (const auto* one : m_toggles)
                if (one->isChecked())
                    wanted.insert(one->label());
            m_list->setLabelFilter(wanted);
        });
    }
    m_prompts = new QComboBox(box);
    m_prompts->setAccessibleName(tr("Prompts"));
    m_prompts->setToolTip(tr("Which prompts are listed: those of the evaluation or of the calibration"));
    m_prompts->setSizeAdjustPolicy(QComboBox::AdjustToContents);
    layout->addWidget(m_prompts);
    m_marks = new QComboBox(box);
    m_marks->addItem(tr("Mark words"), static_cast<int>(CompletionMarks::words));
    m_marks->addItem(tr("Mark none"), static_cast<int>(CompletionMarks::none));
    m_marks->setAccessibleName(tr("Marks"));
    m_marks->setToolTip(tr("Marks words that only one of the two texts has (D)"));
    layout->addWidget(m_marks);
    layout->addStretch(0);
    m_shownCount = captionLabel(box);
    m_shownCount->setAlignment(Qt::AlignRight | Qt::AlignVCenter);
    layout->addWidget(m_shownCount);
    connect(m_filter, &QLineEdit::textChanged, this,
            [this](const QString& text) { m_list->setFilter(text, false); });
    connect(m_prompts, &QComboBox::activated, this, [this] {
        m_wantedRole = static_cast<PromptRole>(m_prompts->currentData().toInt());
        fillRows();
    });
    connect(m_marks, &QComboBox::activated, this,
            [this] { m_list->setMarks(static_cast<CompletionMarks>(m_marks->currentData().toInt())); });
    return box;
}

QWidget* ApplyPage::makeTable() {
    auto* box = new QWidget(this);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(makeRule(box));
    m_filterRow = makeFilterRow();
    layout->addWidget(m_filterRow);
    m_tableStack = new QStackedLayout;
    m_list = new CompletionList(box);
    m_list->setObjectName(QStringLiteral("completions"));
    m_list->setAccessibleName(tr("Completions beside the control"));
    m_tableStack->addWidget(m_list);
    auto* holder = new QWidget(box);
    auto* holderLayout = new QVBoxLayout(holder);
    holderLayout->setContentsMargins(16, 12, 16, 12);
    m_noRows = new EmptyState(QStringLiteral("search"), {}, {}, {}, holder);
    holderLayout->addWidget(m_noRows);
    holderLayout->addStretch(1);
    m_tableStack->addWidget(holder);
    layout->addLayout(m_tableStack, 1);

    connect(m_noRows, &EmptyState::clicked, this, [this] {
        for (auto* toggle : m_toggles)
            toggle->setChecked(false);
        m_filter->clear();
        m_filter->setFocus(Qt::OtherFocusReason);
    });
    connect(m_list, &CompletionList::filtered, this, &ApplyPage::countShown);
    connect(m_list, &CompletionList::currentChanged, this, [this](int row) {
        if (row < 0 || row >= static_cast<int>(m_rows.size()))
            return;
        Selection next = selection();
        next.promptId = QString::fromStdString(m_rows[static_cast<std::size_t>(row)].prompt->id);
        Q_EMIT selectionRequested(next);
    });
    connect(m_list, &CompletionList::labelRequested, this, &ApplyPage::labelRow);
    connect(m_list, &CompletionList::noteRequested, this, [this](int row) {
        Q_EMIT m_list->currentChanged(row);
        Q_EMIT noteRequested();
    });
    connect(m_list, &CompletionList::marksChanged, this, [this](CompletionMarks marks) {
        if (marks == CompletionMarks::logProbability) // not measured in this study
            m_list->setMarks(marks = CompletionMarks::none);
        m_marks->setCurrentIndex(m_marks->findData(static_cast<int>(marks)));
    });
    return box;
}

} // namespace azimuth
