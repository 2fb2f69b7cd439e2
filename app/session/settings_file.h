// Values by name in one JSON file, {"azimuth": "settings", "version": 1, "values": {...}}, which several
// processes may change. A change is at once true for this process; the file follows on a thread of its own:
// read again under a lock, changed in the same way, replaced as a whole (AtomicFile); then this process has
// what others changed too. Main thread; nothing here waits for the disk but the constructor, which reads the
// file, and the destructor, behind which the changes are written.
//
// A file that is damaged gives no values; it is kept beside the new one as <file>.damaged, .damaged-2, ...
// One that cannot be read, or that a newer program wrote, is left alone: changes hold for this process only.
#pragma once

#include "app/session/io_thread.h"
#include "core/base/json.h"

#include <functional>
#include <map>
#include <mutex>
#include <QObject>
#include <QString>
#include <string>
#include <vector>

namespace azimuth {

class SettingsFile : public QObject {
    Q_OBJECT
public:
    explicit SettingsFile(const QString& path, QObject* parent = nullptr);

    Json value(const std::string& name) const; // null: not there
    // change(value before, null if there is none) gives the new one, null to remove it. Called for what this
    // process has and, on the thread, for what the file has, which may have it already: doing it twice does
    // no more than once.
    void change(const std::string& name, std::function<Json(const Json&)> change);
    void set(const std::string& name, Json value);

Q_SIGNALS:
    void changedElsewhere(const std::string& name);
    // Changes are not in the file; the next one tries the latest of them again. Or settings.damaged: they
    // are, and the file that could not be read is kept.
    void failed(const azimuth::Error& error);

private:
    using Values = std::map<std::string, Json>;
    struct Change {
        quint64 number = 0; // ascending
        std::string name;
        std::function<Json(const Json&)> make;
        void apply(Values& values) const;
    };
    Values read() const; // Error json.*, file.*; nothing if there is no file
    struct Written {
        Values values;     // what the file holds
        quint64 last = 0;  // number of the last change in it
        std::string aside; // where the damaged one is; empty: there was none
    };
    Written write(Values known); // on the thread
    void take(Written written);
    std::string setDamagedAside() const; // where it is then

    std::string m_path;
    Values m_values;
    std::vector<Change> m_own; // that m_values has and nobody has said that the file has
    quint64 m_last = 0;
    std::mutex m_mutex;
    std::vector<Change> m_unwritten;                       // in order
    bool m_posted = false;                                 // a task that will take them
    IoThread m_thread{QStringLiteral("azimuth-settings")}; // last: ends before what it uses goes
};

} // namespace azimuth
