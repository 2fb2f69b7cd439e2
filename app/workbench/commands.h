// Every command of the window with its keys, in one table: menus, tooltips and the shortcuts sheet are made
// from it.
#pragma once

#include <QKeySequence>
#include <QString>
#include <vector>

namespace azimuth {

struct Command {
    const char* id;   // "open"
    const char* menu; // "File"; empty: a key of a list or map that has the focus, for the sheet only
    QString text;     // "Open…"
    const char* keys; // portable text; empty: none
    bool separatorBefore = false;
};

const std::vector<Command>& commandTable();

} // namespace azimuth
