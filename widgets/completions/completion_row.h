// One line of the completion list, by value: a prompt, what the model says without and with steering, and
// the label.
#pragma once

#include "widgets/icons.h"

#include <QList>
#include <QString>

namespace azimuth {

struct TokenChange {
    qsizetype start = 0, length = 0; // of the steered text
    float nats = 0;                  // change of the log-probability against the control
};

struct CompletionRow {
    QString number; // "9"
    QString prompt;
    QString control;
    QString steered;
    LabelShape label = LabelShape::none; // of the steered text
    QString labelNote;                   // "by rule", "by hand, JK", "rule: word × 4"
    bool pinned = false;
    QList<TokenChange> changes; // empty where it was not measured
    bool coming = false;        // a text is still being read; what stands in its place says so
    bool failed = false;        // a text could not be read; what stands in its place says so
    bool passing = false;       // and may be later
};

enum class CompletionMarks { none, words, logProbability };

} // namespace azimuth
