// Layers: the bank of the selected model, as position x k and as k x k cosines, with the profile of the
// selected row.
#pragma once

#include "app/workbench/page.h"
#include "core/base/array.h"
#include "core/results/layer_map.h"

class QStackedLayout;

namespace azimuth {

class ElidedLabel;
class EmptyState;
class HeatMap;
class LineChartView;
class Segments;

class LayersPage : public Page {
    Q_OBJECT
public:
    explicit LayersPage(QWidget* parent = nullptr);

    InspectorContent inspector() const override;
    bool usesField(const QString& field) const override;
    QWidget* firstFocus() override;
    HeatMap* map() const { return m_map; }
    Segments* segments() const { return m_segments; }

protected:
    void refresh() override;
    void resizeEvent(QResizeEvent* event) override;

private:
    enum View { CosineView, PositionView };
    QWidget* makeContent();
    LineChartView* makeProfile(const QString& title, QLabel** caption, QLabel** value, QVBoxLayout* into);
    void arrange();
    void fillProfiles(bool sameData);
    void fillCosine(bool sameData);
    void fillPositions(bool sameData);
    void choose(int row, int column);

    QStackedLayout* m_stack;
    QWidget* m_content;
    EmptyState* m_empty;
    Segments* m_segments;
    HeatMap* m_map;
    QPushButton* m_export;
    QLabel* m_title = nullptr;
    ElidedLabel* m_caption = nullptr;
    QWidget* m_profiles = nullptr;
    LineChartView *m_cosineProfile = nullptr, *m_normProfile = nullptr;
    QLabel *m_cosineCaption = nullptr, *m_cosineValue = nullptr, *m_normCaption = nullptr,
           *m_normValue = nullptr;
    std::int64_t m_profileK = -1;
    const DirectionBank* m_shownBank = nullptr; // what the map shows now
    int m_shownView = -1;
    std::int32_t m_shownPosition = 0;
    ArrayD m_cosine;
    LayerMap m_layers;
};

} // namespace azimuth
