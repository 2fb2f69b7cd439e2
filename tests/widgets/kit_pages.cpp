#include "tests/widgets/kit_pages.h"

#include "app/workbench/theme/theme.h"
#include "widgets/banner.h"
#include "widgets/empty_state.h"
#include "widgets/heatmap/heat_map.h"
#include "widgets/notification.h"
#include "widgets/segments.h"

#include <cmath>
#include <QCheckBox>
#include <QComboBox>
#include <QGridLayout>
#include <QHBoxLayout>
#include <QLabel>
#include <QLineEdit>
#include <QPushButton>
#include <QToolButton>
#include <QVBoxLayout>
#include <random>

namespace azimuth {

HeatMapData madeUpCosines(int blocks) {
    const int n = blocks + 1;
    constexpr int width = 48;
    std::mt19937 random(7);
    std::normal_distribution<double> gauss;
    std::vector<double> v(width), pull(width);
    for (int i = 0; i < width; ++i) {
        v[i] = gauss(random);
        pull[i] = gauss(random);
    }
    std::vector<std::vector<double>> directions;
    for (int k = 0; k < n; ++k) {
        const double step = k < 4 ? 1.5 : k < 9 ? 0.62 : k < 22 ? 0.27 : k < 27 ? 0.38 : 0.75;
        const double drawn = k < 5 ? 0 : k < 20 ? 0.09 : 0;
        double norm = 0;
        for (const double x : v) {
            norm += x * x;
        }
        norm = std::sqrt(norm);
        for (int i = 0; i < width; ++i) {
            v[i] = v[i] / norm * std::sqrt(width) + step * gauss(random) + drawn * pull[i];
        }
        directions.push_back(v);
    }
    auto values = std::make_shared<std::vector<float>>(static_cast<std::size_t>(n) * n);
    auto low = std::make_shared<std::vector<float>>(*values);
    auto high = std::make_shared<std::vector<float>>(*values);
    for (int r = 0; r < n; ++r) {
        for (int c = 0; c < n; ++c) {
            double dot = 0, rr = 0, cc = 0;
            for (int i = 0; i < width; ++i) {
                dot += directions[r][i] * directions[c][i];
                rr += directions[r][i] * directions[r][i];
                cc += directions[c][i] * directions[c][i];
            }
            const auto at = static_cast<std::size_t>(r) * n + c;
            const auto cosine = static_cast<float>(dot / std::sqrt(rr * cc));
            (*values)[at] = r == 0 || c == 0 ? NAN : cosine;
            (*low)[at] = cosine - 0.031F;
            (*high)[at] = std::min(1.0F, cosine + 0.024F);
        }
    }
    HeatMapData data;
    data.rows = data.columns = n;
    data.values = values;
    data.low = low;
    data.high = high;
    data.rowTitle = QStringLiteral("k");
    data.columnTitle = QStringLiteral("k′, site entering block k′");
    data.valueName = QStringLiteral("cosine");
    data.name = QStringLiteral("Cosine between directions");
    data.nullLimit = 0.033;
    data.site = [](int r, int c) { return QStringLiteral("R[%1] × R[%2]").arg(r).arg(c); };
    data.reason = [](int, int) { return QStringLiteral("all prompts share their last token"); };
    return data;
}

HeatMapData madeUpSweep() {
    HeatMapData data;
    data.rows = 5;
    data.columns = 8;
    data.values = std::make_shared<std::vector<float>>(
        std::vector<float>{0,    .03F, .13F, .27F, .43F, .40F, .23F, .03F, .03F, .13F, .40F, .73F, .90F, .83F,
                           .57F, .20F, .07F, .30F, .70F, .93F, 1,    .90F, .73F, .30F, .03F, .20F, .57F, .87F,
                           .97F, .87F, .60F, .20F, 0,    .07F, .27F, .50F, .67F, .57F, .30F, .07F});
    data.rowLabels = {QStringLiteral("12"), QStringLiteral("14"), QStringLiteral("16"), QStringLiteral("18"),
                      QStringLiteral("20")};
    data.columnLabels = {QStringLiteral("5"),    QStringLiteral("7.5"), QStringLiteral("10"),
                         QStringLiteral("12.5"), QStringLiteral("15"),  QStringLiteral("17.5"),
                         QStringLiteral("20"),   QStringLiteral("25")};
    data.rowTitle = QStringLiteral("k");
    data.columnTitle = QStringLiteral("strength");
    data.valueName = QStringLiteral("coherent");
    data.name = QStringLiteral("Coherent rate, k by strength");
    data.format = [](double value) { return QString::number(std::lround(value * 100)); };
    return data;
}

namespace {

QLabel* section(const QString& text) {
    auto* label = new QLabel(text);
    label->setProperty("role", QStringLiteral("section"));
    return label;
}

QWidget* layersPage() {
    auto* page = new QWidget;
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(16, 10, 16, 10);
    auto* map = new HeatMap;
    map->setColourMap(Theme::instance()->isDark() ? berlinMap : vikMap);
    map->setData(madeUpCosines(28));
    map->setRange({-1, 1});
    map->view()->setMaskBelowNull(true);
    map->view()->setCurrent(16, 21);
    layout->addWidget(map);
    return page;
}

QWidget* sweepPage() {
    auto* page = new QWidget;
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(16, 10, 16, 10);
    auto* map = new HeatMap;
    map->setData(madeUpSweep());
    map->setRange({0, 1});
    map->setColourBarShown(false);
    map->setReadoutShown(false);
    map->view()->setSquareCells(false);
    map->view()->setCellText(true);
    map->view()->setCrosshairShown(false);
    map->view()->setLargestCell(48, 26);
    map->view()->setCurrent(2, 5);
    map->view()->setChosen(2, 4);
    layout->addWidget(map);
    return page;
}

QWidget* partsPage() {
    auto* page = new QWidget;
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(16, 16, 16, 16);
    layout->setSpacing(8);
    auto* segments = new Segments(QStringLiteral("View"));
    segments->add(QStringLiteral("Cosine k × k"));
    segments->add(QStringLiteral("Position × k"));
    segments->add(QStringLiteral("Live"), Theme::icon(QStringLiteral("live"), IconTone::text));
    auto* bar = new QHBoxLayout;
    auto* title = new QLabel(QStringLiteral("Layers"));
    title->setProperty("role", QStringLiteral("pageTitle"));
    bar->addWidget(title);
    bar->addWidget(segments);
    bar->addStretch();
    auto* add = new QPushButton(Theme::icon(QStringLiteral("figures"), IconTone::text),
                                QStringLiteral("Add to figures"));
    auto* primary = new QPushButton(QStringLiteral("Calibrate"));
    primary->setProperty("primary", true);
    auto* disabled = new QPushButton(QStringLiteral("Disabled"));
    disabled->setEnabled(false);
    auto* tool = new QToolButton;
    tool->setIcon(Theme::icon(QStringLiteral("crosshair")));
    tool->setCheckable(true);
    tool->setChecked(true);
    tool->setFixedSize(28, 28);
    for (QWidget* widget : QList<QWidget*>{tool, disabled, add, primary}) {
        bar->addWidget(widget);
    }
    layout->addLayout(bar);
    layout->addWidget(new Banner(
        QStringLiteral("Next: calibrate Llama 3.1 8B"),
        QStringLiteral(
            "2 transfer cells wait for its strength. 12 settings × 30 prompts, about 9 min on GPU 0."),
        QStringLiteral("Calibrate")));
    layout->addWidget(section(QStringLiteral("Empty state")));
    layout->addWidget(
        new EmptyState(QStringLiteral("transfer"), QStringLiteral("No transfer cells yet"),
                       QStringLiteral("Two models of equal width and a calibrated target are needed."),
                       QStringLiteral("Plan transfer")));
    layout->addWidget(section(QStringLiteral("Fields")));
    auto* fields = new QHBoxLayout;
    auto* search = new QLineEdit;
    search->setPlaceholderText(QStringLiteral("Filter completions"));
    search->addAction(Theme::icon(QStringLiteral("search")), QLineEdit::LeadingPosition);
    auto* combo = new QComboBox;
    combo->addItems({QStringLiteral("by width"), QStringLiteral("by name")});
    auto* check = new QCheckBox(QStringLiteral("Intervals"));
    check->setChecked(true);
    auto* invalid = new QLineEdit(QStringLiteral("12,5"));
    invalid->setProperty("invalid", true);
    for (QWidget* widget :
         QList<QWidget*>{search, combo, check, new QCheckBox(QStringLiteral("Dim")), invalid}) {
        fields->addWidget(widget);
    }
    layout->addLayout(fields);
    layout->addWidget(section(QStringLiteral("Notifications")));
    auto* place = new QWidget;
    place->setMinimumHeight(330);
    layout->addWidget(place);
    auto* stack = new NotificationStack(place);
    stack->show({Severity::information,
                 QStringLiteral("Calibration finished"),
                 {QStringLiteral("Gemma 2 9B: R[14], 25 × raw norm, 97 % coherent.")},
                 {{QStringLiteral("sweep"), QStringLiteral("Show sweep")}}});
    stack->show({Severity::information, QStringLiteral("Project saved"), {}, {}});
    stack->show({Severity::caution,
                 QStringLiteral("12 prompts appear in both sets"),
                 {QStringLiteral("harmful #4, #9 and 10 more equal harmless prompts.")},
                 {{QStringLiteral("show"), QStringLiteral("Show them")}}});
    stack->show({Severity::failure,
                 QStringLiteral("Gemma 2 27B did not fit"),
                 {QStringLiteral("It needs 57.2 GB at bf16, GPU 0 has 39.4 GB free."),
                  QStringLiteral("Use int8 (29.8 GB), or stop Calibrate Mistral 7B v0.3.")},
                 {{QStringLiteral("int8"), QStringLiteral("Run at int8")},
                  {QStringLiteral("details"), QStringLiteral("Details")}}});
    layout->addStretch();
    return page;
}

} // namespace

QList<KitPage> kitPages() {
    return {
        {QStringLiteral("layers"), {520, 480}, layersPage},
        {QStringLiteral("sweep"), {320, 220}, sweepPage},
        {QStringLiteral("parts"), {832, 760}, partsPage},
    };
}

} // namespace azimuth
