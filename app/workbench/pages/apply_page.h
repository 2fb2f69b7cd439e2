// Apply: what the sweep found (curves of one k, k x strength map), and below it the selected arm's
// completions beside the control, prompt by prompt.
//   A cell of the map, or a point of the curves, selects k and arm; a row selects the prompt. Rates are those
//   of the Calibration snapshot; the counts of the label toggles are those of the rows listed.
#pragma once

#include "app/workbench/page.h"
#include "app/workbench/pages/sweep_data.h"
#include "app/workbench/text_feed.h"
#include "core/results/comparison.h"
#include "widgets/completions/completion_list.h"

class QComboBox;
class QLineEdit;
class QStackedLayout;

namespace azimuth {

class ArmIndex;
class ChartLegend;
class EmptyState;
class HeatMap;
class LabelToggle;

class ApplyPage : public Page {
    Q_OBJECT
public:
    explicit ApplyPage(QWidget* parent = nullptr);

    InspectorContent inspector() const override;
    bool usesField(const QString& field) const override;
    void focusFilter() override;
    QWidget* firstFocus() override;
    LineChartView* chart() const { return m_chart; }
    HeatMap* map() const { return m_map; }
    CompletionList* completions() const { return m_list; }

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;
    void showEvent(QShowEvent* event) override;

private:
    QWidget* makeSweep();
    QWidget* makeFilterRow();
    QWidget* makeTable();
    void refreshSweep();
    void refreshRows();
    void fillRows();
    bool labelsOnlyChanged(const std::vector<ComparisonRow>& rows) const;
    void takeLabels();
    void countLabels();
    void labelRow(int row, LabelShape label);
    void selectPoint(int point);
    void showCurrent();
    void countShown();
    const std::vector<ComparisonRow>& allRows() const;
    // What would be chosen now, if that is out of date; else null.
    const Calibration* wouldChoose() const;
    const Arm* arm() const;           // the selected one, or null
    int pointOfArm() const;           // of the calibration, or -1
    const ComparisonRow* row() const; // of the selected prompt, or null
    std::optional<CompletionHead> steeredOf(const ComparisonRow* row) const;
    CompletionRow fetch(int row) const; // of m_rows
    QString numberOf(const ComparisonRow& row) const;
    std::optional<TextFeed::Content> readWhole(std::size_t index, QString& problem) const;
    QString idsText(std::size_t index) const;

    InspectorSection labelSection(const ComparisonRow& row) const;
    InspectorSection armSection(const Arm& arm, const ComparisonRow* row) const;
    InspectorSection controlSection(const ComparisonRow& row) const;
    InspectorSection provenanceSection(const ComparisonRow* row) const;

    QWidget *m_sweep, *m_lower, *m_curves, *m_filterRow;
    QPushButton* m_export;
    EmptyState *m_noSweep, *m_noRows;
    QLabel *m_chartTitle, *m_chartCaption, *m_mapTitle, *m_mapCaption, *m_shownCount;
    ChartLegend* m_legend;
    LineChartView* m_chart;
    HeatMap* m_map;
    QLineEdit* m_filter;
    QList<LabelToggle*> m_toggles;
    QComboBox *m_prompts, *m_marks;
    CompletionList* m_list;
    TextFeed* m_texts;
    mutable bool m_inspectorWaits = false; // for a text or ids
    bool m_textsArrived = false;           // while the page was hidden
    QStackedLayout* m_tableStack;

    std::shared_ptr<const ArmIndex> m_arms;
    const Calibration* m_calibration = nullptr; // shown now; of the view that setContext gave
    SweepTable m_table;
    std::vector<std::string> m_pointArms; // digest of each point's arm, or empty
    std::int64_t m_shownK = -1;
    std::shared_ptr<const ProjectView> m_shownView;
    std::shared_ptr<const std::vector<ComparisonRow>> m_allRows; // null: none, or being read
    std::shared_ptr<const ProjectView> m_rowsView;               // that they point into
    QString m_rowsOf;                                            // model, concept, arm
    bool m_reading = false;
    std::vector<ComparisonRow> m_rows; // those of the chosen prompt set
    PromptRole m_wantedRole = PromptRole::TestInduce;
};

} // namespace azimuth
