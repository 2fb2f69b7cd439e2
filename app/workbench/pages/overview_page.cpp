#include "app/workbench/pages/overview_page.h"

#include "app/workbench/pages/next_step.h"
#include "app/workbench/results_cache.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"
#include "core/base/units.h"
#include "core/results/transfer_matrix.h"
#include "widgets/banner.h"
#include "widgets/data_table.h"
#include "widgets/empty_state.h"
#include "widgets/interval.h"
#include "widgets/numbers.h"

#include <algorithm>
#include <cmath>
#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QStackedLayout>
#include <QStandardItemModel>
#include <QVBoxLayout>

namespace azimuth {
namespace {

enum Column {
    NameColumn,
    BlocksColumn,
    WidthColumn,
    PrecisionColumn,
    ExtractedColumn,
    BestColumn,
    StrengthColumn,
    RateColumn
};

constexpr int widestTable = 1120; // longer lines are hard to follow with the eye

QStandardItem* textItem(const QString& text, bool right = false) {
    auto* item = new QStandardItem(text);
    item->setEditable(false);
    item->setTextAlignment((right ? Qt::AlignRight : Qt::AlignLeft) | Qt::AlignVCenter);
    return item;
}

QStandardItem* stateItem(State state, const QString& text) {
    auto* item = textItem(text);
    item->setData(static_cast<int>(state), StateRole);
    return item;
}

QStandardItem* rateItem(const Rate& rate) {
    auto* item = textItem(formatPercent(rate.value));
    item->setData(QVariant::fromValue(MeasuredValue{rate.value, rate.low, rate.high, 0, 1}), ValueRole);
    item->setToolTip(words::rateText(rate));
    return item;
}

QStandardItem* findingItem(const QString& text, const QString& whole, bool muted) {
    auto* item = textItem(text);
    item->setToolTip(whole);
    item->setData(muted, MutedRole);
    return item;
}

// "R[16], 9.14 (0.8 × raw norm): 7 of 12 coherent, 0 garbled"; without a choice, the reason.
QString calibrationText(const Calibration& calibration, StrengthUnit unit) {
    const auto* choice = calibration.choice();
    if (!choice)
        return QString::fromStdString(calibration.reason);
    QString text = OverviewPage::tr("%1, %2: %3 of %4 coherent, %5 garbled")
                       .arg(words::siteText(choice->k), words::strengthText(*choice, unit))
                       .arg(choice->coherent)
                       .arg(choice->n)
                       .arg(choice->garbled);
    if (calibration.status == CalibrationStatus::NotBracketed)
        text += OverviewPage::tr(", at the edge of the grid");
    return text;
}

} // namespace

OverviewPage::OverviewPage(QWidget* parent)
    : Page(QStringLiteral("overview"), tr("Overview"), QStringLiteral("overview"), parent) {
    m_runButton = addButton(tr("Run what is missing"), QStringLiteral("run"));
    connect(m_runButton, &QPushButton::clicked, this, &Page::runRequested);
    m_line = new QLabel(this);
    m_line->setProperty("role", QStringLiteral("secondary"));
    m_line->setTextFormat(Qt::PlainText);
    headerMiddle()->addWidget(m_line);
    m_stack = new QStackedLayout;
    body()->addLayout(m_stack, 1);
    m_start = makeStart();
    m_study = makeStudy();
    m_stack->addWidget(m_start);
    m_stack->addWidget(m_study);
}

QWidget* OverviewPage::makeStudy() {
    auto* box = new QWidget(this);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    m_banner = new Banner({}, {}, {}, box);
    layout->addWidget(m_banner);
    connect(m_banner, &Banner::clicked, this, [this] {
        if (nextStep(sharedView(), activity()).runs)
            Q_EMIT runRequested();
        else {
            Selection next = selection();
            next.page = QStringLiteral("transfer");
            Q_EMIT selectionRequested(next);
        }
    });
    layout->addWidget(makeSectionTitle(tr("State of the study"), box));
    m_rows = new QStandardItemModel(this);
    m_table = new DataTable(tr("State of the study"), box);
    m_table->setModel(m_rows);
    m_table->setFitsRows(true);
    m_table->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_table->setMaximumWidth(widestTable);
    layout->addWidget(m_table);
    makeEdits();
    connect(m_table, &DataTable::rowActivated, this, [this](int row) {
        Selection next = selection();
        next.model = m_rows->item(row, NameColumn)->text();
        next.page = QStringLiteral("layers");
        Q_EMIT selectionRequested(next);
    });
    connect(m_table, &QTableView::clicked, this, [this](const QModelIndex& index) {
        Selection next = selection();
        next.model = m_rows->item(index.row(), NameColumn)->text();
        Q_EMIT selectionRequested(next);
    });
    layout->addSpacing(4);
    layout->addWidget(makeSectionTitle(tr("What was found"), box));
    m_findingRows = new QStandardItemModel(this);
    m_findings = new DataTable(tr("What was found"), box);
    m_findings->setModel(m_findingRows);
    m_findings->setFitsRows(true);
    m_findings->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    m_findings->setMaximumWidth(widestTable);
    layout->addWidget(m_findings);
    layout->addStretch(1);
    auto* scroll = new QScrollArea(this); // for low windows; there is no other one in the page
    scroll->setAccessibleName(tr("Study"));
    scroll->setFocusPolicy(Qt::NoFocus);
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->setHorizontalScrollBarPolicy(Qt::ScrollBarAlwaysOff);
    scroll->viewport()->setAutoFillBackground(false);
    scroll->setWidget(box);
    box->setAutoFillBackground(false);
    return scroll;
}

bool OverviewPage::usesField(const QString& field) const {
    return field == QLatin1String("model") || field == QLatin1String("concept");
}

QWidget* OverviewPage::firstFocus() { return view() ? static_cast<QWidget*>(m_table) : m_demo->button(); }

void OverviewPage::refresh() {
    m_stack->setCurrentWidget(view() ? m_study : m_start);
    m_runButton->setVisible(view() != nullptr);
    m_line->setText(view() ? QString::fromStdString(view()->study->title)
                           : tr("Find a steering direction, look at it layer by layer, apply it, carry it to "
                                "another model"));
    if (!view())
        return;
    const auto step = nextStep(sharedView(), activity());
    m_runButton->setEnabled(!activity().running && step.runs);
    m_banner->setText(step.title, step.line, step.button);
    const auto* value = concept_() ? concept_() : &view()->study->concepts.front();
    const auto matrix = ResultsCache::instance().transfer(sharedView(), value->name);
    const Shown now{sharedView(), matrix, QString::fromStdString(value->name), activity().running,
                    activity().runningModel};
    if (!(now == m_shown) && !m_table->isEditing()) { // else when the editor has closed
        const auto current = m_table->currentIndex();
        if (m_wanted.isEmpty() && current.isValid())
            m_wanted = m_rows->item(current.row(), NameColumn)->text();
        fillState(matrix.get());
        fillFindings();
        m_shown = now;
    }
    for (int row = 0; row < m_rows->rowCount(); ++row) {
        auto* name = m_rows->item(row, NameColumn);
        name->setData(name->text() == selection().model, HereRole);
    }
    followEdit();
}

void OverviewPage::fillState(const TransferMatrix* matrix) {
    const auto& study = *view()->study;
    m_table->clearSpans();
    m_rows->clear();
    m_rows->setHorizontalHeaderLabels({tr("Model"), tr("Blocks"), tr("Width"), tr("Precision"),
                                       tr("Extracted"), tr("Best k"), tr("Strength"),
                                       tr("Own coherent rate, 95 %")});
    for (const int column : {BlocksColumn, WidthColumn, StrengthColumn})
        m_rows->horizontalHeaderItem(column)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    const auto* value = concept_() ? concept_() : &study.concepts.front();
    for (std::size_t i = 0; i < study.models.size(); ++i) {
        const auto& reference = study.models[i];
        const auto* found = view()->model(reference.name);
        const auto* calibration = found ? view()->calibration(found->identity, value->name) : nullptr;
        const auto* choice = calibration ? calibration->choice() : nullptr;
        const bool extracted = found && view()->bank(found->identity, value->name, study.methods.front());
        auto* name = textItem(QString::fromStdString(reference.name));
        name->setEditable(true);
        name->setToolTip(tr("F2 renames, Alt+Up and Alt+Down move, Del removes from the study"));
        QList<QStandardItem*> row{name, textItem(found ? QString::number(found->blocks) : QString(), true),
                                  textItem(found ? QString::number(found->width) : QString(), true),
                                  textItem(QString::fromStdString(toString(reference.precision)))};
        row << (extracted ? stateItem(State::done, {}) : stateItem(State::waiting, tr("waiting")));
        if (choice) {
            auto* best = textItem(QString::number(choice->k));
            best->setData(QStringLiteral("(%1)").arg(formatPercent(static_cast<double>(choice->k) /
                                                                   static_cast<double>(found->blocks))),
                          SuffixRole);
            row << best << textItem(formatNumber(choice->alpha), true);
        } else {
            const QString why =
                !reference.calibrate ? tr("not calibrated, by choice")
                : calibration        ? QString::fromStdString(toString(calibration->status))
                : activity().running && activity().runningModel == QString::fromStdString(reference.name)
                    ? tr("calibrating")
                    : tr("not calibrated");
            row << stateItem(!reference.calibrate ? State::notMeasured
                             : calibration        ? State::failed
                                                  : State::waiting,
                             why)
                << textItem({});
        }
        if (!matrix)
            row << stateItem(State::waiting, tr("being read"));
        else if (const auto& own = matrix->at(i, i); own.notMeasured)
            row << stateItem(State::notMeasured, QString::fromStdString(own.notMeasured->shortReason));
        else
            row << rateItem(own.own);
        m_rows->appendRow(row);
        if (!choice) // one reason over three columns
            m_table->setSpan(static_cast<int>(i), BestColumn, 1, 3);
    }
    m_table->horizontalHeader()->setStretchLastSection(true);
    arrangeColumns();
}

// Where the page is too narrow for the columns all of them give way, so that the rate stays in sight.
void OverviewPage::arrangeColumns() {
    const auto px = [](int n) { return Theme::instance()->px(n); };
    const int widths[] = {160, 60, 60, 80, 80, 104, 76}, rate = 150;
    int all = 0;
    for (const int width : widths)
        all += px(width);
    const double share =
        std::min(1.0, static_cast<double>(std::min(width() - 48, widestTable) - px(rate)) / all);
    for (int i = 0; i < 7; ++i)
        m_table->setColumnWidth(i, static_cast<int>(px(widths[i]) * share));
}

void OverviewPage::resizeEvent(QResizeEvent* event) {
    Page::resizeEvent(event);
    if (view())
        arrangeColumns();
}

void OverviewPage::fillFindings() {
    const auto& study = *view()->study;
    m_findingRows->clear();
    m_findingRows->setHorizontalHeaderLabels({tr("About"), tr("Finding")});
    for (const auto& value : study.concepts) {
        for (const auto& reference : study.models) {
            const auto* found = view()->model(reference.name);
            const auto* calibration = found ? view()->calibration(found->identity, value.name) : nullptr;
            if (calibration)
                m_findingRows->appendRow(
                    {textItem(tr("Calibration, %1").arg(QString::fromStdString(reference.name))),
                     findingItem(calibrationText(*calibration, study.sweep.unit),
                                 QString::fromStdString(calibration->reason), !calibration->choice())});
        }
        const auto matrix = ResultsCache::instance().transfer(sharedView(), value.name);
        if (!matrix)
            continue;
        for (const auto& cell : matrix->cells) {
            if (cell.kind == CellKind::Own)
                continue;
            const QString about =
                tr("%1 on %2").arg(QString::fromStdString(cell.source), QString::fromStdString(cell.target));
            QString text;
            if (cell.notMeasured)
                text = QString::fromStdString(cell.notMeasured->reason);
            else
                text = tr("excess efficiency %1%2, %3, cosine %4")
                           .arg(formatFixed(cell.excessTe, 2),
                                std::isfinite(cell.excessTeLow) ? QStringLiteral(" (%1)").arg(formatRange(
                                                                      cell.excessTeLow, cell.excessTeHigh, 2))
                                                                : QString(),
                                QString::fromStdString(toString(cell.kind)), formatFixed(cell.cosine, 3));
            m_findingRows->appendRow(
                {textItem(about),
                 cell.notMeasured
                     ? findingItem(
                           tr("not measured: %1").arg(QString::fromStdString(cell.notMeasured->shortReason)),
                           text, true)
                     : findingItem(text, text, false)});
        }
    }
    m_findings->setColumnWidth(0, Theme::instance()->px(260));
    m_findings->horizontalHeader()->setStretchLastSection(true);
}

InspectorContent OverviewPage::inspector() const {
    if (!view())
        return {};
    const auto& study = *view()->study;
    InspectorContent content;
    content.name = QString::fromStdString(view()->title);
    content.kind = tr("Study");
    InspectorSection declaration{tr("Declaration"), {}, {}};
    for (const auto& value : study.concepts) {
        declaration.rows.push_back({tr("Concept"), QString::fromStdString(value.name)});
        const auto count = [&](PromptRole role) {
            return value.set(role) ? static_cast<qulonglong>(value.set(role)->prompts.size()) : 0;
        };
        declaration.rows.push_back(
            {tr("Prompts"), tr("%1 + %2").arg(count(PromptRole::Positive)).arg(count(PromptRole::Negative))});
        declaration.rows.push_back(
            {tr("Calibrated on"), tr("%1 prompts").arg(count(PromptRole::Calibration))});
        declaration.rows.push_back({tr("Evaluated on"), tr("%1 prompts").arg(count(PromptRole::TestInduce))});
        declaration.rows.push_back({tr("Judge"), QString::fromStdString(value.induce.name)});
    }
    declaration.rows.push_back({tr("Method"), tr("DIM, difference in means")});
    declaration.rows.push_back({tr("Sites"), tr("R[k], every k")});
    declaration.rows.push_back(
        {tr("Decoding"), tr("%1, %2 new tokens")
                             .arg(study.decoding.temperature == 0 ? tr("greedy") : tr("sampled"))
                             .arg(study.decoding.maximumNewTokens)});
    declaration.paragraph = QString::fromStdString(study.description);
    content.sections.push_back(declaration);
    InspectorSection file{tr("Project"), {}, {}};
    file.rows = {
        {tr("Generation"), QString::number(view()->generation)},
        {tr("Saved"), words::whenText(view()->saved)},
        {tr("Completions"), QLocale::c().toString(static_cast<qulonglong>(view()->completions->size()))},
        {tr("Jobs"), QString::number(view()->jobs.size())},
        {tr("Id"), QString::fromStdString(view()->uuid), true}};
    content.sections.push_back(file);
    if (const auto* found = model()) {
        InspectorSection section{tr("Model"), {}, {}};
        section.rows = {{tr("Name"), QString::fromStdString(found->name), false, true},
                        {tr("Family"), QString::fromStdString(found->family)},
                        {tr("Stored as"), QString::fromStdString(found->storage)},
                        {tr("Computed in"), QString::fromStdString(toString(found->compute))},
                        {tr("Parameters"),
                         QString::fromStdString(numberText(static_cast<double>(found->parameters) / 1e6)) +
                             tr(" million")},
                        {tr("Memory"), QString::fromStdString(bytesText(found->memoryBytes))},
                        {tr("Template"), found->hasTemplate ? tr("yes") : tr("none: prompts are read plain")},
                        {tr("Identity"), QString::fromStdString(found->identity), true}};
        content.sections.push_back(section);
    }
    content.note = noteOn(NoteSubject::Project, {});
    return content;
}

} // namespace azimuth
