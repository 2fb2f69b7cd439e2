#include "core/project/stored_completions.h"

#include "core/base/text.h"
#include "core/project/columns.h"
#include "core/project/stored_column.h"
#include "core/project/table_reader.h"

#include <algorithm>

namespace azimuth::h5 {
namespace {

std::string partPath(std::size_t part) {
    return std::string(schema::partFolder) + "/" + schema::numbered('p', part + 1);
}

// Nothing is allocated for a text or a list of ids that no completion can have.
std::vector<std::uint64_t> checked(std::vector<std::uint64_t> offsets, const ColumnReader& columns,
                                   const char* name) {
    constexpr std::uint64_t most = std::uint64_t{1} << 28;
    for (std::size_t i = 0; i + 1 < offsets.size(); ++i)
        if (offsets[i + 1] - offsets[i] > most)
            columns.bad(name, "row " + std::to_string(i) + " has " +
                                  std::to_string(offsets[i + 1] - offsets[i]) + " elements, allowed are " +
                                  std::to_string(most));
    return offsets;
}

class StoredPart : public CompletionSource {
public:
    StoredPart(const ReadFile& file, const ColumnReader& columns, const std::string& path,
               const std::shared_ptr<ChunkStore>& store)
        : m_place(file.path() + ", " + path + "/text_utf8"),
          m_digest(file.textAttribute(file.group(path), "rows_sha256", path)),
          m_text(file, path + "/text_utf8", H5T_STD_U8LE, store),
          m_ids(file, path + "/ids", H5T_STD_I32LE, store),
          m_textOffsets(checked(columns.offsets("text", schema::Type::Text, m_text.elements()), columns,
                                "text_offsets")),
          m_idOffsets(checked(columns.offsets("ids", schema::Type::I32List, m_ids.elements()), columns,
                              "ids_offsets")) {}

    std::size_t rows() const override { return m_textOffsets.size() - 1; }

    std::string text(std::size_t row) const override {
        std::string text(textBytes(row), '\0');
        m_text.read(m_textOffsets[row], std::as_writable_bytes(std::span(text)));
        return valid(std::move(text), row);
    }
    std::optional<std::string> textAtHand(std::size_t row) const override {
        std::string text(textBytes(row), '\0');
        if (!m_text.readKept(m_textOffsets[row], std::as_writable_bytes(std::span(text))))
            return {};
        return valid(std::move(text), row);
    }

    std::vector<std::int32_t> ids(std::size_t row) const override {
        std::vector<std::int32_t> ids(tokens(row));
        m_ids.read(m_idOffsets[row], std::as_writable_bytes(std::span(ids)));
        return ids;
    }
    std::optional<std::vector<std::int32_t>> idsAtHand(std::size_t row) const override {
        std::vector<std::int32_t> ids(tokens(row));
        if (!m_ids.readKept(m_idOffsets[row], std::as_writable_bytes(std::span(ids))))
            return {};
        return ids;
    }

    std::string rowsDigest() const override { return m_digest; }

    std::size_t tokens(std::size_t row) const { return m_idOffsets.at(row + 1) - m_idOffsets[row]; }

private:
    std::size_t textBytes(std::size_t row) const { return m_textOffsets.at(row + 1) - m_textOffsets[row]; }
    std::string valid(std::string text, std::size_t row) const {
        if (!isValidUtf8(text))
            throw Error(
                "project.content", m_place + ": row " + std::to_string(row) + " is not UTF-8.",
                "The file was not written by Azimuth, or by one with a defect; open an earlier copy.");
        return text;
    }

    std::string m_place, m_digest;
    StoredColumn m_text, m_ids;
    std::vector<std::uint64_t> m_textOffsets, m_idOffsets;
};

// A part's columns but texts and ids, in memory while the table is built.
struct Part {
    Part(const ReadFile& file, const std::string& path, const std::shared_ptr<ChunkStore>& store,
         CompletionTable::Builder& builder)
        : columns(file, path), source(std::make_shared<const StoredPart>(file, columns, path, store)),
          keys(columns.keys("key")), model(names("model", builder)), prompt(names("prompt", builder)),
          arm(names("arm", builder)), job(names("job", builder)), finish(columns.choices("finish")),
          logProbability(columns.numbers<double>("log_probability")),
          promptTokens(columns.numbers<std::int32_t>("prompt_tokens")) {}

