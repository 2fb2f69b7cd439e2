#include "app/workbench/pages/overview_page.h"

#include "app/workbench/pages/next_step.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"
#include "core/base/units.h"
#include "core/results/transfer_matrix.h"
#include "widgets/banner.h"
#include "widgets/data_table.h"
#include "widgets/empty_state.h"
#include "widgets/interval.h"
#include "widgets/numbers.h"

#include <cmath>
#include <QFileInfo>
#include <QHeaderView>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
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

QLabel* sectionTitle(const QString& text, QWidget* parent) {
    auto* label = new QLabel(text, parent);
    label->setProperty("role", QStringLiteral("section"));
    return label;
}

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

} // namespace

OverviewPage::OverviewPage(QWidget* parent)
    : Page(QStringLiteral("overview"), tr("Overview"), QStringLiteral("overview"), parent) {
    m_runButton = addButton(tr("Run what is missing"), QStringLiteral("run"));
    connect(m_runButton, &QPushButton::clicked, this, &Page::runRequested);
    m_stack = new QStackedLayout;
    body()->addLayout(m_stack, 1);
    m_start = makeStart();
    m_study = makeStudy();
    m_stack->addWidget(m_start);
    m_stack->addWidget(m_study);
}

QWidget* OverviewPage::makeStart() {
    auto* box = new QWidget(this);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    m_demo = new EmptyState(QStringLiteral("azimuth"), tr("Demo study"),
                            tr("Extracts a verse direction from SmolLM2, calibrates it, and carries it over. "
                               "About 3 min on two cores."),
                            tr("Run the demo"), box);
    m_demo->button()->setProperty("primary", true);
    m_open = new EmptyState(
        QStringLiteral("open"), tr("A project or a study"),
        tr("Opens a project (.h5), or a study (.json), which then runs. You can also drop a file here."),
        tr("Open…"), box);
    layout->addWidget(m_demo);
    layout->addWidget(m_open);
    layout->addWidget(sectionTitle(tr("Recent projects"), box));
    m_recent = new QListWidget(box);
    m_recent->setAccessibleName(tr("Recent projects"));
    m_recent->setFrameShape(QFrame::NoFrame);
    layout->addWidget(m_recent, 1);
    connect(m_demo, &EmptyState::clicked, this, &Page::demoRequested);
    connect(m_open, &EmptyState::clicked, this, &Page::openRequested);
    connect(m_recent, &QListWidget::itemActivated, this,
            [this](QListWidgetItem* item) { Q_EMIT fileRequested(item->data(Qt::UserRole).toString()); });
    setRecentFiles({});
    return box;
}

QWidget* OverviewPage::makeStudy() {
    auto* box = new QWidget(this);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    m_banner = new Banner({}, {}, {}, box);
    layout->addWidget(m_banner);
    connect(m_banner, &Banner::clicked, this, [this] {
        if (nextStep(*view(), activity()).runs)
            Q_EMIT runRequested();
        else {
            Selection next = selection();
            next.page = QStringLiteral("transfer");
            Q_EMIT selectionRequested(next);
        }
    });
    layout->addWidget(sectionTitle(tr("State of the study"), box));
    m_rows = new QStandardItemModel(this);
    m_table = new DataTable(tr("State of the study"), box);
    m_table->setModel(m_rows);
    m_table->setFitsRows(true);
    layout->addWidget(m_table);
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
    layout->addWidget(sectionTitle(tr("What was found"), box));
    m_findingRows = new QStandardItemModel(this);
    m_findings = new DataTable(tr("What was found"), box);
    m_findings->setModel(m_findingRows);
    m_findings->setFitsRows(true);
    layout->addWidget(m_findings);
    layout->addStretch(1);
    return box;
}

void OverviewPage::setRecentFiles(const QStringList& paths) {
    m_recent->clear();
    for (const auto& path : paths) {
        auto* item = new QListWidgetItem(
            QFileInfo(path).fileName() + QStringLiteral("   ") + QFileInfo(path).path(), m_recent);
        item->setData(Qt::UserRole, path);
        item->setToolTip(path);
    }
    if (paths.isEmpty()) {
        auto* item = new QListWidgetItem(tr("No projects yet. The ones you open are listed here."), m_recent);
        item->setFlags(Qt::NoItemFlags);
    }
}

bool OverviewPage::usesField(const QString& field) const {
    return field == QLatin1String("model") || field == QLatin1String("concept");
}

QWidget* OverviewPage::firstFocus() { return view() ? static_cast<QWidget*>(m_table) : m_demo->button(); }

void OverviewPage::refresh() {
    m_stack->setCurrentWidget(view() ? m_study : m_start);
    m_runButton->setVisible(view() != nullptr);
    if (!view())
        return;
    m_runButton->setEnabled(!activity().running && nextStep(*view(), activity()).runs);
    fillBanner();
    fillState();
    fillFindings();
}

void OverviewPage::fillBanner() {
    const auto step = nextStep(*view(), activity());
    m_banner->setText(step.title, step.line, step.button);
}

void OverviewPage::fillState() {
    const auto& study = *view()->study;
    m_rows->clear();
    m_rows->setHorizontalHeaderLabels({tr("Model"), tr("Blocks"), tr("Width"), tr("Precision"),
                                       tr("Extracted"), tr("Best k"), tr("Strength"),
                                       tr("Own coherent rate, 95 %")});
    for (const int column : {BlocksColumn, WidthColumn, StrengthColumn})
        m_rows->horizontalHeaderItem(column)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    const auto* value = concept_() ? concept_() : &study.concepts.front();
    const auto matrix = transferMatrix(*view(), study, *value);
    for (std::size_t i = 0; i < study.models.size(); ++i) {
        const auto& reference = study.models[i];
        const auto* found = view()->model(reference.name);
        const auto* calibration = found ? view()->calibration(found->identity, value->name) : nullptr;
        const auto* choice = calibration ? calibration->choice() : nullptr;
        const bool extracted = found && view()->bank(found->identity, value->name, study.methods.front());
        auto* name = textItem(QString::fromStdString(reference.name));
        name->setData(QString::fromStdString(reference.name) == selection().model, HereRole);
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
        const auto& own = matrix.at(i, i);
        row << (own.notMeasured
                    ? stateItem(State::notMeasured, QString::fromStdString(own.notMeasured->shortReason))
                    : rateItem(own.own));
        m_rows->appendRow(row);
    }
    const int widths[] = {170, 64, 64, 76, 90, 190, 80};
    for (int i = 0; i < 7; ++i)
        m_table->setColumnWidth(i, Theme::instance()->px(widths[i]));
    m_table->horizontalHeader()->setStretchLastSection(true);
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
                     textItem(QString::fromStdString(calibration->reason))});
        }
        const auto matrix = transferMatrix(*view(), study, value);
        for (const auto& cell : matrix.cells) {
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
            auto* finding = textItem(text);
            finding->setData(cell.notMeasured.has_value(), MutedRole);
            m_findingRows->appendRow({textItem(about), finding});
        }
    }
    for (int row = 0; row < m_findingRows->rowCount(); ++row)
        m_findingRows->item(row, 1)->setToolTip(m_findingRows->item(row, 1)->text());
    m_findings->setColumnWidth(0, Theme::instance()->px(270));
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
    return content;
}

} // namespace azimuth
