// The pages of the kit and the data they share with the tests.
#pragma once

#include "widgets/heatmap/heat_map_data.h"
#include "widgets/matrix/matrix.h"

#include <functional>
#include <QList>
#include <QSize>
#include <QString>

class QWidget;

namespace azimuth {

struct KitPage {
    QString name;
    QSize size;
    std::function<QWidget*()> make;
};

QList<KitPage> kitPages();

// Cosines between made-up directions at R[0..L]; row and column 0 are not measured.
HeatMapData madeUpCosines(int blocks);
// Coherent rates of a sweep, 5 k x 8 strengths, as fractions.
HeatMapData madeUpSweep();
// Efficiencies of eight models, with every kind of reason.
MatrixData madeUpTransfer();

} // namespace azimuth
