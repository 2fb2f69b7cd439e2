#include "core/project/validate.h"

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/project/content_reader.h"
#include "core/project/content_writer.h"
#include "core/project/schema.h"
#include "core/project/table_reader.h"
#include "core/project/table_writer.h"
#include "core/project/validate_walk.h"

#include <algorithm>
#include <functional>
#include <new>
#include <set>

namespace azimuth {
namespace {

using h5::ReadFile;

class Validator {
public:
    Validator(const ReadFile& file, Validation& validation) : m_file(file), m_validation(validation) {}

    void run() {
        attempt("/", [&] { h5::checkRoot(m_file); });
        h5::walkObjects(m_file, m_validation);
        const bool isShard = m_file.block().kind == FileKind::Shard;
        for (const auto& table : schema::tables())
            if (!isShard || schema::isInShards(table))
                tableOrParts(table);
        // References between tables, only when every table could be read by itself.
        if (!m_validation.sound())
            return;
        for (const auto& reference : references)
            if (!isShard || schema::isInShards(schema::table(reference.table)))
                checkReference(reference, isShard);
        if (!isShard) {
            attempt("/prompts", [&] { checkPrompts(); });
            attempt("/transfer", [&] { checkMatrices(); });
        }
        attempt("", [&] {
            if (isShard)
                checkResult(h5::readJobResult(m_file));
            else
                checkView(h5::readProjectView(m_file, std::uint64_t{1} << 32));
        });
    }

private:
    void add(Finding::Severity severity, const std::string& place, const std::string& text) {
        m_validation.findings.push_back({severity, place, text});
    }
    void problem(const std::string& place, const std::string& text) {
        add(Finding::Severity::Problem, place, text);
    }

    void attempt(const std::string& place, const std::function<void()>& body) {
        try {
            body();
        } catch (const Error& error) {
            problem(place, error.message());
        }
    }

    void tableOrParts(const schema::Table& table) {
        const std::string suffix = "/p*";
        if (!table.path.ends_with(suffix)) {
            if (!table.optional || m_file.exists(table.path))
                checkTable(table, table.path);
            return;
        }
        for (std::uint64_t part = 1;; ++part) {
            const auto path =
                table.path.substr(0, table.path.size() - suffix.size()) + "/" + schema::numbered('p', part);
            if (!m_file.exists(path))
                return;
            checkTable(table, path);
        }
    }

    void checkTable(const schema::Table& table, const std::string& path) {
        attempt(path, [&] {
            const h5::ColumnReader reader(m_file, path);
            m_validation.tables.push_back({path, reader.rows()});
            for (const auto& column : table.columns)
                if (reader.has(column.name.c_str()))
                    attempt(path + "/" + column.name, [&] { readColumn(reader, column); });
            unknownColumns(table, path);
        });
    }

    static void readColumn(const h5::ColumnReader& reader, const schema::Column& column) {
        h5::ColumnReader::Ragged ragged;
        const char* name = column.name.c_str();
        switch (column.type) {
        case schema::Type::U32:
            reader.numbers<std::uint32_t>(name);
            break;
        case schema::Type::U64:
            reader.numbers<std::uint64_t>(name);
            break;
        case schema::Type::I32:
            reader.numbers<std::int32_t>(name);
            break;
        case schema::Type::I64:
            reader.numbers<std::int64_t>(name);
            break;
        case schema::Type::F64:
            reader.numbers<double>(name);
            break;
        case schema::Type::Bool:
        case schema::Type::Enumeration:
            reader.choices(name);
            break;
        case schema::Type::Time:
            reader.strings(name, column.type, 32);
            break;
        case schema::Type::Digest:
            checkDigests(reader, name, reader.strings(name, column.type, 64));
            break;
        case schema::Type::Key:
            reader.keys(name);
            break;
        case schema::Type::Text:
            reader.text(name, ragged);
            break;
        case schema::Type::I32List:
            reader.list<std::int32_t>(name, ragged);
            break;
        case schema::Type::F64List:
            reader.list<double>(name, ragged);
            break;
        case schema::Type::DigestList:
            checkDigests(reader, name, reader.digestList(name, ragged));
            break;
        }
    }

