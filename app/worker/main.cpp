// azimuth-worker: computes with the engine, for the window (serve), for clusters (run) and for people and
// scripts. PROTOCOL.md.
#include "app/worker/command_line.h"

int main(int argc, char** argv) { return azimuth::worker::mainOf(argc, argv); }
