// A page of the workbench: pure view of (ProjectView, Selection). It never touches a project, a worker or a
// file; it asks by signals.
//   The frame calls setContext on the GUI thread whenever view or selection changed; a page redraws what
//   differs.
#pragma once

#include "app/workbench/inspector_content.h"
#include "app/workbench/selection.h"
#include "core/study/edit.h"

#include <memory>
#include <QString>
#include <QWidget>

class QFrame;
class QHBoxLayout;
class QLabel;
class QPushButton;
class QVBoxLayout;

namespace azimuth {

// What is going on, for pages that show it. Values only.
struct Activity {
    bool running = false; // the study is being run
    QString what;         // "Calibrate SmolLM2 135M"
    double fraction = -1; // negative: not known
    QString runningModel; // the study's name of the model whose job runs; empty: none
    int missing = 0;      // results not measured yet; -1: not known
};

QFrame* makeRule(QWidget* parent); // a separator of 1 px
QLabel* makeSectionTitle(const QString& text, QWidget* parent);

class Page : public QWidget {
    Q_OBJECT
public:
    // id: "layers"; title: "Layers"; icon: name of the look's icon.
    Page(QString id, QString title, QString icon, QWidget* parent = nullptr);

    const QString& id() const { return m_id; }
    const QString& title() const { return m_title; }
    const QString& icon() const { return m_icon; }

    // view is null while no project is open.
    void setContext(std::shared_ptr<const ProjectView> view, const Selection& selection,
                    const Activity& activity);

    virtual InspectorContent inspector() const { return {}; }
    virtual QString navigatorCount() const { return {}; } // right end of the navigator's row
    virtual bool
    usesField(const QString& field) const; // "model", "concept", "method", "k", "position", "prompt", "arm"
    virtual void focusFilter() {}          // Ctrl+F
    virtual QWidget* firstFocus() { return nullptr; }
    QPushButton* primaryButton() const { return m_primary; } // null if the page has none now

Q_SIGNALS:
    void selectionRequested(const azimuth::Selection& selection);
    void runRequested();  // run what the study is missing
    void openRequested(); // the open dialog
    void demoRequested();
    void fileRequested(const QString& path); // open this
    void exportRequested(const QString& figureKind);
    void inspectorChanged();
    // Labels without a rater are the user's. text: as the Edit menu says it, "Label coherent".
    void editRequested(const QString& text, const azimuth::Change& change);
    void studyRequested(const azimuth::Study& study, const QString& text); // made from the view's
    void noteRequested(); // the note on what the inspector shows is to be written

protected:
    virtual void refresh() = 0; // view(), selection() or activity() changed

    const ProjectView* view() const { return m_view.get(); }
    std::shared_ptr<const ProjectView> sharedView() const { return m_view; }
    const Selection& selection() const { return m_selection; }
    const Activity& activity() const { return m_activity; }
    // The selected model, concept and bank; null where there is none.
    const Model* model() const;
    const Concept* concept_() const;
    InspectorNote noteOn(NoteSubject subject, const std::string& object) const;
    const DirectionBank* bank() const;

    // The header: title, then what the page adds, then buttons at the right end, the primary one last.
    QHBoxLayout* headerMiddle() const { return m_middle; }
    QPushButton* addButton(const QString& text, const QString& icon = {});
    QPushButton* setPrimary(const QString& text, const QString& icon = {}); // one per page
    QVBoxLayout* body() const { return m_body; }                            // margins 16

private:
    QString m_id, m_title, m_icon;
    std::shared_ptr<const ProjectView> m_view;
    Selection m_selection;
    Activity m_activity;
    QHBoxLayout* m_middle;
    QHBoxLayout* m_buttons;
    QVBoxLayout* m_body;
    QPushButton* m_primary = nullptr;
};

} // namespace azimuth