    static void checkDigests(const h5::ColumnReader& reader, const char* name, const std::string& padded) {
        for (std::size_t i = 0; i < padded.size() / 64; ++i) {
            const auto value = h5::ColumnReader::unpadded(padded, i, 64);
            const bool isHex =
                value.size() == 64 && value.find_first_not_of("0123456789abcdef") == std::string_view::npos;
            if (!value.empty() && !isHex)
                reader.bad(name, "row " + std::to_string(i) + " is \"" + forMessage(value, 70) +
                                     "\", expected 64 hexadecimal digits or nothing");
        }
    }

    void unknownColumns(const schema::Table& table, const std::string& path) {
        const auto known = schema::datasetNames(table);
        const auto group = m_file.group(path);
        H5G_info_t info;
        h5::checkStatus(H5Gget_info(group, &info), path);
        for (hsize_t i = 0; i < info.nlinks; ++i) {
            char name[256] = "";
            const auto size =
                H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, name, sizeof name, H5P_DEFAULT);
            const auto place = path + "/" + name;
            if (size > 0 && !known.count(name) && !schema::isKnown(place))
                add(Finding::Severity::Note, forMessage(place, 200),
                    "this column is not known in format " + std::to_string(formatVersion));
        }
    }

    struct Reference {
        const char *table, *column, *target;
        bool mayBeMissing; // 0 means that it is not there
    };
    static constexpr Reference references[] = {
        {"/concepts/sets", "concepts_id", "/concepts", false},
        {"/prompts", "sets_id", "/concepts/sets", false},
        {"/banks/positions", "index_id", "/banks/index", false},
        {"/arms/interventions", "arms_id", "/arms", false},
        {"/completions/index", "models_id", "/models", true},
        {"/completions/index", "prompts_id", "/prompts", true},
        {"/completions/index", "arms_id", "/arms", true},
        {"/calibrations/points", "calibrations_id", "/calibrations", false}};

    void checkReference(const Reference& reference, bool isShard) {
        const auto place = std::string(reference.table) + "/" + reference.column;
        attempt(place, [&] {
            std::set<std::uint64_t> ids;
            if (!isShard || schema::isInShards(schema::table(reference.target)))
                for (const auto id : h5::ColumnReader(m_file, reference.target).numbers<std::uint64_t>("id"))
                    if (id == 0 || !ids.insert(id).second)
                        return problem(std::string(reference.target) + "/id",
                                       "the id " + std::to_string(id) + " is 0 or stands twice");
            for (const auto id :
                 h5::ColumnReader(m_file, reference.table).numbers<std::uint64_t>(reference.column))
                if (!ids.count(id) && !(reference.mayBeMissing && id == 0))
                    return problem(place, "it refers to row " + std::to_string(id) + " of " +
                                              reference.target + ", which is not there");
        });
    }

    void checkPrompts() {
        const h5::ColumnReader table(m_file, "/prompts");
        h5::ColumnReader::Ragged ragged;
        const auto texts = table.text("text", ragged);
        const auto digests = table.strings("prompt", schema::Type::Digest, 64);
        for (std::size_t i = 0; i < table.rows(); ++i) {
            const auto text =
                std::string_view(texts).substr(ragged.offsets[i], ragged.offsets[i + 1] - ragged.offsets[i]);
            if (toHex(sha256(text)) != h5::ColumnReader::unpadded(digests, i, 64))
                return problem("/prompts/prompt",
                               "row " + std::to_string(i) + " is not the SHA-256 of its text");
        }
    }

    void checkMatrices() {
        const h5::ColumnReader table(m_file, "/transfer/index");
        const auto ids = table.numbers<std::uint64_t>("matrices_id");
        const auto rows = table.numbers<std::uint32_t>("row"),
                   columns = table.numbers<std::uint32_t>("column");
        for (std::size_t i = 0; i < ids.size(); ++i) {
            const auto place = std::string(schema::matrixFolder) + "/" + schema::numbered('t', ids[i]);
            const auto shape = h5::inspectDataset(m_file, m_file.dataset(place), place);
            if (shape.extents.size() != 2 || rows[i] >= shape.extents[0] || columns[i] >= shape.extents[1])
                return problem(place, "it has no cell [" + std::to_string(rows[i]) + "][" +
                                          std::to_string(columns[i]) + "]");
        }
    }

