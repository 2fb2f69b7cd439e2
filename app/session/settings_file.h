// Values by name in one JSON file, {"azimuth": "settings", "version": 1, "values": {...}}, which several
// processes may change. set() is at once true for this process; the file follows on a thread of its own: read
// again under a lock, changed where this process changed it, replaced as a whole (AtomicFile). Main thread;
// nothing here waits for the disk but the constructor, which reads the file, and the destructor, behind which
// what was set is written.
//
// A file that cannot be read gives no values; it is kept as <file>.damaged before another takes its place.
#pragma once

#include "app/session/io_thread.h"
#include "core/base/json.h"

#include <map>
#include <mutex>
#include <QObject>
#include <QString>
#include <string>

namespace azimuth {

class SettingsFile : public QObject {
    Q_OBJECT
public:
    explicit SettingsFile(const QString& path, QObject* parent = nullptr);

    Json value(const std::string& name) const; // null: not there
    void set(const std::string& name, Json value);
    void remove(const std::string& name) { set(name, nullptr); }

Q_SIGNALS:
    void failed(const azimuth::Error& error); // what was set is not in the file; the next set() tries again

private:
    using Values = std::map<std::string, Json>;
    Values read() const; // Error json.*, file.*; nothing if there is no file
    Values write();      // on the thread; returns what the file holds then

    std::string m_path;
    Values m_values;
    std::mutex m_mutex;
    Values m_unwritten;                                    // null: to be removed
    bool m_posted = false;                                 // a task that will take them
    IoThread m_thread{QStringLiteral("azimuth-settings")}; // last: ends before what it uses goes
};

} // namespace azimuth
