// What the user sets for all projects. GUI thread.
#pragma once

#include "app/session/settings.h"

#include <QDialog>

class QLabel;
class QListWidget;
class QPushButton;

namespace azimuth {

// Asks for the name that labels and notes carry. False: nothing was changed.
bool askAuthor(QWidget* parent, Settings& settings);

// The folders of the settings in which models are looked for, in order; each change is kept at once.
class ModelFoldersDialog : public QDialog {
    Q_OBJECT
public:
    ModelFoldersDialog(Settings& settings, QWidget* parent);

    void add(const QString& folder); // one that is listed already is selected

private:
    void fill(); // what the settings have, in another window too
    void select(const QString& folder);
    void removeCurrent();
    void moveCurrent(int by);
    void showButtons();

    Settings& m_settings;
    QListWidget* m_list;
    QLabel* m_none;
    QPushButton *m_remove, *m_up, *m_down;
};

} // namespace azimuth
