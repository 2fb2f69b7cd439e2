// What can be done to the study's models in its table: another name, another place, removal. All of it can be
// taken back; results stay in the project.
#include "app/workbench/pages/overview_page.h"
#include "widgets/data_table.h"

#include <algorithm>
#include <QAction>
#include <QStandardItemModel>
#include <QTimer>

namespace azimuth {

void OverviewPage::makeEdits() {
    const auto add = [this](const QString& text, const QKeySequence& keys, auto act) {
        auto* action = new QAction(text, m_table);
        action->setShortcut(keys);
        action->setShortcutContext(Qt::WidgetShortcut);
        connect(action, &QAction::triggered, this, act);
        m_table->addAction(action);
        return action;
    };
    add(tr("Rename"), Qt::Key_F2, [this] {
        if (const auto at = m_table->currentIndex(); at.isValid())
            m_table->edit(m_rows->index(at.row(), 0));
    });
    add(tr("Move up"), QKeySequence(QStringLiteral("Alt+Up")), [this] { moveModel(-1); });
    add(tr("Move down"), QKeySequence(QStringLiteral("Alt+Down")), [this] { moveModel(1); });
    add(tr("Remove from the study"), Qt::Key_Delete, [this] { removeModel(); });
    connect(m_table->itemDelegate(), &QAbstractItemDelegate::closeEditor, this,
            [this] { QTimer::singleShot(0, this, [this] { refresh(); }); });
    m_table->setContextMenuPolicy(Qt::ActionsContextMenu);
    connect(m_rows, &QStandardItemModel::itemChanged, this, [this](QStandardItem* item) {
        if (item->column() == 0)
            renameModel(item->row(), item->text().trimmed());
    });
}

void OverviewPage::requestStudy(const Study& study, const QString& text, const QString& selected) {
    m_wanted = selected;
    Q_EMIT studyRequested(study, text);
}

void OverviewPage::renameModel(int row, const QString& name) {
    const auto& models = view()->study->models;
    if (row < 0 || row >= static_cast<int>(models.size()))
        return;
    const auto before = QString::fromStdString(models[static_cast<std::size_t>(row)].name);
    if (name == before)
        return;
    m_rows->item(row, 0)->setText(before); // until the study says so
    if (name.isEmpty())
        return;
    auto study = *view()->study;
    study.models[static_cast<std::size_t>(row)].name = name.toStdString();
    requestStudy(study, tr("rename %1").arg(before), name);
}

void OverviewPage::moveModel(int by) {
    const int row = m_table->currentIndex().row(), to = row + by;
    auto study = *view()->study;
    if (row < 0 || to < 0 || to >= static_cast<int>(study.models.size()))
        return;
    std::swap(study.models[static_cast<std::size_t>(row)], study.models[static_cast<std::size_t>(to)]);
    const auto name = QString::fromStdString(study.models[static_cast<std::size_t>(to)].name);
    requestStudy(study, tr("move %1").arg(name), name);
}

void OverviewPage::removeModel() {
    const int row = m_table->currentIndex().row();
    auto study = *view()->study;
    if (row < 0 || row >= static_cast<int>(study.models.size()) || study.models.size() == 1)
        return;
    const auto name = QString::fromStdString(study.models[static_cast<std::size_t>(row)].name);
    study.models.erase(study.models.begin() + row);
    const auto next = std::min(static_cast<std::size_t>(row), study.models.size() - 1);
    requestStudy(study, tr("remove %1").arg(name), QString::fromStdString(study.models[next].name));
}

// The selection goes with the model that was renamed or moved, as soon as the study has it.
void OverviewPage::followEdit() {
    if (m_wanted.isEmpty() || !view() || !view()->study->model(m_wanted.toStdString()))
        return;
    const QString wanted = std::exchange(m_wanted, QString());
    for (int row = 0; row < m_rows->rowCount(); ++row)
        if (m_rows->item(row, 0)->text() == wanted)
            m_table->setCurrentIndex(m_rows->index(row, 0));
    if (wanted == selection().model)
        return;
    QTimer::singleShot(0, this, [this, wanted] {
        Selection next = selection();
        next.model = wanted;
        Q_EMIT selectionRequested(next);
    });
}

} // namespace azimuth
