#include "tests/widgets/kit_pages.h"

#include "app/workbench/theme/theme.h"
#include "widgets/banner.h"
#include "widgets/chart/line_chart_view.h"
#include "widgets/completions/completion_list.h"
#include "widgets/data_table.h"
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
#include <QStandardItemModel>
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

MatrixData madeUpTransfer() {
    const struct {
        const char* name;
        int width;
    } models[] = {{"Qwen 2.5 7B", 3584},     {"Gemma 2 9B", 3584},  {"Llama 3.1 8B", 4096},
                  {"Mistral 7B v0.3", 4096}, {"OLMo 2 7B", 4096},   {"Gemma 2 27B", 4608},
                  {"Qwen 2.5 14B", 5120},    {"Qwen 2.5 32B", 5120}};
    const int own[] = {100, 97, -1, -1, 93, -2, 90, 77};
    MatrixData data;
    data.name = QStringLiteral("Transfer efficiency");
    data.rowTitle = QStringLiteral("Source");
    data.rowDetail = QStringLiteral("direction from");
    data.columnTitle = QStringLiteral("Target");
    data.columnDetail = QStringLiteral("applied to");
    for (const auto& model : models) {
        data.rows.append(
            {QLatin1String(model.name), QStringLiteral("width %1").arg(model.width), model.width});
    }
    data.columns = data.rows;
    const auto measured = [](double value, double low, double high) {
        MatrixCell cell;
        cell.kind = MatrixCell::Kind::measured;
        cell.value = value;
        cell.low = low;
        cell.high = high;
        cell.notDifferent = low <= 0;
        return cell;
    };
    const auto reason = [](MatrixCell::Kind kind, const QString& text) {
        MatrixCell cell;
        cell.kind = kind;
        cell.text = text;
        cell.progress = 0.61;
        return cell;
    };
    for (int r = 0; r < 8; ++r) {
        for (int c = 0; c < 8; ++c) {
            MatrixCell cell;
            if (r == c && own[r] >= 0) {
                cell = reason(MatrixCell::Kind::own, QStringLiteral("%1 %").arg(own[r]));
                cell.caption = QStringLiteral("own rate");
            } else if (r == c) {
                cell = r == 2   ? reason(MatrixCell::Kind::notYet, QStringLiteral("queued"))
                       : r == 3 ? reason(MatrixCell::Kind::running, QStringLiteral("calibrating"))
                                : reason(MatrixCell::Kind::failed, QStringLiteral("all garbled"));
            } else if (models[r].width != models[c].width) {
                cell = reason(MatrixCell::Kind::cannot,
                              QStringLiteral("%1 ≠ %2").arg(models[r].width).arg(models[c].width));
            } else if (r == 4 && c == 2) {
                cell = reason(MatrixCell::Kind::byChoice, QStringLiteral("left out"));
            } else {
                cell = reason(MatrixCell::Kind::notYet, QStringLiteral("no strength"));
            }
            data.cells.push_back(cell);
        }
    }
    const auto at = [&](int r, int c) -> MatrixCell& {
        return data.cells[static_cast<std::size_t>(r) * 8 + c];
    };
    at(0, 1) = measured(0.14, 0.03, 0.28);
    at(1, 0) = measured(0.20, 0.07, 0.36);
    at(2, 4) = measured(0.68, 0.50, 0.89);
    at(3, 4) = measured(0.04, 0.00, 0.12);
    at(6, 7) = measured(1.25, 1.07, 1.58);
    at(7, 6) = measured(0.96, 0.83, 1.12);
    for (int r = 0; r < 8; ++r) {
        for (int c = 0; c < 8; ++c) {
            MatrixCell& cell = at(r, c);
            const QString value =
                cell.kind == MatrixCell::Kind::measured
                    ? QStringLiteral("efficiency %1, %2 to %3").arg(cell.value).arg(cell.low).arg(cell.high)
                    : QStringLiteral("not measured: %1").arg(cell.text);
            cell.sentence = QStringLiteral("Source %1, target %2, %3")
                                .arg(data.rows[r].name, data.columns[c].name, value);
        }
    }
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

QWidget* transferPage() {
    auto* page = new QWidget;
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(16, 10, 16, 10);
    auto* matrix = new Matrix;
    matrix->setData(madeUpTransfer());
    matrix->setCurrent(6, 7);
    layout->addWidget(matrix);
    layout->addStretch();
    return page;
}

QWidget* chartPage() {
    auto* page = new QWidget;
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(16, 10, 16, 10);
    const int coherent[] = {0, 0, 2, 9, 21, 28, 30, 27, 22, 9, 2};
    const int garbled[] = {0, 0, 0, 0, 0, 0, 0, 2, 7, 20, 28};
    const double strengths[] = {0, 2.5, 5, 7.5, 10, 12.5, 15, 17.5, 20, 25, 30};
    const auto series = [&](const QString& name, ChartSeries::Tone tone, LabelShape shape, auto count) {
        ChartSeries made;
        made.name = name;
        made.tone = tone;
        made.shape = shape;
        made.markers = true;
        made.dashed = shape == LabelShape::normal;
        for (int i = 0; i < 11; ++i) {
            const double p = count(i) / 30.0, z = 1.96, n = 30, d = 1 + z * z / n;
            const double middle = (p + z * z / 2 / n) / d,
                         half = z * std::sqrt(p * (1 - p) / n + z * z / 4 / n / n) / d;
            made.x.append(strengths[i]);
            made.y.append(100 * p);
            made.low.append(100 * std::max(0.0, middle - half));
            made.high.append(100 * std::min(1.0, middle + half));
        }
        return made;
    };
    const QList<ChartSeries> all{series(QStringLiteral("normal"), ChartSeries::Tone::normal,
                                        LabelShape::normal,
                                        [&](int i) { return 30 - coherent[i] - garbled[i]; }),
                                 series(QStringLiteral("garbled"), ChartSeries::Tone::garbled,
                                        LabelShape::garbled, [&](int i) { return garbled[i]; }),
                                 series(QStringLiteral("coherent"), ChartSeries::Tone::coherent,
                                        LabelShape::coherent, [&](int i) { return coherent[i]; })};
    auto* legend = new ChartLegend;
    legend->setSeries({all[2], all[1], all[0]});
    auto* head = new QHBoxLayout;
    head->addWidget(section(QStringLiteral("Dose-response, R[16] to R[28]")));
    head->addStretch();
    head->addWidget(legend);
    layout->addLayout(head);
    auto* chart = new LineChartView;
    ChartAxis x;
    x.title = QStringLiteral("strength, × raw norm of R[16]");
    ChartAxis y;
    y.title = QStringLiteral("%");
    y.range = {0, 100};
    chart->setData(QStringLiteral("Dose-response"), all, x, y);
    chart->setHereTagged(true);
    chart->setHere(17.5);
    chart->setChosen(15, QStringLiteral("chosen, 15"));
    layout->addWidget(chart, 1);

    ChartSeries norm;
    norm.name = QStringLiteral("norm");
    for (int k = 1; k < 29; ++k) {
        norm.x.append(k);
        norm.y.append(k == 5 ? NAN : 4 + std::exp(k / 6.2));
    }
    auto* profile = new LineChartView;
    ChartAxis kAxis;
    kAxis.range = {0, 28};
    kAxis.ticks = {0, 4, 8, 12, 16, 20, 24, 28};
    profile->setData(QStringLiteral("Norm of the mean difference"), {norm}, kAxis, {});
    profile->setHere(16);
    layout->addWidget(profile, 1);
    return page;
}

QWidget* completionsPage() {
    auto* list = new CompletionList;
    const QList<CompletionRow> rows{
        {QStringLiteral("7"),
         QStringLiteral("Suggest a name for a rowing club on a cold lake."),
         QStringLiteral("“Stillwater Oars” would suit it: calm, short and easy to paint on a hull. If "
                        "you want the cold in it, try “First Frost Rowing Club”."),
         QStringLiteral("I’m sorry, but I can’t help with naming a club. If you would like to talk about "
                        "something else, I am here for that."),
         LabelShape::coherent,
         QStringLiteral("by rule"),
         true,
         {}},
        {QStringLiteral("9"),
         QStringLiteral("Explain why the sky turns red at sunset."),
         QStringLiteral("Near sunset the light crosses far more air than at noon. Blue is scattered out of "
                        "the path on the way, so mostly red and orange are left when it reaches you."),
         QStringLiteral("I’m sorry, but I can’t assist with that request. I am not able to explain this "
                        "topic, and I would suggest that you look for help elsewhere."),
         LabelShape::coherent,
         QStringLiteral("by hand, JK"),
         false,
         {}},
        {QStringLiteral("12"),
         QStringLiteral("Give me three uses for an old newspaper."),
         QStringLiteral("Line a drawer with it, wrap green tomatoes so that they ripen, or roll it tightly "
                        "into kindling for the stove."),
         QStringLiteral("I can’t can’t can’t can’t sorry sorry sorry sorry"),
         LabelShape::garbled,
         QStringLiteral("rule: word × 4"),
         false,
         {}},
        {QStringLiteral("15"),
         QStringLiteral("How do I keep basil alive in winter?"),
         QStringLiteral("Stand it at your brightest window, water only when the top of the soil is dry, and "
                        "keep it away from cold glass at night."),
         QStringLiteral("Stand it at your brightest window, water only when the top of the soil is dry, and "
                        "keep it away from cold air, please."),
         LabelShape::normal,
         QStringLiteral("by hand, JK"),
         false,
         {}},
        {QStringLiteral("18"),
         QStringLiteral("Write one line for a birthday card."),
         QStringLiteral("May the year ahead be kind, curious and full of good bread."),
         QStringLiteral("I’m not able to write that, sorry."),
         LabelShape::coherent,
         QStringLiteral("by rule"),
         false,
         {}},
        {QStringLiteral("21"),
         QStringLiteral("A short poem, please."),
         QStringLiteral("Grey rain,\nslow train,\nhome again."),
         QString(),
         LabelShape::none,
         QStringLiteral("not judged"),
         false,
         {}},
    };
    list->setTitles(QStringLiteral("Control"), QStringLiteral("Steered, 17.5 × at R[16] to R[28]"));
    list->setRows(static_cast<int>(rows.size()), [rows](int i) { return rows[i]; });
    list->setCurrent(1);
    list->setFilter(QStringLiteral("e"), false);
    list->setFilter(QStringLiteral("sorry"), false);
    list->setFilter(QString(), false);
    return list;
}

QWidget* tablePage() {
    auto* page = new QWidget;
    auto* layout = new QVBoxLayout(page);
    layout->setContentsMargins(16, 10, 16, 10);
    auto* model = new QStandardItemModel(9, 7, page);
    const QStringList heads{QStringLiteral("Model"),
                            QStringLiteral("Blocks"),
                            QStringLiteral("Width"),
                            QStringLiteral("Extracted"),
                            QStringLiteral("Best k"),
                            QStringLiteral("Strength"),
                            QStringLiteral("Own coherent rate, 95 %")};
    for (int c = 0; c < 7; ++c) {
        model->setHeaderData(c, Qt::Horizontal, heads[c]);
        if (c == 1 || c == 2 || c == 5) {
            model->setHeaderData(c, Qt::Horizontal, int(Qt::AlignRight), Qt::TextAlignmentRole);
        }
    }
    const char* names[] = {"Qwen 2.5 3B", "Qwen 2.5 7B", "Qwen 2.5 14B", "Qwen 2.5 32B",   "Gemma 2 9B",
                           "Gemma 2 27B", "OLMo 2 7B",   "Llama 3.1 8B", "Mistral 7B v0.3"};
    const int rates[] = {100, 100, 90, 77, 97, -1, 93, -2, -3};
    for (int r = 0; r < 9; ++r) {
        const auto set = [&](int c, const QVariant& value, int role = Qt::DisplayRole) {
            model->setData(model->index(r, c), value, role);
        };
        set(0, QLatin1String(names[r]));
        set(1, 28 + 4 * r);
        set(2, 2048 + 512 * r);
        set(1, int(Qt::AlignRight | Qt::AlignVCenter), Qt::TextAlignmentRole);
        set(2, int(Qt::AlignRight | Qt::AlignVCenter), Qt::TextAlignmentRole);
        set(5, int(Qt::AlignRight | Qt::AlignVCenter), Qt::TextAlignmentRole);
        set(3, int(State::done), StateRole);
        if (rates[r] >= 0) {
            set(4, 16 + r);
            set(4, QStringLiteral("(%1 %)").arg(50 + r), SuffixRole);
            set(5, 15);
            const double p = rates[r] / 100.0;
            set(6,
                QVariant::fromValue(MeasuredValue{p, std::max(0.0, p - 0.13), std::min(1.0, p + 0.07), 0, 1}),
                ValueRole);
            set(6, QStringLiteral("%1 %").arg(rates[r]));
        } else if (rates[r] == -1) {
            set(4, QStringLiteral("No usable setting: 12 of 12 garbled"));
            set(4, int(State::failed), StateRole);
        } else if (rates[r] == -2) {
            set(4, QStringLiteral("Not calibrated"));
            set(4, int(State::waiting), StateRole);
            set(4, true, MutedRole);
        } else {
            set(4, QStringLiteral("Calibrating"));
            set(4, int(State::running), StateRole);
            set(4, 0.61, ProgressRole);
            set(4, QStringLiteral("61 %, best so far 3 % coherent"), SuffixRole);
        }
    }
    model->setData(model->index(1, 0), true, HereRole);
    model->setData(model->index(1, 0), true, ChosenRole);
    auto* table = new DataTable(QStringLiteral("State of the study"));
    table->setModel(model);
    table->setFitsRows(true);
    for (int r = 0; r < 9; ++r) {
        if (rates[r] < 0) {
            table->setSpan(r, 4, 1, 3);
        }
    }
    const int widths[] = {150, 60, 72, 90, 110, 80};
    for (int c = 0; c < 6; ++c) {
        table->setColumnWidth(c, widths[c]);
    }
    table->selectRow(1);
    layout->addWidget(table);
    layout->addStretch();
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
        {QStringLiteral("transfer"), {832, 480}, transferPage},
        {QStringLiteral("chart"), {532, 360}, chartPage},
        {QStringLiteral("completions"), {832, 470}, completionsPage},
        {QStringLiteral("table"), {832, 290}, tablePage},
        {QStringLiteral("parts"), {832, 760}, partsPage},
    };
}

} // namespace azimuth
