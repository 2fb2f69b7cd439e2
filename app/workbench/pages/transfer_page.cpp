#include "app/workbench/pages/transfer_page.h"

#include "app/workbench/pages/next_step.h"
#include "app/workbench/results_cache.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"
#include "core/results/transfer_plan.h"
#include "widgets/data_table.h"
#include "widgets/empty_state.h"
#include "widgets/interval.h"
#include "widgets/matrix/matrix.h"
#include "widgets/numbers.h"
#include "widgets/segments.h"

#include <cmath>
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

MatrixCell::Kind kindOf(NotMeasured::Kind kind) {
    switch (kind) {
    case NotMeasured::Kind::Cannot:
        return MatrixCell::Kind::cannot;
    case NotMeasured::Kind::NotYet:
        return MatrixCell::Kind::notYet;
    case NotMeasured::Kind::Running:
        return MatrixCell::Kind::running;
    case NotMeasured::Kind::Failed:
        return MatrixCell::Kind::failed;
    case NotMeasured::Kind::ByChoice:
        return MatrixCell::Kind::byChoice;
    }
    return MatrixCell::Kind::notYet;
}

QString q(const std::string& text) { return QString::fromStdString(text); }

} // namespace

TransferPage::TransferPage(QWidget* parent)
    : Page(QStringLiteral("transfer"), tr("Transfer"), QStringLiteral("transfer"), parent) {
    m_segments = new Segments(tr("Transfer view"), this);
    m_segments->add(tr("Efficiency"));
    m_segments->add(tr("Over control"));
    m_segments->add(tr("Coherent rate"));
    m_segments->add(tr("Cosine"));
    headerMiddle()->addWidget(m_segments);
    m_export = addButton(tr("Export…"), QStringLiteral("export"));
    connect(m_export, &QPushButton::clicked, this,
            [this] { Q_EMIT exportRequested(QStringLiteral("transfer")); });
    connect(setPrimary(tr("Measure")), &QPushButton::clicked, this, &Page::runRequested);

    m_stack = new QStackedLayout;
    body()->addLayout(m_stack, 1);
    auto* holder = new QWidget(this);
    auto* holderLayout = new QVBoxLayout(holder);
    holderLayout->setContentsMargins(0, 0, 0, 0);
    m_empty = new EmptyState(QStringLiteral("transfer"), tr("No transfer cells yet"),
                             tr("Two models of equal width and a calibrated target are needed."), {}, holder);
    holderLayout->addWidget(m_empty);
    holderLayout->addStretch(1);
    m_stack->addWidget(holder);

    m_content = new QWidget(this);
    auto* layout = new QVBoxLayout(m_content);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(12);
    auto* scroll = new QScrollArea(m_content);
    scroll->setAccessibleName(tr("Transfer matrix"));
    scroll->setFocusPolicy(Qt::NoFocus); // the matrix in it has the focus
    scroll->setFrameShape(QFrame::NoFrame);
    scroll->setWidgetResizable(true);
    scroll->viewport()->setAutoFillBackground(false);
    m_matrix = new Matrix;
    m_matrix->setObjectName(QStringLiteral("transferMatrix"));
    scroll->setWidget(m_matrix);
    m_matrix->setAutoFillBackground(false);
    layout->addWidget(scroll, 1);

    m_drawer = new QWidget(m_content);
    auto* drawerLayout = new QVBoxLayout(m_drawer);
    drawerLayout->setContentsMargins(0, 0, 0, 0);
    drawerLayout->setSpacing(6);
    drawerLayout->addWidget(makeRule(m_drawer));
    auto* head = new QHBoxLayout;
    m_drawerTitle = new QLabel(m_drawer);
    m_drawerTitle->setProperty("role", QStringLiteral("section"));
    m_drawerTitle->setTextFormat(Qt::PlainText);
    m_drawerCaption = new QLabel(m_drawer);
    m_drawerCaption->setProperty("role", QStringLiteral("secondary"));
    m_drawerCaption->setWordWrap(true);
    m_completions = new QPushButton(tr("Open completions"), m_drawer);
    head->addWidget(m_drawerTitle);
    head->addWidget(m_drawerCaption, 1);
    head->addWidget(m_completions);
    drawerLayout->addLayout(head);
    m_rateRows = new QStandardItemModel(this);
    m_rates = new DataTable(tr("Rates of the selected cell"), m_drawer);
    m_rates->setModel(m_rateRows);
    m_rates->setFitsRows(true);
    drawerLayout->addWidget(m_rates);
    layout->addWidget(m_drawer);
    m_stack->addWidget(m_content);

    connect(m_segments, &Segments::currentChanged, this, [this] { fillMatrix(); });
    connect(m_matrix, &Matrix::currentChanged, this, [this](int row, int column) {
        Selection next = selection();
        next.source = q(m_data.models[static_cast<std::size_t>(row)]);
        next.model = q(m_data.models[static_cast<std::size_t>(column)]);
        Q_EMIT selectionRequested(next);
    });
    connect(m_completions, &QPushButton::clicked, this, [this] {
        Selection next = selection();
        next.page = QStringLiteral("apply");
        if (const auto* cell = selectedCell()) { // the arm of this cell
            const auto& study = *view()->study;
            const auto* source = study.model(cell->source);
            const auto* target = study.model(cell->target);
            if (source && target)
                next.armDigest =
                    q(transferSetup(*view(), study, *concept_(), *source, *target).foreign.digest());
            next.k = cell->k;
        }
        Q_EMIT selectionRequested(next);
    });
}

