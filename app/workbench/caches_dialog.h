// The activation caches of a project: what they hold, whether the study needs them, their size and digest.
// Accepted when those that it does not need are to be removed. Digests are computed on a thread of its own
// while the list is looked at, and given up when it closes.
#pragma once

#include "app/session/caches.h"
#include "app/session/io_thread.h"

#include <atomic>
#include <memory>
#include <QDialog>
#include <vector>

class QTreeWidget;

namespace azimuth {

class CachesDialog : public QDialog {
    Q_OBJECT
public:
    // caches: as listCaches gives them, without digests.
    CachesDialog(std::vector<CacheFile> caches, QWidget* parent);
    ~CachesDialog() override;

private:
    QString summary() const;
    void fillRows();
    void addButtons();
    void computeDigests();
    void copyDigest() const;

    const std::vector<CacheFile> m_caches;
    QTreeWidget* m_rows;
    std::shared_ptr<std::atomic<bool>> m_stop = std::make_shared<std::atomic<bool>>(false);
    IoThread m_thread{QStringLiteral("azimuth-digests")};
};

} // namespace azimuth
