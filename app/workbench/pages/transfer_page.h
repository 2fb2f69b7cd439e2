// Transfer: source x target, values with intervals or the reason why there is none; the selected cell's rates
// below.
#pragma once

#include "app/workbench/page.h"
#include "core/results/transfer_matrix.h"

class QLabel;
class QStackedLayout;
class QStandardItemModel;

namespace azimuth {

class DataTable;
class EmptyState;
class Matrix;
class Segments;

class TransferPage : public Page {
    Q_OBJECT
public:
    explicit TransferPage(QWidget* parent = nullptr);

    InspectorContent inspector() const override;
    QString navigatorCount() const override { return {}; }
    bool usesField(const QString& field) const override;
    QWidget* firstFocus() override;
    Matrix* matrix() const { return m_matrix; }

protected:
    void refresh() override;

private:
    enum View { EfficiencyView, OverControlView, RateView, CosineView };
    const TransferCell* selectedCell() const;
    void fillMatrix();
    void fillDrawer();
    void showCurrent();

    QStackedLayout* m_stack;
    QWidget *m_content, *m_drawer;
    EmptyState* m_empty;
    Segments* m_segments;
    Matrix* m_matrix;
    QLabel *m_drawerTitle, *m_drawerCaption;
    QPushButton *m_completions, *m_export;
    DataTable* m_rates;
    QStandardItemModel* m_rateRows;
    TransferMatrix m_data;
    std::shared_ptr<const TransferMatrix> m_shown;
};

} // namespace azimuth