    void checkBanks(const DirectionBank& bank, const std::set<std::string>& models, bool isShard) {
        const auto place = "/banks, " + bank.key.substr(0, 12);
        if (!isShard && !models.count(bank.modelIdentity))
            problem(place, "its model " + bank.modelIdentity.substr(0, 12) + " is not in /models");
        std::set<std::int32_t> positions(bank.positions.begin(), bank.positions.end());
        if (positions.size() != bank.positions.size())
            problem(place, "a position stands twice");
    }

    // Reads every text and every token id.
    void checkParts(const CompletionTable& table) {
        for (std::size_t begin = 0; begin < table.size(); begin += schema::partRows) {
            const auto path =
                std::string(schema::partFolder) + "/" + schema::numbered('p', begin / schema::partRows + 1);
            std::vector<Completion> rows;
            for (std::size_t i = begin; i < std::min(begin + schema::partRows, table.size()); ++i)
                rows.push_back(table.row(i));
            const auto group = m_file.group(path);
            if (m_file.unsignedAttribute(group, "table_version", path) > schema::table(path).version)
                continue; // the digest is of columns that this program does not know
            if (m_file.textAttribute(group, "rows_sha256", path) != h5::rowsDigest(h5::pointersTo(rows)))
                problem(path, "its rows are not those that its attribute rows_sha256 names");
        }
    }

    // The digests beside the arms, which reading takes from the interventions.
    std::set<std::string> checkArms(const std::vector<Arm>& arms) {
        const auto digests = h5::ColumnReader(m_file, "/arms").strings("arm", schema::Type::Digest, 64);
        std::set<std::string> known;
        for (std::size_t i = 0; i < arms.size(); ++i) {
            known.insert(arms[i].digest());
            if (h5::ColumnReader::unpadded(digests, i, 64) != arms[i].digest())
                problem("/arms/arm", "row " + std::to_string(i) + " is not the digest of its interventions");
        }
        return known;
    }

    void checkCompletion(const CompletionHead& row, const std::set<std::string>& models,
                         const std::set<std::string>& arms, bool isShard) {
        const auto place = "/completions, " + toHex(row.key).substr(0, 12);
        if (!arms.count(row.armDigest) && m_reported++ < maximumReported)
            problem(place, "its arm " + row.armDigest.substr(0, 12) + " is not in /arms");
        if (!isShard && !models.count(row.modelIdentity) && m_reported++ < maximumReported)
            problem(place, "its model " + row.modelIdentity.substr(0, 12) + " is not in /models");
    }

    void checkCompletions(const CompletionTable& table, const std::set<std::string>& models,
                          const std::set<std::string>& arms, bool isShard) {
        for (std::size_t i = 0; i < table.size(); ++i)
            checkCompletion(table.head(i), models, arms, isShard);
        checkParts(table);
    }

    void checkResult(const JobResult& result) {
        for (const auto& bank : result.banks)
            checkBanks(bank, {}, true);
        const auto arms = checkArms(result.arms);
        checkScores(h5::pointersTo(result.scores), arms);
        checkCompletions(CompletionTable().with(result.completions), {}, arms, true);
    }

    template <class Rows> void checkScores(const Rows& rows, const std::set<std::string>& arms) {
        std::set<Digest> keys;
        for (const auto* row : rows) {
            const auto place = "/scores, " + toHex(row->key).substr(0, 12);
            if (!keys.insert(row->key).second && m_reported++ < maximumReported)
                problem(place, "its key stands twice");
            for (const auto& arm : {row->armDigest, row->referenceDigest})
                if (!arm.empty() && !arms.count(arm) && m_reported++ < maximumReported)
                    problem(place, "its arm " + arm.substr(0, 12) + " is not in /arms");
        }
    }

