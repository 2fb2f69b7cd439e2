#include "app/workbench/pages/layers_page.h"

#include "app/workbench/elided_label.h"
#include "app/workbench/theme/theme.h"
#include "app/workbench/words.h"
#include "core/geometry/cosine.h"
#include "widgets/chart/line_chart_view.h"
#include "widgets/empty_state.h"
#include "widgets/heatmap/heat_map.h"
#include "widgets/numbers.h"
#include "widgets/segments.h"

#include <algorithm>
#include <cmath>
#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>
#include <QStackedLayout>
#include <QVBoxLayout>

namespace azimuth {
namespace {

std::shared_ptr<const std::vector<float>> floats(const ArrayD& values) {
    return std::make_shared<const std::vector<float>>(values.values().begin(), values.values().end());
}

QStringList kLabels(std::int64_t ks) {
    QStringList labels;
    for (std::int64_t k = 0; k < ks; ++k)
        labels << QString::number(k);
    return labels;
}

} // namespace

LayersPage::LayersPage(QWidget* parent)
    : Page(QStringLiteral("layers"), tr("Layers"), QStringLiteral("layers"), parent) {
    m_segments = new Segments(tr("Layers view"), this);
    m_segments->add(tr("Cosine k × k"));
    m_segments->add(tr("Position × k"));
    headerMiddle()->addWidget(m_segments);
    m_export = addButton(tr("Export…"), QStringLiteral("export"));
    connect(m_export, &QPushButton::clicked, this, [this] {
        Q_EMIT exportRequested(m_segments->current() == CosineView ? QStringLiteral("k-cosine")
                                                                   : QStringLiteral("layer-map"));
    });
    connect(setPrimary(tr("Apply"), QStringLiteral("apply")), &QPushButton::clicked, this, [this] {
        Selection next = selection();
        next.page = QStringLiteral("apply");
        Q_EMIT selectionRequested(next);
    });

    m_stack = new QStackedLayout;
    body()->addLayout(m_stack, 1);
    auto* holder = new QWidget(this);
    auto* holderLayout = new QVBoxLayout(holder);
    holderLayout->setContentsMargins(0, 0, 0, 0);
    m_empty =
        new EmptyState(QStringLiteral("layers"), tr("Nothing extracted yet"), {}, tr("Extract"), holder);
    connect(m_empty, &EmptyState::clicked, this, &Page::runRequested);
    holderLayout->addWidget(m_empty);
    holderLayout->addStretch(1);
    m_stack->addWidget(holder);

    m_stack->addWidget(makeContent());
    connect(m_segments, &Segments::currentChanged, this, [this] {
        refresh();
        Q_EMIT inspectorChanged();
    });
    connect(m_map, &HeatMap::currentChanged, this, &LayersPage::choose);
}

QWidget* LayersPage::makeContent() {
    m_content = new QWidget(this);
    auto* columns = new QHBoxLayout(m_content);
    columns->setContentsMargins(0, 0, 0, 0);
    columns->setSpacing(24);
    auto* layout = new QVBoxLayout;
    layout->setSpacing(4);
    m_title = new QLabel(m_content);
    m_title->setProperty("role", QStringLiteral("chartTitle"));
    m_caption = new ElidedLabel({}, Qt::ElideRight, m_content);
    m_caption->setProperty("role", QStringLiteral("caption"));
    auto* titles = new QHBoxLayout;
    titles->setSpacing(8);
    titles->addWidget(m_title);
    titles->addWidget(m_caption, 1);
    layout->addLayout(titles);
    m_map = new HeatMap(m_content);
    m_map->setObjectName(QStringLiteral("layersMap"));
    layout->addWidget(m_map, 1);
    columns->addLayout(layout, 1);

    m_profiles = new QWidget(m_content);
    auto* right = new QVBoxLayout(m_profiles);
    right->setContentsMargins(0, 0, 0, 0);
    right->setSpacing(4);
    m_cosineProfile = makeProfile(tr("Row profile"), &m_cosineCaption, &m_cosineValue, right);
    right->addSpacing(8);
    m_normProfile = makeProfile(tr("Norm"), &m_normCaption, &m_normValue, right);
    m_normCaption->setText(tr("raw / median norm"));
    right->addStretch(1);
    columns->addWidget(m_profiles);
    return m_content;
}

LineChartView* LayersPage::makeProfile(const QString& title, QLabel** caption, QLabel** value,
                                       QVBoxLayout* into) {
    auto* titles = new QHBoxLayout;
    titles->setSpacing(8);
    auto* name = new QLabel(title, m_profiles);
    name->setProperty("role", QStringLiteral("chartTitle"));
    *caption = new QLabel(m_profiles);
    (*caption)->setProperty("role", QStringLiteral("caption"));
    *value = new QLabel(m_profiles);
    (*value)->setProperty("role", QStringLiteral("hereValue"));
    titles->addWidget(name);
    titles->addWidget(*caption);
    titles->addStretch(1);
    titles->addWidget(*value);
    into->addLayout(titles);
    auto* chart = new LineChartView(m_profiles);
    into->addWidget(chart);
    connect(chart, &LineChartView::xSelected, this, [this](double k) {
        Selection next = selection();
        next.k = static_cast<std::int64_t>(std::lround(k));
        Q_EMIT selectionRequested(next);
    });
    return chart;
}

void LayersPage::resizeEvent(QResizeEvent* event) {
    Page::resizeEvent(event);
    arrange();
}

// Profiles stand beside the map where the page has the width for both.
void LayersPage::arrange() {
    const int room = width() - 32;
    m_profiles->setVisible(width() >= Theme::instance()->px(760));
    m_profiles->setFixedWidth(std::clamp(room * 3 / 10, 240, 560));
    const int side = std::min(height() - 150, room - m_profiles->width() - 130); // of the square map
    const int height = std::clamp(side / 2 - Theme::instance()->px(18), 130, 320);
    for (auto* chart : {m_cosineProfile, m_normProfile})
        chart->setFixedHeight(height);
}

// The row of the map at the selected k, and the norms of the selected position, over k.
void LayersPage::fillProfiles(bool sameData) {
    const auto* shown = bank();
    const auto k = selection().k;
    const auto row = static_cast<std::int64_t>(shown->positionIndex(selection().position));
    ChartAxis x, y;
    y.text = [](double value) { return formatFixed(value, 2); }; // equal widths: the k axes line up
    x.range = {0, static_cast<double>(shown->ks - 1)};
    const auto fill = [&](LineChartView* chart, const QString& name,
                          const std::function<double(std::int64_t)>& at, const ChartAxis& axis) {
        ChartSeries series;
        series.name = name;
        for (std::int64_t i = 0; i < shown->ks; ++i) {
            series.x << static_cast<double>(i);
            series.y << at(i);
        }
        chart->setData(name, {series}, x, axis);
    };
    if (m_cosine.empty() || !sameData)
        m_cosine = kCosine(*shown, selection().position);
    const bool inside = k >= 0 && k < shown->ks;
    if (inside && (!sameData || m_profileK != k))
        fill(
            m_cosineProfile, tr("Cosine with R[%1]").arg(k),
            [&](std::int64_t i) { return m_cosine.at(k, i); }, y);
    const auto ratio = [&](std::int64_t i) {
        const double median = shown->medianNorm.at(row, i);
        return median > 0 ? shown->rawNorm.at(row, i) / median : std::nan("");
    };
    x.title = tr("k");
    if (!sameData)
        fill(m_normProfile, tr("Raw norm / median norm"), ratio, y);
    m_profileK = k;
    const bool other =
        m_segments->current() == CosineView && selection().otherK >= 0 && selection().otherK < shown->ks;
    const auto at = other ? selection().otherK : k;
    m_cosineCaption->setText(inside ? tr("cosine with R[%1]").arg(k) : QString());
    m_cosineProfile->setHere(inside ? static_cast<double>(at) : std::nan(""));
    m_normProfile->setHere(inside ? static_cast<double>(k) : std::nan(""));
    m_cosineValue->setText(inside && std::isfinite(m_cosine.at(k, at))
                               ? tr("%1 at %2").arg(formatNumber(m_cosine.at(k, at), 4)).arg(at)
                               : QString());
    m_normValue->setText(inside && std::isfinite(ratio(k)) ? tr("%1 at %2").arg(formatNumber(ratio(k))).arg(k)
                                                           : QString());
}

bool LayersPage::usesField(const QString& field) const {
    return field != QLatin1String("prompt") && field != QLatin1String("arm");
}

QWidget* LayersPage::firstFocus() {
    return bank() ? static_cast<QWidget*>(m_map->view()) : m_empty->button();
}

void LayersPage::refresh() {
    const auto* shown = bank();
    const bool there = shown && !shown->tensor.empty();
    m_export->setVisible(there);
    m_segments->setVisible(there);
    primaryButton()->setVisible(there); // else the empty row has the button
    primaryButton()->setText(shown && selection().k >= 0 ? tr("Apply at k %1").arg(selection().k)
                                                         : tr("Apply"));
    if (!shown || shown->tensor.empty()) {
        const QString name = selection().model.isEmpty() ? tr("this model") : selection().model;
        m_empty->setText(tr("Nothing extracted for %1").arg(name),
                         activity().running
                             ? tr("The study is running; the map fills when extraction is done.")
                             : tr("Extraction reads both prompt sets once."),
                         activity().running || !view() ? QString() : tr("Extract"));
        m_stack->setCurrentIndex(0);
        m_shownBank = nullptr;
        return;
    }
    m_stack->setCurrentWidget(m_content);
    const bool same = m_shownBank == shown && m_shownView == m_segments->current() &&
                      m_shownPosition == selection().position;
    m_caption->setWhole(tr("%1 + %2 prompts").arg(shown->positiveCount).arg(shown->negativeCount));
    if (m_segments->current() == CosineView)
        fillCosine(same);
    else
        fillPositions(same);
    fillProfiles(m_shownBank == shown && m_shownPosition == selection().position);
    m_shownBank = shown;
    m_shownView = m_segments->current();
    m_shownPosition = selection().position;
}

void LayersPage::fillCosine(bool sameData) {
    const auto* shown = bank();
    m_title->setText(tr("Cosine between directions at R[k] and R[k′]"));
    if (!sameData) {
        m_cosine = kCosine(*shown, selection().position);
        HeatMapData data;
        data.rows = data.columns = static_cast<int>(shown->ks);
        data.values = floats(m_cosine);
        data.rowLabels = data.columnLabels = kLabels(shown->ks);
        data.rowTitle = tr("k");
        data.columnTitle = tr("k′, the residual stream entering block k′");
        data.valueName = tr("cosine");
        data.name = tr("Cosine between directions, %1").arg(selection().model);
        data.nullLimit = 1.96 / std::sqrt(static_cast<double>(shown->width));
        data.sampleSize = tr("n %1").arg(shown->positiveCount + shown->negativeCount);
        data.site = [](int row, int column) { return QStringLiteral("R[%1] × R[%2]").arg(row).arg(column); };
        data.reason = [](int, int) { return tr("both classes are the same here"); };
        m_map->view()->setSquareCells(true);
        m_map->view()->setLargestCell(40, 40);
        m_map->setColourMap(Theme::instance()->isDark() ? berlinMap : vikMap);
        m_map->setRange({-1, 1});
        m_map->setData(std::move(data));
    }
    m_map->setCurrent(static_cast<int>(selection().k),
                      static_cast<int>(selection().otherK >= 0 ? selection().otherK : selection().k));
}

void LayersPage::fillPositions(bool sameData) {
    const auto* shown = bank();
    m_title->setText(tr("Raw norm of the mean difference / median norm of R[k]"));
    if (!sameData) {
        m_layers = layerMap(*shown);
        HeatMapData data;
        data.rows = static_cast<int>(m_layers.positions.size());
        data.columns = static_cast<int>(m_layers.ks);
        data.values = floats(m_layers.value);
        for (std::size_t i = 0; i < shown->positions.size(); ++i)
            data.rowLabels << words::positionText(*shown, i);
        data.columnLabels = kLabels(shown->ks);
        data.rowTitle = tr("position");
        data.columnTitle = tr("k, the residual stream entering block k");
        data.valueName = tr("raw norm / median norm");
        data.name = tr("Size of the mean difference, %1").arg(selection().model);
        data.sampleSize = tr("n %1").arg(shown->positiveCount + shown->negativeCount);
        const QStringList labels = data.rowLabels;
        data.site = [labels](int row, int column) {
            return QStringLiteral("R[%1], %2").arg(column).arg(labels.value(row));
        };
        m_map->view()->setSquareCells(false);
        m_map->view()->setLargestCell(64, 64);
        m_map->setColourMap(viridisMap);
        m_map->setAutomaticRange();
        m_map->setData(std::move(data));
    }
    int row = -1;
    for (std::size_t i = 0; i < shown->positions.size(); ++i)
        if (shown->positions[i] == selection().position)
            row = static_cast<int>(i);
    m_map->setCurrent(row, static_cast<int>(selection().k));
}

void LayersPage::choose(int row, int column) {
    Selection next = selection();
    if (m_segments->current() == CosineView) {
        next.k = row;
        next.otherK = column;
    } else {
        next.k = column;
        if (const auto* shown = bank(); shown && row >= 0 && row < static_cast<int>(shown->positions.size()))
            next.position = shown->positions[static_cast<std::size_t>(row)];
    }
    Q_EMIT selectionRequested(next);
}

InspectorContent LayersPage::inspector() const {
    const auto* shown = bank();
    if (!shown || shown->tensor.empty() || selection().k < 0 || selection().k >= shown->ks)
        return {};
    const auto k = selection().k;
    const auto row = static_cast<std::int64_t>(shown->positionIndex(selection().position));
    const auto blocks = shown->ks - 1;
    InspectorContent content;
    InspectorSection values{tr("Values"), {}, {}};
    if (m_segments->current() == CosineView && !m_cosine.empty() && m_cosine.extent(0) == shown->ks) {
        const auto other = selection().otherK >= 0 && selection().otherK < shown->ks ? selection().otherK : k;
        const double cosine = m_cosine.at(k, other);
        content.name = words::siteText(k) + QStringLiteral(" × ") + words::siteText(other);
        content.kind = tr("Cell, cosine k × k");
        const double null = 1.96 / std::sqrt(static_cast<double>(shown->width));
        values.rows = {
            {tr("Cosine"), std::isfinite(cosine) ? formatNumber(cosine, 4) : tr("not defined: a norm is 0"),
             false, true},
            {tr("Angle"),
             std::isfinite(cosine)
                 ? formatNumber(std::acos(std::clamp(cosine, -1.0, 1.0)) * 57.29577951) + QStringLiteral("°")
                 : QString()},
            {tr("Null 95 %"), QStringLiteral("±%1, d %2").arg(formatNumber(null, 2)).arg(shown->width)},
            {tr("Raw norms"),
             tr("%1 and %2")
                 .arg(formatNumber(shown->rawNorm.at(row, k)), formatNumber(shown->rawNorm.at(row, other)))},
            {tr("Depths"),
             tr("%1 and %2")
                 .arg(formatPercent(static_cast<double>(k) / static_cast<double>(blocks)),
                      formatPercent(static_cast<double>(other) / static_cast<double>(blocks)))}};
    } else {
        content.name = words::siteText(k) + QStringLiteral(", ") +
                       words::positionText(*shown, static_cast<std::size_t>(row));
        content.kind = tr("Cell, position × k");
    }
    InspectorSection site{tr("Site %1").arg(words::siteText(k)), {}, {}};
    const double raw = shown->rawNorm.at(row, k), median = shown->medianNorm.at(row, k);
    site.rows = {{tr("Raw norm"), formatNumber(raw, 4), false, true},
                 {tr("Median norm"), formatNumber(median, 4)},
                 {tr("Ratio"), median > 0 ? formatNumber(raw / median, 4) : tr("not defined")},
                 {tr("Depth"), words::kText(k, blocks)},
                 {tr("Position"), words::positionText(*shown, static_cast<std::size_t>(row))}};
    if (!values.rows.empty())
        content.sections.push_back(values);
    content.sections.push_back(site);
    InspectorSection provenance{tr("Provenance"), {}, {}};
    const auto* found = model();
    provenance.rows = {
        {tr("Model"), selection().model},
        {tr("Identity"), QString::fromStdString(shown->modelIdentity), true},
        {tr("Bank"), QString::fromStdString(shown->key), true},
        {tr("Prompts"), tr("%1 + %2").arg(shown->positiveCount).arg(shown->negativeCount)},
        {tr("Job"), QString::fromStdString(shown->jobId), true},
        {tr("Precision"),
         tr("%1, sums fp64").arg(found ? QString::fromStdString(toString(found->compute)) : QString())}};
    content.sections.push_back(provenance);
    content.note = noteOn(NoteSubject::Bank, shown->key);
    return content;
}

} // namespace azimuth
