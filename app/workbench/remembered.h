// The window's layout and a project's place in it, as the settings keep them. What cannot be read keeps its
// default.
#pragma once

#include "app/session/settings.h"
#include "app/workbench/main_window.h"
#include "app/workbench/selection.h"

namespace azimuth {

WindowLayout layoutFromSettings(const Settings& settings);
void rememberLayout(Settings& settings, const WindowLayout& layout);

QByteArray selectionJson(const Selection& selection);
Selection selectionFromJson(const QByteArray& json);

} // namespace azimuth
