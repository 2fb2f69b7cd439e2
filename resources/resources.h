// What Azimuth carries inside itself, as Qt resources:
//   :/azimuth/tokens.json          the colours of both themes
//   :/azimuth/azimuth.qss          the style sheet template (@names are tokens, @icons a folder)
//   :/azimuth/icons/<name>.svg     56 icons, 16 x 16, stroke #000000; icons/{light,dark}/ the four that the
//                                  sheet names
//   :/azimuth/fonts/*.ttf          IBM Plex Sans (Regular, Italic, Medium, SemiBold), Mono (Regular, Medium)
#pragma once

namespace azimuth {

// Makes the resources visible. Any thread, any number of times.
void initResources();

// Registers the six fonts with QFontDatabase, once per process. Needs a QGuiApplication; GUI thread. Throws
// nothing; a font that Qt refuses is a defect of the build and ends the program with its name.
void loadFonts();

} // namespace azimuth
