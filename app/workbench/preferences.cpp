#include "app/workbench/preferences.h"

#include <QDialogButtonBox>
#include <QDir>
#include <QFileDialog>
#include <QHBoxLayout>
#include <QInputDialog>
#include <QLabel>
#include <QListWidget>
#include <QPushButton>
#include <QVBoxLayout>

namespace azimuth {

bool askAuthor(QWidget* parent, Settings& settings) {
    bool agreed = false;
    const QString name = QInputDialog::getText(parent, QObject::tr("Your name"),
                                               QObject::tr("Name with your labels and notes"),
                                               QLineEdit::Normal, settings.author(), &agreed)
                             .trimmed();
    if (!agreed || name.isEmpty())
        return false;
    settings.setAuthor(name);
    return true;
}

ModelFoldersDialog::ModelFoldersDialog(Settings& settings, QWidget* parent)
    : QDialog(parent), m_settings(settings), m_list(new QListWidget), m_none(new QLabel),
      m_remove(new QPushButton(tr("Remove"))), m_up(new QPushButton(tr("Up"))),
      m_down(new QPushButton(tr("Down"))) {
    setObjectName(QStringLiteral("modelFolders"));
    setWindowTitle(tr("Model folders"));
    auto* words = new QLabel(tr("The models of a study are looked for in its own folder, then in these, then "
                                "in %1. Models of Hugging Face's cache are found by their name. Nothing is "
                                "ever downloaded.")
                                 .arg(QDir::toNativeSeparators(modelCacheFolder())));
    words->setWordWrap(true);
    m_list->setAccessibleName(tr("Model folders"));
    m_none->setText(tr("None yet. Add a folder that holds GGUF files or Hugging Face folders."));
    m_none->setAlignment(Qt::AlignCenter);
    m_none->setWordWrap(true);
    auto* inList = new QVBoxLayout(m_list->viewport());
    inList->addWidget(m_none);
    connect(m_list, &QListWidget::currentRowChanged, this, &ModelFoldersDialog::showButtons);

    auto* another = new QPushButton(tr("Add…"));
    connect(another, &QPushButton::clicked, this, [this] {
        const auto folder = QFileDialog::getExistingDirectory(this, tr("A folder of models"));
        if (!folder.isEmpty())
            add(folder);
    });
    connect(m_remove, &QPushButton::clicked, this, &ModelFoldersDialog::removeCurrent);
    connect(m_up, &QPushButton::clicked, this, [this] { moveCurrent(-1); });
    connect(m_down, &QPushButton::clicked, this, [this] { moveCurrent(1); });
    auto* beside = new QVBoxLayout;
    for (auto* button : {another, m_remove, m_up, m_down}) {
        button->setAutoDefault(false);
        beside->addWidget(button);
    }
    beside->addStretch(1);
    auto* middle = new QHBoxLayout;
    middle->addWidget(m_list, 1);
    middle->addLayout(beside);
    auto* close = new QDialogButtonBox(QDialogButtonBox::Close);
    connect(close, &QDialogButtonBox::rejected, this, &QDialog::reject);

    auto* layout = new QVBoxLayout(this);
    layout->addWidget(words);
    layout->addLayout(middle, 1);
    layout->addWidget(close);
    resize(640, 320);
    connect(&m_settings, &Settings::modelFoldersChanged, this, &ModelFoldersDialog::fill);
    fill();
}

void ModelFoldersDialog::fill() {
    const int row = m_list->currentRow();
    const auto folders = m_settings.modelFolders();
    m_list->clear();
    m_list->addItems(folders);
    m_none->setVisible(folders.isEmpty());
    m_list->setCurrentRow(std::min(std::max(row, 0), m_list->count() - 1));
    showButtons();
}

void ModelFoldersDialog::showButtons() {
    const int row = m_list->currentRow();
    m_remove->setEnabled(row >= 0);
    m_up->setEnabled(row > 0);
    m_down->setEnabled(row >= 0 && row + 1 < m_list->count());
}

void ModelFoldersDialog::add(const QString& folder) {
    const auto path = QDir(folder).absolutePath();
    m_settings.addModelFolder(path);
    select(path);
}

void ModelFoldersDialog::removeCurrent() {
    const auto* item = m_list->currentItem();
    if (item)
        m_settings.removeModelFolder(item->text());
}

void ModelFoldersDialog::moveCurrent(int by) {
    const auto* item = m_list->currentItem();
    if (!item)
        return;
    const auto folder = item->text();
    m_settings.moveModelFolder(folder, by);
    select(folder);
}

void ModelFoldersDialog::select(const QString& folder) {
    m_list->setCurrentRow(static_cast<int>(m_settings.modelFolders().indexOf(folder)));
}

} // namespace azimuth
