// The left pane: project name, the pages with their counts in four groups, device and memory at the foot.
#pragma once

#include "widgets/themed.h"

#include <QListWidget>
#include <QWidget>
#include <vector>

class QLabel;

namespace azimuth {

class ElidedLabel;
class Page;

class Navigator : public QWidget, public Themed {
    Q_OBJECT
public:
    explicit Navigator(QWidget* parent = nullptr);

    // group: 0 overview, 1 inputs, 2 results, 3 figures; a line between groups.
    void addPage(Page* page, int group);
    void setProject(const QString& title, const QString& line);
    void setCurrent(const QString& pageId);
    void updateCounts();
    void setDevice(const QString& text, const QString& memory, double fraction);
    void setIconsOnly(bool iconsOnly);
    bool iconsOnly() const { return m_iconsOnly; }
    QListWidget* list() const { return m_list; }
    void setTokens(const Tokens& tokens) override;

Q_SIGNALS:
    void pageRequested(const QString& pageId);

private:
    class Delegate;
    class MemoryBar;
    std::vector<Page*> m_pages;
    Tokens m_tokens;
    Delegate* m_delegate;
    QLabel *m_headIcon, *m_deviceIcon, *m_memory;
    ElidedLabel *m_name, *m_line, *m_device;
    QWidget *m_head, *m_foot;
    MemoryBar* m_bar;
    QListWidget* m_list;
    bool m_iconsOnly = false;
};

} // namespace azimuth