bool TransferPage::usesField(const QString& field) const {
    return field == QLatin1String("model") || field == QLatin1String("concept") ||
           field == QLatin1String("method");
}

QWidget* TransferPage::firstFocus() { return m_matrix; }

const TransferCell* TransferPage::selectedCell() const {
    for (const auto& cell : m_data.cells)
        if (q(cell.source) == selection().source && q(cell.target) == selection().model)
            return &cell;
    return nullptr;
}

void TransferPage::refresh() {
    const auto* value = concept_();
    const auto step = view() ? nextStep(sharedView(), activity()) : NextStep{};
    primaryButton()->setEnabled(view() && step.runs);
    for (QWidget* part : {static_cast<QWidget*>(m_export), static_cast<QWidget*>(m_segments),
                          static_cast<QWidget*>(primaryButton())})
        part->setVisible(value);
    if (!value) {
        m_empty->setText(tr("No transfer cells yet"),
                         tr("Two models of equal width and a calibrated target are needed."), {});
        m_stack->setCurrentIndex(0);
        m_data = {};
        m_shown = nullptr;
        return;
    }
    const auto matrix = ResultsCache::instance().transfer(sharedView(), value->name);
    if (!matrix) {
        m_empty->setText(tr("The results are being read"), tr("Rates of a large project take a moment."), {});
        m_stack->setCurrentIndex(0);
        m_data = {};
        m_shown = nullptr;
        return;
    }
    const bool same = m_shown == matrix;
    if (!same)
        m_data = *matrix;
    m_shown = matrix;
    int waiting = 0;
    for (const auto& cell : m_data.cells)
        waiting += cell.notMeasured && cell.notMeasured->kind == NotMeasured::Kind::NotYet;
    primaryButton()->setText(waiting > 0
                                 ? tr("Measure %1").arg(words::countText(waiting, tr("cell"), tr("cells")))
                                 : tr("Measure"));
    m_stack->setCurrentWidget(m_content);
    if (!same)
        fillMatrix();
    showCurrent();
    fillDrawer();
}

