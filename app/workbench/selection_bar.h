// The bar above every page: history, and one field per part of the Selection. A field that the page does not
// use shows its value muted; it never disappears.
#pragma once

#include "app/workbench/selection.h"
#include "core/study/project_view.h"
#include "widgets/themed.h"

#include <functional>
#include <map>
#include <memory>
#include <QToolBar>
#include <QToolButton>
#include <vector>

namespace azimuth {

class Page;

struct Choices {
    QStringList texts, ids;
    QString current; // id of the one that is checked
    void add(const QString& text, const QString& id) {
        texts << text;
        ids << id;
    }
};

// Caption 11 and value 13 Medium, painted; a popup menu with the choices.
class SelectionField : public QToolButton, public Themed {
    Q_OBJECT
public:
    SelectionField(QString caption, QWidget* parent = nullptr);
    void setValue(const QString& value);
    const QString& value() const { return m_value; }
    void setUsed(bool used);
    // Asked for when the menu opens; null: nothing to choose, the field is disabled.
    void setChoices(std::function<Choices()> choices);
    QSize sizeHint() const override;
    void setTokens(const Tokens& tokens) override;

Q_SIGNALS:
    void chosen(const QString& id);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    void fillMenu();
    QString m_caption, m_value;
    std::function<Choices()> m_choices;
    bool m_used = true;
    Tokens m_tokens;
};

class SelectionBar : public QToolBar {
    Q_OBJECT
public:
    SelectionBar(SelectionModel* selection, QWidget* parent = nullptr);
    void setContext(std::shared_ptr<const ProjectView> view, const Page* page);
    SelectionField* field(const QString& name) const; // "model", ...

private:
    void refresh();
    void choose(const QString& field, const QString& id);
    void refreshSite();
    void refreshPrompt();
    void refreshArm();
    SelectionModel* m_selection;
    std::shared_ptr<const ProjectView> m_view;
    const Page* m_page = nullptr;
    QAction *m_back, *m_forward, *m_nothing;
    std::vector<QAction*> m_fieldActions;
    std::map<QString, SelectionField*> m_fields;
};

} // namespace azimuth