    CompletionTable::Builder::Row row(std::size_t i) const {
        CompletionTable::Builder::Row row;
        std::copy_n(keys.begin() + static_cast<std::ptrdiff_t>(i * row.key.size()), row.key.size(),
                    row.key.begin());
        row.model = model[i];
        row.prompt = prompt[i];
        row.arm = arm[i];
        row.job = job[i];
        row.finish = static_cast<Finish>(finish[i]);
        row.logProbability = logProbability[i];
        row.promptTokens = promptTokens[i];
        row.tokens = static_cast<std::uint32_t>(source->tokens(i));
        return row;
    }

    std::vector<std::uint32_t> names(const char* column, CompletionTable::Builder& builder) const {
        const auto padded = columns.strings(column, schema::Type::Digest, 64);
        std::vector<std::uint32_t> names(columns.rows());
        for (std::size_t i = 0; i < names.size(); ++i)
            names[i] = builder.name(ColumnReader::unpadded(padded, i, 64));
        return names;
    }

    ColumnReader columns;
    std::shared_ptr<const StoredPart> source;
    std::vector<std::uint8_t> keys;
    std::vector<std::uint32_t> model, prompt, arm, job;
    std::vector<std::uint8_t> finish;
    std::vector<double> logProbability;
    std::vector<std::int32_t> promptTokens;
};

struct Index {
    explicit Index(const ReadFile& file)
        : columns(file, "/completions/index"), keys(columns.keys("key")),
          part(columns.numbers<std::uint32_t>("part")), row(columns.numbers<std::uint32_t>("row")),
          tokens(columns.numbers<std::uint32_t>("tokens")), finish(columns.choices("finish")) {
        columns.numbers<std::uint64_t>("models_id");
        columns.numbers<std::uint64_t>("prompts_id");
        columns.numbers<std::uint64_t>("arms_id");
        const auto most = part.empty() ? 0 : *std::max_element(part.begin(), part.end());
        if (most > part.size())
            file.bad("/completions/index/part", "it names part " + std::to_string(most) + " for " +
                                                    std::to_string(part.size()) + " rows");
        parts = most;
    }
    ColumnReader columns;
    std::vector<std::uint8_t> keys;
    std::vector<std::uint32_t> part, row, tokens;
    std::vector<std::uint8_t> finish;
    std::size_t parts = 0;
};

} // namespace

CompletionTable readCompletions(const ReadFile& file) {
    const Index index(file);
    const auto store = std::make_shared<ChunkStore>(file);
    CompletionTable::Builder builder({}, index.part.size());
    std::vector<std::unique_ptr<Part>> parts;
    for (std::size_t i = 0; i < index.parts; ++i) {
        parts.push_back(std::make_unique<Part>(file, partPath(i), store, builder));
        builder.addSource(parts.back()->source);
    }
    for (std::size_t i = 0; i < index.part.size(); ++i) {
        const auto at = index.part[i];
        const auto place = index.row[i];
        if (at == 0 || place >= parts[at - 1]->source->rows())
            file.bad("/completions/index/row", "it refers to row " + std::to_string(place) + " of part " +
                                                   std::to_string(at) + ", which is not there");
        const auto row = parts[at - 1]->row(place);
        if (!std::equal(row.key.begin(), row.key.end(),
                        index.keys.begin() + static_cast<std::ptrdiff_t>(i * row.key.size())))
            file.bad("/completions/index/key", "it differs from the key in part " + std::to_string(at));
        if (!builder.add(row, at - 1, place))
            file.bad("/completions/index/key", "a key stands twice");
    }
    return builder.finish();
}

CompletionTable storedIn(const ReadFile& file, const CompletionTable& table) {
    const auto store = std::make_shared<ChunkStore>(file);
    CompletionTable::Sources parts;
    for (std::size_t begin = 0; begin < table.size(); begin += schema::partRows) {
        const auto path = partPath(parts.size());
        parts.push_back(std::make_shared<const StoredPart>(file, ColumnReader(file, path), path, store));
    }
    return table.storedIn(parts, schema::partRows);
}

} // namespace azimuth::h5
