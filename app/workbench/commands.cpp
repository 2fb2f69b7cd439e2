#include "app/workbench/commands.h"

#include <QCoreApplication>

namespace azimuth {

namespace {
QString t(const char* text) { return QCoreApplication::translate("Commands", text); }
} // namespace

const std::vector<Command>& commandTable() {
    static const std::vector<Command> table{
        {"open", "File", t("Open…"), "Ctrl+O"},
        {"save", "File", t("Save"), "Ctrl+S", true},
        {"save-as", "File", t("Save as…"), "Ctrl+Shift+S"},
        {"restore", "File", t("Restore an earlier generation…"), ""},
        {"remove-caches", "File", t("Remove unused caches…"), ""},
        {"export", "File", t("Export figure…"), "Ctrl+E", true},
        {"close", "File", t("Close window"), "Ctrl+W", true},
        {"quit", "File", t("Quit"), "Ctrl+Q"},
        {"undo", "Edit", t("Undo"), "Ctrl+Z"},
        {"redo", "Edit", t("Redo"), "Ctrl+Shift+Z"},
        {"rename", "Edit", t("Rename the study…"), "", true},
        {"author", "Edit", t("Your name…"), ""},
        {"model-folders", "Edit", t("Model folders…"), ""},
        {"note", "Edit", t("Write a note"), "Ctrl+M"},
        {"copy-values", "Edit", t("Copy values"), "Ctrl+Shift+C", true},
        {"filter", "Edit", t("Filter"), "Ctrl+F"},
        {"navigator", "View", t("Navigator: icons only"), "Ctrl+B"},
        {"inspector", "View", t("Inspector"), "Ctrl+I"},
        {"bottom-pane", "View", t("Jobs, notifications, log"), "Ctrl+J"},
        {"larger", "View", t("Larger text"), "Ctrl++", true},
        {"smaller", "View", t("Smaller text"), "Ctrl+-"},
        {"normal-size", "View", t("Normal text"), "Ctrl+0"},
        {"run", "Study", t("Run what is missing"), "Ctrl+R"},
        {"stop", "Study", t("Stop the run"), "Ctrl+."},
        {"choose-again", "Study", t("Choose again"), ""},
        {"primary", "Study", t("The page's main button"), "Ctrl+Return", true},
        {"back", "Selection", t("Back"), "Alt+Left"},
        {"forward", "Selection", t("Forward"), "Alt+Right"},
        {"k-down", "Selection", t("Lower k"), "[", true},
        {"k-up", "Selection", t("Higher k"), "]"},
        {"", "", t("Label coherent, in the list of completions"), "1"},
        {"", "", t("Label garbled"), "2"},
        {"", "", t("Label normal"), "3"},
        {"", "", t("Clear the label by hand"), "0"},
        {"", "", t("Next completion"), "J"},
        {"", "", t("Previous completion"), "K"},
        {"", "", t("Note on the completion"), "M"},
        {"", "", t("Marks: none, words"), "D"},
        {"", "", t("Rename a model, in the table of models"), "F2"},
        {"", "", t("Move it up"), "Alt+Up"},
        {"", "", t("Move it down"), "Alt+Down"},
        {"", "", t("Remove it from the study"), "Del"},
        {"next-pane", "Window", t("Next pane"), "F6"},
        {"previous-pane", "Window", t("Previous pane"), "Shift+F6"},
        {"keys", "Help", t("Keyboard shortcuts"), "Ctrl+/"},
        {"about", "Help", t("About Azimuth"), ""},
    };
    return table;
}

} // namespace azimuth
