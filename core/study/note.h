// A note of the user on anything of a project. Append-only: of one object the newest counts, an empty text
// withdraws it.
#pragma once

#include <string>

namespace azimuth {

// What a note is on; `object` names it: nothing for the project, a name of the study (model, concept), a
// result key or a digest in hexadecimal otherwise.
enum class NoteSubject {
    Project,
    Model,
    Concept,
    Prompt,
    Bank,
    Arm,
    Completion,
    Calibration,
    Transfer,
    Figure
};
std::string toString(NoteSubject subject); // project, model, ...

struct Note {
    NoteSubject subject = NoteSubject::Project;
    std::string object;
    std::string text;
    std::string author;
    double time = 0; // unix seconds
};

} // namespace azimuth
