// The line under a heat map that says one cell in full. Painted; HeatMap fills it.
#pragma once

#include "widgets/themed.h"

#include <QList>
#include <QWidget>

namespace azimuth {

class MapReadout : public QWidget, public Themed {
    Q_OBJECT
public:
    struct Part {
        QString caption; // secondary
        QString value;
        bool strong = false;
    };

    explicit MapReadout(QWidget* parent = nullptr);
    void setContent(const QString& site, QList<Part> parts, const QString& end);
    QString text() const;
    void setTokens(const Tokens& tokens) override;
    QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QString m_site, m_end;
    QList<Part> m_parts;
    Tokens m_tokens;
};

} // namespace azimuth
