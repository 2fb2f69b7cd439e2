#include "app/workbench/remembered.h"

#include "core/base/json.h"
#include "core/base/json_reader.h"

namespace azimuth {

WindowLayout layoutFromSettings(const Settings& settings) {
    WindowLayout layout;
    layout.geometry = settings.windowGeometry();
    try {
        JsonReader reader(parseJson(settings.windowState().toStdString(), "settings"), "settings", true);
        auto& root = reader.root();
        layout.inspector = root.boolean("inspector", true);
        layout.names = root.boolean("names", true);
        if (root.has("bottom"))
            layout.bottom = root.boolean("bottom");
        layout.bottomHeight = static_cast<int>(root.integer("bottom_height", 0, 10000, 0));
        reader.finish();
    } catch (const Error&) { // the first start, or a damaged entry
        return {settings.windowGeometry(), true, true, {}, 0};
    }
    return layout;
}

void rememberLayout(Settings& settings, const WindowLayout& layout) {
    const Json state{{"inspector", layout.inspector},
                     {"names", layout.names},
                     {"bottom", layout.bottom.value_or(false)},
                     {"bottom_height", layout.bottomHeight}};
    settings.setWindow(layout.geometry, QByteArray::fromStdString(canonicalJson(state)));
}

QByteArray selectionJson(const Selection& selection) {
    const Json json{{"page", selection.page.toStdString()},
                    {"model", selection.model.toStdString()},
                    {"concept", selection.concept_.toStdString()},
                    {"k", selection.k},
                    {"other_k", selection.otherK},
                    {"position", selection.position},
                    {"prompt", selection.promptId.toStdString()},
                    {"arm", selection.armDigest.toStdString()},
                    {"source", selection.source.toStdString()}};
    return QByteArray::fromStdString(canonicalJson(json));
}

Selection selectionFromJson(const QByteArray& text) {
    Selection selection;
    try {
        JsonReader reader(parseJson(text.toStdString(), "settings"), "settings", true);
        auto& root = reader.root();
        selection.page = QString::fromStdString(root.text("page", ""));
        selection.model = QString::fromStdString(root.text("model", ""));
        selection.concept_ = QString::fromStdString(root.text("concept", ""));
        selection.k = root.integer("k", -1, 4096, -1);
        selection.otherK = root.integer("other_k", -1, 4096, -1);
        selection.position = static_cast<std::int32_t>(root.integer("position", -4096, -1, -1));
        selection.promptId = QString::fromStdString(root.text("prompt", ""));
        selection.armDigest = QString::fromStdString(root.text("arm", ""));
        selection.source = QString::fromStdString(root.text("source", ""));
        reader.finish();
    } catch (const Error&) { // a place that cannot be read is no place: the project opens at its first page
        return {};
    }
    return selection;
}

} // namespace azimuth
