#include "app/workbench/results_cache.h"

#include "app/workbench/arms.h"
#include "core/results/calibrate.h"

#include <QCoreApplication>
#include <QPointer>

namespace azimuth {

ResultsCache& ResultsCache::instance() {
    static QPointer<ResultsCache> cache;
    if (!cache)
        cache = new ResultsCache(QCoreApplication::instance());
    return *cache;
}

ResultsCache::ResultsCache(QObject* parent) : QObject(parent) { m_pool.setMaxThreadCount(1); }

ResultsCache::~ResultsCache() { m_pool.waitForDone(); }

ResultsCache::Value ResultsCache::find(const View& view, const std::string& key, Task task) {
    if (view != m_view) {
        m_view = view;
        m_values.clear();
        m_pool.clear();
    }
    const auto [entry, fresh] = m_values.try_emplace(key);
    if (!fresh)
        return entry->second;
    if (view->completions->size() <= atOnce) {
        try {
            return entry->second = task();
        } catch (const Error& error) {
            Q_EMIT failed(error);
            return {};
        }
    }
    m_pool.start([this, view, key, task = std::move(task)] {
        try {
            const Value value = task();
            QMetaObject::invokeMethod(this, [this, view, key, value] { keep(view, key, value); });
        } catch (const Error& error) {
            QMetaObject::invokeMethod(this, [this, error] { Q_EMIT failed(error); });
        }
    });
    return {};
}

void ResultsCache::keep(const View& view, const std::string& key, const Value& value) {
    if (view != m_view)
        return;
    m_values[key] = value;
    Q_EMIT ready();
}

std::shared_ptr<const TransferMatrix> ResultsCache::transfer(const View& view,
                                                             const std::string& conceptName) {
    const auto value = find(view, "transfer " + conceptName, [view, conceptName]() -> Value {
        const auto* of = view->study->concept_(conceptName);
        return std::make_shared<const TransferMatrix>(of ? transferMatrix(*view, *view->study, *of)
                                                         : TransferMatrix());
    });
    return std::static_pointer_cast<const TransferMatrix>(value);
}

std::shared_ptr<const std::vector<ComparisonRow>> ResultsCache::comparison(const View& view,
                                                                           const std::string& conceptName,
                                                                           const std::string& modelName,
                                                                           const std::string& armDigest) {
    const auto* arm = armIndex(view)->find(armDigest);
    using Rows = std::vector<ComparisonRow>;
    const auto value =
        find(view, "completions " + armDigest + modelName + '\n' + conceptName,
             [view, conceptName, modelName, arm]() -> Value {
                 const auto* of = view->study->concept_(conceptName);
                 const auto* model = view->model(modelName);
                 return std::make_shared<const Rows>(
                     of && model && arm ? completionsFor(*view, *view->study, *of, *model, *arm) : Rows());
             });
    return std::static_pointer_cast<const Rows>(value);
}

std::shared_ptr<const Calibration> ResultsCache::wouldChoose(const View& view, const std::string& conceptName,
                                                             const std::string& modelName) {
    const auto value =
        find(view, "choice " + modelName + '\n' + conceptName, [view, conceptName, modelName]() -> Value {
            const auto* of = view->study->concept_(conceptName);
            const auto* model = view->model(modelName);
            return std::make_shared<const Calibration>(
                of && model && calibrationOutOfDate(*view, *view->study, *of, *model)
                    ? calibrate(*view, *view->study, *of, *model)
                    : Calibration());
        });
    return std::static_pointer_cast<const Calibration>(value);
}

} // namespace azimuth