void TransferPage::fillMatrix() {
    if (!view() || m_data.models.empty())
        return;
    MatrixData data;
    data.name = tr("Transfer matrix of %1").arg(q(m_data.conceptName));
    data.rowTitle = tr("Source");
    data.rowDetail = tr("direction from");
    data.columnTitle = tr("Target");
    data.columnDetail = tr("applied to");
    int group = 0;
    std::int64_t lastWidth = -1;
    for (const auto& name : m_data.models) {
        const auto* found = view()->model(name);
        const auto width = found ? found->width : 0;
        if (lastWidth >= 0 && width != lastWidth)
            ++group;
        lastWidth = width;
        const MatrixHeader header{q(name), width ? tr("width %1").arg(width) : tr("not found yet"), group};
        data.rows << header;
        data.columns << header;
    }
    const int shown = m_segments->current();
    for (const auto& cell : m_data.cells) {
        MatrixCell out;
        const QString where = tr("Source %1, target %2, ").arg(q(cell.source), q(cell.target));
        if (cell.notMeasured) {
            out.kind = kindOf(cell.notMeasured->kind);
            out.text = q(cell.notMeasured->shortReason);
            out.sentence = where + q(cell.notMeasured->reason);
        } else if (cell.kind == CellKind::Own) {
            out.kind = MatrixCell::Kind::own;
            out.text = formatPercent(cell.own.value);
            out.caption = tr("own rate");
            out.sentence = where + tr("own coherent rate %1").arg(words::rateText(cell.own));
        } else {
            out.kind = MatrixCell::Kind::measured;
            if (shown == EfficiencyView) {
                out.value = cell.excessTe;
                out.low = cell.excessTeLow;
                out.high = cell.excessTeHigh;
                out.notDifferent = cell.excessLow <= 0 && cell.excessHigh >= 0;
            } else if (shown == OverControlView) {
                out.value = cell.excess;
                out.low = cell.excessLow;
                out.high = cell.excessHigh;
                out.notDifferent = cell.excessLow <= 0 && cell.excessHigh >= 0;
            } else if (shown == RateView) {
                out.value = cell.foreign.value;
                out.low = cell.foreign.low;
                out.high = cell.foreign.high;
            } else {
                out.value = cell.cosine;
                out.low = out.high = std::nan("");
            }
            const QString what = shown == EfficiencyView    ? tr("excess efficiency %1")
                                 : shown == OverControlView ? tr("coherent over control %1")
                                 : shown == RateView        ? tr("coherent rate %1")
                                                            : tr("cosine %1");
            out.sentence = where + what.arg(formatFixed(out.value, 2));
            if (std::isfinite(out.low))
                out.sentence += QStringLiteral(", ") + formatRange(out.low, out.high, 2);
            out.sentence += QStringLiteral(", ") + q(toString(cell.kind));
            if (!std::isfinite(out.low))
                out.caption = q(toString(cell.kind));
        }
        data.cells.push_back(out);
    }
    m_matrix->setData(std::move(data));
    showCurrent();
}

void TransferPage::showCurrent() {
    for (std::size_t i = 0; i < m_data.models.size(); ++i)
        for (std::size_t j = 0; j < m_data.models.size(); ++j)
            if (selectedCell() == &m_data.at(i, j))
                m_matrix->setCurrent(static_cast<int>(i), static_cast<int>(j));
}

void TransferPage::fillDrawer() {
    const auto* cell = selectedCell();
    m_drawer->setVisible(cell != nullptr);
    if (!cell)
        return;
    m_drawerTitle->setText(cell->kind == CellKind::Own
                               ? tr("%1, own direction").arg(q(cell->target))
                               : tr("%1 on %2").arg(q(cell->source), q(cell->target)));
    m_rateRows->clear();
    m_rates->setVisible(!cell->notMeasured);
    m_completions->setVisible(!cell->notMeasured);
    if (cell->notMeasured) {
        m_drawerCaption->setText(q(cell->notMeasured->reason));
        return;
    }
    m_drawerCaption->setText(tr("at %1 of the target, strength %2, %3 prompts")
                                 .arg(words::siteText(cell->k), formatNumber(cell->alpha))
                                 .arg(cell->own.n));
    m_rateRows->setHorizontalHeaderLabels(
        {tr("Arm"), tr("Coherent, 95 %"), tr("of %1").arg(cell->own.n), tr("Garbled"), tr("95 %")});
    for (const int column : {2, 3})
        m_rateRows->horizontalHeaderItem(column)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    const auto add = [&](const QString& arm, const Rate& coherent, const Rate& garbled) {
        auto* rate = new QStandardItem(formatPercent(coherent.value));
        rate->setData(QVariant::fromValue(MeasuredValue{coherent.value, coherent.low, coherent.high, 0, 1}),
                      ValueRole);
        auto* count = new QStandardItem(QString::number(coherent.count));
        auto* broken = new QStandardItem(QString::number(garbled.count));
        for (auto* item : {count, broken})
            item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
        QList<QStandardItem*> row{
            new QStandardItem(arm), rate, count, broken,
            new QStandardItem(tr("%1 to %2").arg(formatPercent(garbled.low), formatPercent(garbled.high)))};
        for (auto* item : row)
            item->setEditable(false);
        m_rateRows->appendRow(row);
    };
    if (cell->kind != CellKind::Own)
        add(tr("Foreign"), cell->foreign, cell->foreignGarbled);
    add(tr("Own"), cell->own, cell->ownGarbled);
    add(tr("Control"), cell->control, cell->controlGarbled);
    const int widths[] = {110, 260, 60, 90};
    for (int i = 0; i < 4; ++i)
        m_rates->setColumnWidth(i, Theme::instance()->px(widths[i]));
    m_rates->horizontalHeader()->setStretchLastSection(true);
}

