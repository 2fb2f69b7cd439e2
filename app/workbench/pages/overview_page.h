// Overview: the next step, the state of every model of the study, and what was found so far. Without a
// project: how to start.
#pragma once

#include "app/workbench/page.h"
#include "core/results/transfer_matrix.h"

#include <QStringList>

class QStackedLayout;
class QStandardItemModel;

namespace azimuth {

class Banner;
class DataTable;
class EmptyState;

class OverviewPage : public Page {
    Q_OBJECT
public:
    explicit OverviewPage(QWidget* parent = nullptr);
    void setRecentFiles(const QStringList& paths);

    InspectorContent inspector() const override;
    bool usesField(const QString& field) const override;
    QWidget* firstFocus() override;

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    QWidget* makeStart();
    QWidget* makeSteps();
    QWidget* makeStudy();
    void fillState(const TransferMatrix* matrix); // null: being read
    void arrangeColumns();
    void fillFindings();
    void makeEdits();
    void requestStudy(const Study& study, const QString& text, const QString& selected);
    void renameModel(int row, const QString& name);
    void moveModel(int by);
    void removeModel();
    void followEdit();

    QStackedLayout* m_stack;
    QWidget *m_start, *m_study;
    EmptyState *m_demo, *m_open;
    QLabel *m_line, *m_noRecent;
    DataTable* m_recent;
    QStandardItemModel* m_recentRows;
    Banner* m_banner;
    DataTable *m_table, *m_findings;
    QStandardItemModel *m_rows, *m_findingRows;
    QPushButton* m_runButton;
    struct Shown { // what the tables were filled from
        std::shared_ptr<const ProjectView> view;
        std::shared_ptr<const TransferMatrix> matrix;
        QString conceptName;
        bool running = false;
        QString runningModel;
        friend bool operator==(const Shown&, const Shown&) = default;
    };
    Shown m_shown;
    QString m_wanted; // model that an edit under way will leave selected
};

} // namespace azimuth
