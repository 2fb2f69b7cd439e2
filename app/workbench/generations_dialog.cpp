#include "app/workbench/generations_dialog.h"

#include "core/base/units.h"

#include <QDateTime>
#include <QDialog>
#include <QDialogButtonBox>
#include <QHeaderView>
#include <QLabel>
#include <QLocale>
#include <QPushButton>
#include <QTreeWidget>
#include <QVBoxLayout>

namespace azimuth {
namespace {

QString text(const char* source) { return QCoreApplication::translate("GenerationsDialog", source); }

void addDifference(QStringList& parts, std::size_t now, std::size_t then, const char* one, const char* many) {
    if (now == then)
        return;
    const auto count = now > then ? now - then : then - now;
    parts << (now > then ? text("%1 %2 fewer") : text("%1 %2 more"))
                 .arg(QLocale().toString(static_cast<qulonglong>(count)), text(count == 1 ? one : many));
}

} // namespace

QString differenceText(const ProjectView& now, const GenerationSummary& then) {
    if (!then.problem.empty())
        return text("cannot be opened: ") + QString::fromStdString(then.problem);
    const auto present = summaryOf(now);
    QStringList parts;
    addDifference(parts, present.completions, then.completions, "completion", "completions");
    addDifference(parts, present.scores, then.scores, "score", "scores");
    addDifference(parts, present.banks, then.banks, "direction bank", "direction banks");
    addDifference(parts, present.labels, then.labels, "label", "labels");
    addDifference(parts, present.notes, then.notes, "note", "notes");
    addDifference(parts, present.calibrations, then.calibrations, "calibration", "calibrations");
    addDifference(parts, present.figures, then.figures, "figure", "figures");
    addDifference(parts, present.jobs, then.jobs, "job", "jobs");
    if (present.title != then.title)
        parts << text("another title");
    if (present.study != then.study)
        parts << text("another study");
    return parts.isEmpty() ? text("the same results") : parts.join(QStringLiteral(", "));
}

std::optional<std::uint64_t> chooseGeneration(QWidget* parent, const ProjectView& now,
                                              const std::vector<GenerationSummary>& list) {
    QDialog dialog(parent);
    dialog.setObjectName(QStringLiteral("generationsDialog"));
    dialog.setWindowTitle(text("Restore an earlier generation"));
    auto* layout = new QVBoxLayout(&dialog);
    auto* words = new QLabel(
        list.empty() ? text("This project has no earlier generations yet. Each save keeps the one it "
                            "replaces, the last three of them.")
                     : text("The present generation is %1. What is restored becomes a generation of its own; "
                            "the present one, with what is not saved yet, is kept.")
                           .arg(now.generation));
    words->setWordWrap(true);
    layout->addWidget(words);
    auto* rows = new QTreeWidget;
    rows->setRootIsDecorated(false);
    rows->setUniformRowHeights(true);
    rows->setAccessibleName(text("Earlier generations"));
    rows->setHeaderLabels({text("Generation"), text("Saved"), text("Size"), text("Compared with now")});
    for (const auto& one : list) {
        const auto time = QDateTime::fromSecsSinceEpoch(static_cast<qint64>(one.saved));
        auto* row = new QTreeWidgetItem(
            rows, {QString::number(one.generation), QLocale().toString(time, QLocale::ShortFormat),
                   QString::fromStdString(bytesText(one.bytes)), differenceText(now, one)});
        row->setToolTip(3, row->text(3));
        row->setDisabled(!one.problem.empty());
    }
    for (int column = 0; column < 3; ++column)
        rows->resizeColumnToContents(column);
    rows->header()->setStretchLastSection(true);
    rows->setVisible(!list.empty());
    layout->addWidget(rows);
    auto* buttons = new QDialogButtonBox(QDialogButtonBox::Cancel);
    auto* restore = buttons->addButton(text("Restore"), QDialogButtonBox::AcceptRole);
    restore->setEnabled(false);
    layout->addWidget(buttons);
    const auto chosen = [rows] {
        const auto* item = rows->currentItem();
        return item && !item->isDisabled() ? item : nullptr;
    };
    QObject::connect(rows, &QTreeWidget::currentItemChanged, &dialog,
                     [restore, chosen] { restore->setEnabled(chosen() != nullptr); });
    QObject::connect(rows, &QTreeWidget::itemDoubleClicked, &dialog, [&dialog, chosen] {
        if (chosen())
            dialog.accept();
    });
    QObject::connect(buttons, &QDialogButtonBox::accepted, &dialog, &QDialog::accept);
    QObject::connect(buttons, &QDialogButtonBox::rejected, &dialog, &QDialog::reject);
    for (int i = 0; !chosen() && i < rows->topLevelItemCount(); ++i) // the newest that can be opened
        if (!rows->topLevelItem(i)->isDisabled())
            rows->setCurrentItem(rows->topLevelItem(i));
    dialog.resize(640, list.empty() ? 0 : 280);
    if (dialog.exec() != QDialog::Accepted || !chosen())
        return {};
    return chosen()->text(0).toULongLong();
}

} // namespace azimuth
