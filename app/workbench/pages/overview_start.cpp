// The Overview without a project: how to start.
#include "app/workbench/pages/overview_page.h"
#include "app/workbench/theme/theme.h"
#include "widgets/data_table.h"
#include "widgets/empty_state.h"

#include <QFileInfo>
#include <QHBoxLayout>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QStandardItemModel>
#include <QVBoxLayout>

namespace azimuth {

QWidget* OverviewPage::makeStart() {
    auto* box = new QWidget(this);
    auto* columns = new QHBoxLayout(box);
    columns->setContentsMargins(0, 0, 0, 0);
    columns->setSpacing(32);
    auto* layout = new QVBoxLayout;
    layout->setSpacing(12);
    layout->addWidget(makeSectionTitle(tr("Start"), box));
    m_demo = new EmptyState(QStringLiteral("azimuth"), tr("Demo study"),
                            tr("Steers SmolLM2 135M towards verse: extracts, calibrates, carries over. "
                               "A few minutes on two cores."),
                            tr("Run the demo"), box);
    m_open = new EmptyState(QStringLiteral("open"), tr("A project or a study"),
                            tr("A project (.h5), or a study (.json), which then runs. You can also drop a "
                               "file anywhere in this window."),
                            tr("Open…"), box);
    m_open->button()->setProperty("primary", false);
    layout->addWidget(m_demo);
    layout->addWidget(m_open);
    layout->addSpacing(8);
    layout->addWidget(makeSectionTitle(tr("Recent projects"), box));
    layout->addWidget(makeRule(box));
    m_noRecent = new QLabel(tr("No projects yet. The ones you open are listed here."), box);
    m_noRecent->setProperty("role", QStringLiteral("secondary"));
    m_noRecent->setContentsMargins(8, 0, 8, 0);
    layout->addWidget(m_noRecent);
    m_recentRows = new QStandardItemModel(this);
    m_recent = new DataTable(tr("Recent projects"), box);
    m_recent->setModel(m_recentRows);
    m_recent->horizontalHeader()->hide();
    layout->addWidget(m_recent, 1);
    layout->addStretch(0);
    columns->addLayout(layout, 3);
    columns->addWidget(makeSteps(), 2);
    connect(m_demo, &EmptyState::clicked, this, &Page::demoRequested);
    connect(m_open, &EmptyState::clicked, this, &Page::openRequested);
    connect(m_recent, &DataTable::rowActivated, this, [this](int row) {
        Q_EMIT fileRequested(m_recentRows->item(row, 0)->data(Qt::UserRole).toString());
    });
    setRecentFiles({});
    return box;
}

QWidget* OverviewPage::makeSteps() {
    auto* box = new QWidget(this);
    auto* layout = new QVBoxLayout(box);
    layout->setContentsMargins(0, 0, 0, 0);
    layout->setSpacing(0);
    layout->addWidget(makeSectionTitle(tr("A study in five steps"), box));
    layout->addSpacing(12);
    layout->addWidget(makeRule(box));
    const std::pair<QString, QString> steps[] = {
        {tr("Extract"), tr("Two prompt sets give a direction at every layer.")},
        {tr("Look"), tr("Norms and cosines show where the direction settles.")},
        {tr("Apply"), tr("A sweep finds the strength that steers and stays readable.")},
        {tr("Carry over"), tr("The direction goes unchanged into models of equal width.")},
        {tr("Show"), tr("Figures for the paper, with their provenance.")},
    };
    for (const auto& [name, text] : steps) {
        auto* row = new QWidget(box);
        auto* line = new QHBoxLayout(row);
        line->setContentsMargins(8, 7, 8, 7);
        line->setSpacing(12);
        auto* title = new QLabel(name, row);
        title->setProperty("role", QStringLiteral("strong"));
        title->setFixedWidth(Theme::instance()->px(84));
        auto* words = new QLabel(text, row);
        words->setProperty("role", QStringLiteral("secondary"));
        words->setWordWrap(true);
        line->addWidget(title, 0, Qt::AlignTop);
        line->addWidget(words, 1);
        layout->addWidget(row);
        layout->addWidget(makeRule(box));
    }
    layout->addStretch(1);
    return box;
}

void OverviewPage::setRecentFiles(const QStringList& paths) {
    m_recentRows->clear();
    for (const auto& path : paths) {
        auto* name = new QStandardItem(QFileInfo(path).fileName());
        name->setData(path, Qt::UserRole);
        auto* folder = new QStandardItem(QFileInfo(path).path());
        folder->setData(true, MutedRole);
        for (auto* item : {name, folder}) {
            item->setToolTip(path);
            item->setEditable(false);
        }
        m_recentRows->appendRow({name, folder});
    }
    m_recent->setColumnWidth(0, Theme::instance()->px(200));
    m_recent->horizontalHeader()->setStretchLastSection(true);
    m_recent->setVisible(!paths.isEmpty());
    m_noRecent->setVisible(paths.isEmpty());
}

} // namespace azimuth
