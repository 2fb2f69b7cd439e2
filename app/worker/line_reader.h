// Splits a stream of bytes into lines of bounded length.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>

namespace azimuth::worker {

class LineReader {
public:
    // onLine gets each line without its break. A longer line is dropped while it comes in and reported once
    // to onTooLong.
    LineReader(std::size_t limit, std::function<void(std::string_view)> onLine,
               std::function<void()> onTooLong)
        : m_limit(limit), m_onLine(std::move(onLine)), m_onTooLong(std::move(onTooLong)) {}

    void feed(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto end = bytes.find('\n');
            take(bytes.substr(0, end));
            if (end == std::string_view::npos)
                return;
            bytes.remove_prefix(end + 1);
            if (!m_tooLong)
                m_onLine(m_line);
            m_line.clear();
            m_tooLong = false;
        }
    }

private:
    void take(std::string_view part) {
        if (m_tooLong)
            return;
        if (m_line.size() + part.size() > m_limit) {
            m_tooLong = true;
            m_line.clear();
            m_line.shrink_to_fit();
            m_onTooLong();
            return;
        }
        m_line.append(part);
    }

    std::size_t m_limit;
    std::function<void(std::string_view)> m_onLine;
    std::function<void()> m_onTooLong;
    std::string m_line;
    bool m_tooLong = false;
};

} // namespace azimuth::worker
