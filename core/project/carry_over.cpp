#include "core/project/carry_over.h"

#include "core/base/sha256.h"
#include "core/base/text.h"
#include "core/project/raw_column.h"
#include "core/project/schema.h"
#include "core/project/validate_walk.h"

#include <algorithm>
#include <deque>
#include <optional>
#include <set>
#include <unordered_map>

namespace azimuth::h5 {
namespace {

using Rows = std::vector<std::optional<std::size_t>>; // for each row of the new table, that of the base

std::string childPath(const std::string& path, const std::string& name) {
    return path == "/" ? "/" + name : path + "/" + name;
}

class CarryOver {
public:
    CarryOver(H5Publication& file, const ReadFile& base) : m_file(file), m_base(base) {}

    void group(const std::string& path, const std::string& except) {
        const auto from = path == "/" ? azimuth::h5::group(H5Gopen2(m_base.root(), "/", H5P_DEFAULT), path)
                                      : m_base.group(path);
        const auto to = open(path);
        attempt(path, to, {}, [&] {
            for (const auto& name : copyAttributes(from, to, path))
                drop(path, "its attribute " + forMessage(name, 60) + " is outside the format's profile");
        });
        const auto* table = tableAt(path);
        if (table)
            columns(*table, path, from, to);
        for (const auto& name : m_base.names(from)) {
            const auto place = childPath(path, name);
            if (place == except || (table && isDataset(from, name)))
                continue;
            if (H5Lexists(to, name.c_str(), H5P_DEFAULT) > 0) {
                if (!isDataset(from, name))
                    group(place, except);
            } else if (!schema::isKnown(place)) {
                attempt(place, to, name, [&] { copyObject(from, to, name, place); });
            }
        }
    }

    std::vector<Dropped> dropped() { return std::move(m_dropped); }

private:
    void drop(const std::string& place, const std::string& reason) {
        m_dropped.push_back({forMessage(place, 120), reason});
    }

    Id open(const std::string& path) const {
        return azimuth::h5::group(H5Gopen2(m_file.root(), path.c_str(), H5P_DEFAULT), path);
    }

    static bool isDataset(hid_t group, const std::string& name) {
        H5O_info_t info;
        return H5Oget_info_by_name2(group, name.c_str(), &info, H5O_INFO_BASIC, H5P_DEFAULT) >= 0 &&
               info.type == H5O_TYPE_DATASET;
    }

    static const schema::Table* tableAt(const std::string& path) {
        const auto parts = std::string(schema::partFolder) + "/";
        for (const auto& table : schema::tables())
            if (table.path == path || (path.starts_with(parts) && table.path == parts + "p*"))
                return &table;
        return nullptr;
    }

    // An error of what is copied drops it; one of the disk fails the save. created: a link in `to` that an
    // unfinished copy may have left.
    template <class Body>
    void attempt(const std::string& place, hid_t to, const std::string& created, Body body) {
        try {
            body();
        } catch (const Error& error) {
            m_file.check();
            if (!created.empty() && H5Lexists(to, created.c_str(), H5P_DEFAULT) > 0)
                checkStatus(H5Ldelete(to, created.c_str(), H5P_DEFAULT), place);
            drop(place, "it cannot be read: " + error.message());
        }
    }

    bool isOfTheProfile(const std::string& place) {
        Validation found;
        walkObject(m_base, place, found);
        for (const auto& finding : found.findings)
            if (finding.severity == Finding::Severity::Problem) {
                drop(place, finding.text);
                return false;
            }
        return true;
    }

    void copyObject(hid_t from, hid_t to, const std::string& name, const std::string& place) {
        if (!isOfTheProfile(place))
            return;
        checkStatus(H5Ocopy(from, name.c_str(), to, name.c_str(), H5P_DEFAULT, H5P_DEFAULT), place);
        m_file.check();
    }

    // The datasets that are no columns of the schema, as pairs of values and offsets ("" if there are none).
    std::vector<std::pair<std::string, std::string>> unknownColumns(const schema::Table& table, hid_t from,
                                                                    hid_t to) const {
        const auto known = schema::datasetNames(table);
        std::set<std::string> unknown;
        for (const auto& name : m_base.names(from))
            if (!known.count(name) && isDataset(from, name) && H5Lexists(to, name.c_str(), H5P_DEFAULT) <= 0)
                unknown.insert(name);
        const std::string ending = "_offsets", utf8 = "_utf8";
        std::vector<std::pair<std::string, std::string>> columns;
        for (const auto& name : unknown) {
            const auto stem = name.ends_with(utf8) ? name.substr(0, name.size() - utf8.size()) : name;
            const bool isOffsets =
                name.ends_with(ending) && (unknown.count(name.substr(0, name.size() - ending.size())) ||
                                           unknown.count(name.substr(0, name.size() - ending.size()) + utf8));
            if (!isOffsets)
                columns.emplace_back(name, unknown.count(stem + ending) ? stem + ending : "");
        }
        return columns;
    }

