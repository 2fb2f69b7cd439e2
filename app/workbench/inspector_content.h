// What the inspector shows of the selection, as a value that a page makes.
#pragma once

#include "core/study/note.h"

#include <optional>
#include <QString>
#include <vector>

namespace azimuth {

struct InspectorRow {
    QString key, value;
    bool mono = false; // a digest or id: monospace, elided in the middle
    bool strong = false;
    friend bool operator==(const InspectorRow&, const InspectorRow&) = default;
};

struct InspectorSection {
    QString title;
    std::vector<InspectorRow> rows;
    QString paragraph; // instead of, or after the rows
    friend bool operator==(const InspectorSection&, const InspectorSection&) = default;
};

struct InspectorNote { // the note on what is shown
    QString project;   // uuid: everything else is the same in two projects
    NoteSubject subject = NoteSubject::Project;
    QString object; // as in Note
    QString text;
    QString byline; // who wrote it, when; empty: there is none yet
    friend bool operator==(const InspectorNote&, const InspectorNote&) = default;
};

struct InspectorContent {
    QString name, kind;                     // empty name: nothing is selected
    std::vector<InspectorSection> sections; // Values, page-specific, Provenance
    std::optional<InspectorNote> note;      // nothing: it takes none

    bool empty() const { return name.isEmpty(); }
    friend bool operator==(const InspectorContent&, const InspectorContent&) = default;
};

} // namespace azimuth
