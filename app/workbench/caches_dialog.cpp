#include "app/workbench/caches_dialog.h"

#include "core/base/sha256.h"
#include "core/base/units.h"

#include <algorithm>
#include <QAction>
#include <QClipboard>
#include <QDialogButtonBox>
#include <QFileInfo>
#include <QGuiApplication>
#include <QHeaderView>
#include <QLabel>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>
#include <utility>

namespace azimuth {
namespace {

enum Column { Name, Size, Needed, Holds, Sha256Column, columns };

QString q(const std::string& text) { return QString::fromStdString(text); }

struct Unused {
    int files = 0;
    std::uint64_t bytes = 0;
};

Unused unusedOf(const std::vector<CacheFile>& caches) {
    Unused unused;
    for (const auto& cache : caches)
        if (cache.state == CacheFile::State::Unused) {
            ++unused.files;
            unused.bytes += cache.bytes;
        }
    return unused;
}

QString heldText(const CacheFile& cache) { // why it is not known begins with its path, which stands beside
    return q(cache.what.starts_with(cache.path) ? "It" + cache.what.substr(cache.path.size()) : cache.what);
}

} // namespace

CachesDialog::CachesDialog(std::vector<CacheFile> caches, QWidget* parent)
    : QDialog(parent), m_caches(std::move(caches)), m_rows(new QTreeWidget) {
    setObjectName(QStringLiteral("cachesDialog"));
    setWindowTitle(tr("Activation caches"));
    auto* layout = new QVBoxLayout(this);
    auto* words = new QLabel(summary());
    words->setWordWrap(true);
    layout->addWidget(words);
    layout->addWidget(m_rows);
    fillRows();
    addButtons();
    resize(960, m_caches.empty() ? 0 : 300);
    computeDigests();
}

CachesDialog::~CachesDialog() { *m_stop = true; }

QString CachesDialog::summary() const {
    if (m_caches.empty())
        return tr(
            "This project has no activation caches. Those that \"azimuth-worker capture\" writes into the "
            "folder cache beside it are listed here.");
    const auto unused = unusedOf(m_caches);
    if (unused.files == 0)
        return tr(
            "There is no activation cache that the study does not need. What is not known was written by "
            "another program and is left alone.");
    return tr("The study does not need %n of them, %1; they can be computed again. What is not known was "
              "written "
              "by another program and is left alone.",
              nullptr, unused.files)
        .arg(q(bytesText(unused.bytes)));
}

void CachesDialog::fillRows() {
    m_rows->setRootIsDecorated(false);
    m_rows->setUniformRowHeights(true);
    m_rows->setAccessibleName(tr("Activation caches"));
    m_rows->setHeaderLabels({tr("Name"), tr("Size"), tr("Needed"), tr("What it holds"), tr("SHA-256")});
    m_rows->setVisible(!m_caches.empty());
    const auto needed = [](CacheFile::State state) {
        return state == CacheFile::State::Used     ? tr("yes")
               : state == CacheFile::State::Unused ? tr("no")
                                                   : tr("not known");
    };
    for (const auto& cache : m_caches) {
        auto* row = new QTreeWidgetItem(m_rows, {q(cache.name), q(bytesText(cache.bytes)),
                                                 needed(cache.state), heldText(cache), tr("computing")});
        row->setToolTip(Name, q(cache.path));
        row->setToolTip(Holds, heldText(cache));
        row->setTextAlignment(Size, Qt::AlignRight | Qt::AlignVCenter);
    }
    auto* header = m_rows->header();
    header->setStretchLastSection(false);
    for (int column = 0; column < columns; ++column)
        header->setSectionResizeMode(column,
                                     column == Holds ? QHeaderView::Stretch : QHeaderView::Interactive);
    for (const int column : {Name, Size, Needed})
        m_rows->resizeColumnToContents(column);
    m_rows->setColumnWidth(Name, std::min(m_rows->columnWidth(Name), 260));
    m_rows->setColumnWidth(Sha256Column, m_rows->fontMetrics().horizontalAdvance(QLatin1Char('0')) * 16);
    auto* copy = new QAction(tr("Copy the SHA-256"), m_rows);
    copy->setShortcut(QKeySequence::Copy);
    copy->setShortcutContext(Qt::WidgetShortcut);
    connect(copy, &QAction::triggered, this, &CachesDialog::copyDigest);
    m_rows->addAction(copy);
    m_rows->setContextMenuPolicy(Qt::ActionsContextMenu);
    if (auto* first = m_rows->topLevelItem(0))
        m_rows->setCurrentItem(first);
}

void CachesDialog::addButtons() {
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Close);
    auto* remove = buttons->addButton(tr("Remove unused caches"), QDialogButtonBox::AcceptRole);
    remove->setEnabled(unusedOf(m_caches).files > 0);
    remove->setAutoDefault(false); // Return in the list removes nothing
    buttons->button(QDialogButtonBox::Close)->setDefault(true);
    connect(buttons, &QDialogButtonBox::accepted, this, &QDialog::accept);
    connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
    layout()->addWidget(buttons);
}

void CachesDialog::computeDigests() {
    for (int i = 0; i < m_rows->topLevelItemCount(); ++i) {
        auto* row = m_rows->topLevelItem(i);
        const auto& path = m_caches[static_cast<std::size_t>(i)].path;
        if (QFileInfo(q(path)).isSymLink() || !QFileInfo(q(path)).isFile()) {
            row->setText(Sha256Column, tr("not a plain file"));
            continue;
        }
        m_thread.post(
            this,
            [path, stop = m_stop] {
                if (*stop)
                    throw Error("cancelled", path + ": reading was cancelled.", "");
                return toHex(sha256File(path, 0, [&](std::uint64_t, std::uint64_t) { return !*stop; }));
            },
            [row](const std::string& digest) {
                row->setText(Sha256Column, q(digest.substr(0, 12)) + QChar(0x2026));
                row->setToolTip(Sha256Column, q(digest));
                row->setData(Sha256Column, Qt::UserRole, q(digest));
            },
            [row](const Error& error) {
                row->setText(Sha256Column, tr("cannot be read"));
                row->setToolTip(Sha256Column, q(error.message()));
            });
    }
}

void CachesDialog::copyDigest() const {
    if (const auto* row = m_rows->currentItem())
        if (const auto digest = row->data(Sha256Column, Qt::UserRole).toString(); !digest.isEmpty())
            QGuiApplication::clipboard()->setText(digest);
}

} // namespace azimuth