    static std::uint64_t number(hid_t group, const char* name, const std::string& path) {
        std::uint64_t value = 0;
        const auto id = attribute(H5Aopen(group, name, H5P_DEFAULT), path);
        checkStatus(H5Aread(id, H5T_NATIVE_UINT64, &value), path);
        return value;
    }

    void columns(const schema::Table& table, const std::string& path, hid_t from, hid_t to) {
        const auto before = m_dropped.size();
        std::optional<Rows> rows;
        for (const auto& [name, offsets] : unknownColumns(table, from, to)) {
            const auto place = path + "/" + name;
            if (!isOfTheProfile(place) || (!offsets.empty() && !isOfTheProfile(path + "/" + offsets)))
                continue;
            attempt(place, to, name, [&] {
                if (!rows)
                    rows = sourceRows(table, path, from, to);
                if (rows->empty() && number(to, "n_rows", path) > 0)
                    return drop(place,
                                "rows of the table were changed, and what it says of which is not known");
                const auto count = m_base.unsignedAttribute(from, "n_rows", path);
                RawColumn(from, name, offsets, static_cast<std::size_t>(count), place)
                    .write(m_file, to, *rows);
            });
        }
        if (m_dropped.size() > before)
            return dropWhatWasKept(table, path, from, to);
        const auto version = m_base.unsignedAttribute(from, "table_version", path);
        if (version <= number(to, "table_version", path))
            return;
        checkStatus(H5Adelete(to, "table_version"), path);
        writeAttribute(to, "table_version", static_cast<std::uint32_t>(version));
    }

    // A version stands for all columns up to it.
    void dropWhatWasKept(const schema::Table& table, const std::string& path, hid_t from, hid_t to) {
        const auto known = schema::datasetNames(table);
        for (const auto& name : m_base.names(from))
            if (!known.count(name) && isDataset(from, name) && H5Lexists(to, name.c_str(), H5P_DEFAULT) > 0) {
                checkStatus(H5Ldelete(to, name.c_str(), H5P_DEFAULT), path);
                if (!name.ends_with("_offsets"))
                    drop(path + "/" + name, "another column of its table could not be kept");
            }
    }

    // Each row as the digest of what names it.
    std::vector<Digest> rowNames(const std::vector<const schema::Column*>& columns, const std::string& path,
                                 hid_t group, std::size_t rows) const {
        std::vector<Digest> names(rows);
        for (const auto* column : columns) {
            const RawColumn values(group, schema::dataName(*column),
                                   schema::isRagged(column->type) ? column->name + "_offsets" : "", rows,
                                   path + "/" + column->name);
            for (std::size_t i = 0; i < rows; ++i) {
                Sha256 hash;
                hash.update(std::as_bytes(std::span(names[i])));
                hash.update(values.row(i));
                names[i] = hash.finish();
            }
        }
        return names;
    }

    // Empty, although the new table has rows: they cannot be told.
    Rows sourceRows(const schema::Table& table, const std::string& path, hid_t from, hid_t to) const {
        const auto version = std::min(number(from, "table_version", path), number(to, "table_version", path));
        const auto key = schema::rowKey(table);
        std::vector<const schema::Column*> columns;
        for (const auto& column : table.columns) {
            if (key ? column.name != *key : column.name == "id")
                continue;
            if (column.since > version)
                continue;
            const auto place = path + "/" + schema::dataName(column);
            inspectDataset(m_base, m_base.dataset(place), place);
            columns.push_back(&column);
        }
        const auto count = [&](hid_t group) {
            return static_cast<std::size_t>(number(group, "n_rows", path));
        };
        const auto old = rowNames(columns, path, from, count(from));
        const auto now = rowNames(columns, path, to, count(to));
        struct Hash {
            std::size_t operator()(const Digest& digest) const {
                return std::hash<std::string_view>()({reinterpret_cast<const char*>(digest.data()), 32});
            }
        };
        std::unordered_map<Digest, std::deque<std::size_t>, Hash> byName;
        for (std::size_t i = 0; i < old.size(); ++i)
            byName[old[i]].push_back(i);
        Rows rows;
        std::size_t found = 0;
        for (const auto& name : now) {
            auto& there = byName[name];
            rows.push_back(there.empty() ? std::nullopt : std::optional(there.front()));
            if (!there.empty()) {
                there.pop_front();
                ++found;
            }
        }
        const bool changed = found < old.size() && found < now.size();
        return changed && !key ? Rows() : rows;
    }

    H5Publication& m_file;
    const ReadFile& m_base;
    std::vector<Dropped> m_dropped;
};

} // namespace

std::vector<Dropped> carryOver(H5Publication& file, const ReadFile& base, const std::string& except) {
    CarryOver carry(file, base);
    carry.group("/", except);
    return carry.dropped();
}

std::vector<Dropped> carryOverTable(H5Publication& file, const ReadFile& base, const std::string& table) {
    CarryOver carry(file, base);
    if (base.exists(table))
        carry.group(table, {});
    return carry.dropped();
}

} // namespace azimuth::h5
