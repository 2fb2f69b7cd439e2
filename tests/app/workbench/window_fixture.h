// A window with the pages of the workbench, without project, session or worker.
#pragma once

#include "app/workbench/inspector.h"
#include "app/workbench/main_window.h"
#include "app/workbench/navigator.h"
#include "app/workbench/pages/apply_page.h"
#include "app/workbench/pages/layers_page.h"
#include "app/workbench/pages/overview_page.h"
#include "app/workbench/pages/transfer_page.h"
#include "app/workbench/selection_bar.h"
#include "app/workbench/theme/theme.h"

#include <QApplication>
#include <QTest>

namespace azimuth {

struct Window {
    MainWindow window;
    OverviewPage* overview = new OverviewPage;
    LayersPage* layers = new LayersPage;
    ApplyPage* apply = new ApplyPage;
    TransferPage* transfer = new TransferPage;

    explicit Window(std::shared_ptr<const ProjectView> view = nullptr, QSize size = {1280, 800}) {
        window.addPage(overview, 0);
        window.addPage(layers, 2);
        window.addPage(apply, 2);
        window.addPage(transfer, 2);
        window.resize(size);
        window.setView(std::move(view), true);
        window.show();
        window.activateWindow();
        if (!QTest::qWaitForWindowActive(&window))
            qFatal("the window does not become active");
    }

    const Selection& selection() const { return window.selection()->current(); }

    template <class Change> void select(Change change) {
        Selection next = selection();
        change(next);
        window.selection()->set(next);
    }

    void open(const char* page) {
        select([&](Selection& next) { next.page = QString::fromLatin1(page); });
    }

    // Value of the inspector's first row with that key; empty if there is none.
    QString inspected(const QString& key) const {
        for (const auto& section : window.inspector()->content().sections)
            for (const auto& row : section.rows)
                if (row.key == key)
                    return row.value;
        return {};
    }
};

} // namespace azimuth
