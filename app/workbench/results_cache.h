// What core/results makes of a view, computed once and kept while that view is shown. Small projects are
// computed at once; larger ones on a thread of the cache, so that no handler of the window waits: the answer
// is null until ready() is emitted. GUI thread.
#pragma once

#include "core/base/error.h"
#include "core/results/comparison.h"
#include "core/results/transfer_matrix.h"

#include <functional>
#include <map>
#include <memory>
#include <QObject>
#include <QThreadPool>
#include <string>

namespace azimuth {

using View = std::shared_ptr<const ProjectView>;

class ResultsCache : public QObject {
    Q_OBJECT
public:
    static constexpr std::size_t atOnce = 1500; // completions

    static ResultsCache& instance(); // made at the first call, gone with the application
    ~ResultsCache() override;

    std::shared_ptr<const TransferMatrix> transfer(const View& view, const std::string& conceptName);
    std::shared_ptr<const std::vector<ComparisonRow>> comparison(const View& view,
                                                                 const std::string& conceptName,
                                                                 const std::string& modelName,
                                                                 const std::string& armDigest);
    // What calibrating again would choose, if completions or labels are others than the choice was made from;
    // else without an id.
    std::shared_ptr<const Calibration> wouldChoose(const View& view, const std::string& conceptName,
                                                   const std::string& modelName);

Q_SIGNALS:
    void ready();
    void failed(const azimuth::Error& error);

private:
    using Value = std::shared_ptr<const void>;
    using Task = std::function<Value()>;
    explicit ResultsCache(QObject* parent);
    Value find(const View& view, const std::string& key, Task task);
    void keep(const View& view, const std::string& key, const Value& value);

    View m_view;
    std::map<std::string, Value> m_values; // null: being computed, or failed
    QThreadPool m_pool;
};

} // namespace azimuth
