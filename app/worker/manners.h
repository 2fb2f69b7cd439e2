// What a worker does before anything else, so that it never outlives or disturbs its user.
#pragma once

namespace azimuth::worker {

// Descriptor 1 becomes standard error and the real standard output is returned: no library can write into
// what we print. Call before any library is loaded. SIGPIPE is ignored from here on.
int takeStandardOutput();

// serve: a session of its own, gone with its parent, nice 5, and SIGTERM, SIGINT, SIGHUP held back for
// stopSignals().
void becomeServant();

// SIGTERM and SIGINT as a readable descriptor; they are blocked in this thread and in every one that it
// starts.
int stopSignals();

} // namespace azimuth::worker