    void checkView(const ProjectView& view) {
        std::set<std::string> models;
        for (const auto& model : view.models)
            if (!models.insert(model->identity).second)
                problem("/models/identity",
                        "the identity " + model->identity.substr(0, 12) + " stands twice");
        std::set<std::string> banks;
        for (const auto& bank : view.banks) {
            if (!banks.insert(bank->key).second)
                problem("/banks/index/key", "the key " + bank->key.substr(0, 12) + " stands twice");
            checkBanks(*bank, models, false);
        }
        std::vector<Arm> arms;
        for (const auto& arm : view.arms)
            arms.push_back(*arm);
        const auto armDigests = checkArms(arms);
        checkCompletions(*view.completions, models, armDigests, false);
        checkScores(h5::pointersTo(view.scores), armDigests);
        for (const auto& label : view.labels) // work of a person outlives a result that was lost
            if (label->source == Label::Source::Rule && !view.completions->contains(label->completionKey) &&
                m_reported++ < maximumReported)
                problem("/labels/key", "it labels the completion " +
                                           toHex(label->completionKey).substr(0, 12) +
                                           ", which is not there");
        for (const auto& calibration : view.calibrations)
            if (!banks.count(calibration->bankKey))
                problem("/calibrations/bank",
                        "the bank " + calibration->bankKey.substr(0, 12) + " is not there");
        for (std::size_t i = 0; i < view.modelIdentities.size(); ++i)
            if (!view.modelIdentities[i].empty() && !models.count(view.modelIdentities[i]))
                problem("/study/models/identity",
                        "the model of " + view.study->models[i].name + " is not in /models");
    }

    static constexpr int maximumReported = 20;
    const ReadFile& m_file;
    Validation& m_validation;
    int m_reported = 0;
};

} // namespace

bool Validation::sound() const {
    return std::none_of(findings.begin(), findings.end(), [](const Finding& finding) {
        return finding.severity == Finding::Severity::Problem;
    });
}

Validation validateFile(const std::string& path) {
    try {
        return validateFile(SourceFile(path));
    } catch (const Error& error) {
        Validation validation;
        validation.path = path;
        validation.findings.push_back({Finding::Severity::Problem, "", error.message()});
        return validation;
    }
}

Validation validateFile(const SourceFile& source, bool altered) {
    Validation validation;
    const auto& path = validation.path = source.path();
    try {
        auto block = altered ? readUserBlockAsWritten(source.descriptor(), path)
                             : readUserBlock(source.descriptor(), path);
        if (altered)
            block.fileBytes = source.identity().bytes;
        validation.kind = toString(block.kind);
        validation.projectUuid = block.project;
        validation.creator = block.creator;
        validation.saved = block.saved > 0 && block.saved < 1e11 ? utcText(block.saved) : "";
        validation.generation = block.generation;
        validation.fileBytes = block.fileBytes;
        const auto found = contentDigest(source.descriptor(), block.fileBytes, path);
        validation.sha256 = toHex(found);
        if (!altered)
            checkDigest(block, found, path);
        if (block.kind != FileKind::Project && block.kind != FileKind::Shard)
            throw Error("project.kind",
                        path + " is a " + toString(block.kind) +
                            "; projects and result shards can be validated.",
                        "");
        const ReadFile file(source, block);
        Validator(file, validation).run();
        source.requireUnchanged();
    } catch (const Error& error) {
        validation.findings.push_back({Finding::Severity::Problem, "", error.message()});
    } catch (const std::bad_alloc&) {
        validation.findings.push_back(
            {Finding::Severity::Problem, "", "reading it takes more memory than a file of its length may"});
    }
    return validation;
}

Json toJson(const Validation& validation) {
    Json tables = Json::array(), findings = Json::array();
    for (const auto& table : validation.tables)
        tables.push_back({{"path", table.path}, {"rows", table.rows}});
    for (const auto& finding : validation.findings)
        findings.push_back({{"severity", finding.severity == Finding::Severity::Problem ? "problem" : "note"},
                            {"place", finding.place},
                            {"text", finding.text}});
    return {{"path", validation.path},
            {"kind", validation.kind},
            {"project", validation.projectUuid},
            {"creator", validation.creator},
            {"saved", validation.saved},
            {"generation", validation.generation},
            {"bytes", validation.fileBytes},
            {"sha256", validation.sha256},
            {"sound", validation.sound()},
            {"tables", tables},
            {"findings", findings}};
}

} // namespace azimuth
