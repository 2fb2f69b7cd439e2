// A heat map with its colour bar and readout: what a page puts on the screen. HeatMapView (view()) takes
// orders, masks and the Selection; this class keeps the three parts on one scale.
//   The readout shows the hovered cell, else the keyboard's, else the Selection: site, value with 4
//   digits, interval, null limit, n; at its right end how much lies within the null limit, or how cells
//   share a pixel.
#pragma once

#include "widgets/heatmap/colour_bar.h"
#include "widgets/heatmap/heat_map_view.h"

namespace azimuth {

class MapReadout;

class HeatMap : public QWidget, public Themed {
    Q_OBJECT
public:
    explicit HeatMap(QWidget* parent = nullptr);

    // Shows the data on the present map; the range is chosen by the rule unless setRange was called.
    void setData(HeatMapData data);
    void setColourMap(const ColourMap& map); // a diverging map makes the automatic range symmetric
    void setRangeRule(RangeRule rule);
    void setRange(const ColourRange& range); // fixed from now on
    void setAutomaticRange();
    bool isRangeAutomatic() const { return m_automatic; }
    ColourScale scale() const { return m_view->scale(); }
    void setColourBarShown(bool shown);
    void setReadoutShown(bool shown);

    // The Selection: view()->setCurrent, and the readout says it.
    void setCurrent(int row, int column);
    HeatMapView* view() const { return m_view; }
    ColourBar* colourBar() const { return m_bar; }
    // What the readout says, as one line of text: also its accessible name.
    QString readoutText() const;

    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;
    QSize minimumSizeHint() const override;

Q_SIGNALS:
    void currentChanged(int row, int column); // the user made another cell the Selection
    void hovered(int row, int column);
    void rangeChanged(const ColourRange& range, bool automatic); // by the user, at the bar

protected:
    void resizeEvent(QResizeEvent* event) override;

private:
    void chooseAutomatic();
    void apply(const ColourScale& scale);
    void readOut();
    void arrange();
    void follow();

    HeatMapView* m_view;
    ColourBar* m_bar;
    MapReadout* m_readout;
    const ColourMap* m_map = &viridisMap;
    RangeRule m_rule = RangeRule::minimumMaximum;
    bool m_automatic = true;
    bool m_barShown = true;
    bool m_readoutShown = true;
    QPoint m_hovered{-1, -1};
    int m_withinNull = 0; // percent; -1 without a limit
    Tokens m_tokens;
};

} // namespace azimuth