InspectorContent TransferPage::inspector() const {
    const auto* cell = view() ? selectedCell() : nullptr;
    InspectorContent content;
    if (!cell)
        return content;
    content.name = tr("%1 on %2").arg(q(cell->source), q(cell->target));
    content.kind = tr("Transfer cell, %1").arg(q(toString(cell->kind)));
    if (cell->notMeasured) {
        content.sections.push_back({tr("Not measured"),
                                    {{tr("Reason"), q(cell->notMeasured->shortReason)}},
                                    q(cell->notMeasured->reason)});
        return content;
    }
    InspectorSection values{tr("Values"), {}, {}};
    if (cell->kind != CellKind::Own) {
        values.rows.push_back({tr("Excess TE"), formatNumber(cell->excessTe, 4), false, true});
        if (std::isfinite(cell->excessTeLow))
            values.rows.push_back({tr("95 %"), formatRange(cell->excessTeLow, cell->excessTeHigh, 3)});
        values.rows.push_back({tr("TE"), formatNumber(cell->te, 4)});
        values.rows.push_back(
            {tr("Over control"), tr("%1 (%2)").arg(formatFixed(cell->excess, 3),
                                                   formatRange(cell->excessLow, cell->excessHigh, 3))});
        values.rows.push_back({tr("Against own"),
                               tr("%1 (%2)").arg(formatFixed(cell->difference, 3),
                                                 formatRange(cell->differenceLow, cell->differenceHigh, 3))});
        values.rows.push_back({tr("Cosine"), formatNumber(cell->cosine, 4)});
        values.rows.push_back(
            {tr("Raw norms"),
             tr("%1 and %2").arg(formatNumber(cell->sourceRawNorm), formatNumber(cell->targetRawNorm))});
    } else {
        values.rows.push_back({tr("Own rate"), words::rateText(cell->own), false, true});
        values.rows.push_back({tr("Control"), words::rateText(cell->control)});
        values.rows.push_back({tr("Garbled"), words::rateText(cell->ownGarbled)});
    }
    values.rows.push_back({tr("Site"), words::siteText(cell->k)});
    values.rows.push_back({tr("Strength"), formatNumber(cell->alpha, 4)});
    content.sections.push_back(values);
    content.sections.push_back(
        {tr("Method"),
         {},
         tr("(foreign − control) / (own − control) of coherent rates on the same prompts, at the target's "
            "calibrated site and strength. Intervals: Newcombe, paired.")});
    InspectorSection provenance{tr("Provenance"), {}, {}};
    for (const auto* name : {&cell->source, &cell->target})
        if (const auto* found = view()->model(*name)) {
            const auto* of = view()->bank(found->identity, cell->conceptName, view()->study->methods.front());
            provenance.rows.push_back({name == &cell->source ? tr("Source bank") : tr("Target bank"),
                                       of ? q(of->key) : QString(), true});
        }
    provenance.rows.push_back(
        {tr("Decoding"), tr("%1 new tokens").arg(view()->study->decoding.maximumNewTokens)});
    content.sections.push_back(provenance);
    content.note =
        noteOn(NoteSubject::Transfer, cell->conceptName + ": " + cell->source + " on " + cell->target);
    return content;
}

} // namespace azimuth
