// The tables of FORMAT.md as data: one list of columns per table, for writing, reading and validating.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace azimuth::schema {

enum class Type {
    U32,
    U64,
    I32,
    I64,
    F64,
    Bool,
    Enumeration,
    Time,   // fixed string of 32 bytes
    Digest, // fixed string of 64 bytes
    Key,    // u8 [n][32]
    Text,
    I32List,
    F64List,
    DigestList
};
std::string toString(Type type); // as FORMAT.md names it

bool isRagged(Type type); // has an offsets dataset

struct Column {
    std::string name;
    Type type;
    std::string units, description;
    std::vector<std::string> names{}; // of an enumeration, values from 0
    unsigned since = 1; // table_version that brought it; a file of an earlier one is read without it
};

std::string dataName(const Column& column); // of the dataset with the values: "text_utf8"

struct Table {
    std::string path; // "/models"; parts have the path "/completions/parts/p*"
    std::vector<Column> columns;
    unsigned version = 1;
    bool optional = false; // absent where it has no rows, and from files of earlier formats

    const Column* find(std::string_view column) const;
    const Column& column(std::string_view name) const; // Error project.schema if there is none
};

const std::vector<Table>& tables();
const Table& table(std::string_view path); // Error project.schema if there is none; part paths find "p*"
bool isInShards(const Table& table);       // also part of a result shard
std::set<std::string> datasetNames(const Table& table);
// A table, a folder of tables or of numbered objects, or one of these objects, whether or not it is there.
bool isKnown(std::string_view path);
// The column that names the rows of this table for good: a digest that no two have. "" for a table of one
// row; nothing where rows are told by all they say.
std::optional<std::string> rowKey(const Table& table);

inline constexpr std::size_t partRows = 16384; // rows of one part of /completions
inline constexpr std::string_view tensorFolder = "/banks/tensors", matrixFolder = "/transfer/matrices",
                                  partFolder = "/completions/parts";

std::string numbered(char letter, std::uint64_t number); // "b000001"

} // namespace azimuth::schema
