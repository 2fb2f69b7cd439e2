#include "core/project/content_writer.h"

#include "core/project/columns.h"
#include "core/project/content_reader.h"
#include "core/project/table_writer.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <unordered_map>

namespace azimuth::h5 {
namespace {

using schema::numbered;

Error badValue(const std::string& place, const std::string& finding) {
    return Error("project.value", place + ": " + finding + ".",
                 "This is a mistake in Azimuth; nothing was saved, the earlier file is as it was.");
}

// One table from rows and its list of columns.
template <class Row, class Columns>
void writeTable(H5Publication& file, const char* path, std::vector<const Row*> rows, Columns columns) {
    TableWriter<Row> table(file, path, std::move(rows));
    columns(table);
    table.finish();
}
#define AZIMUTH_COLUMNS(function) [](auto& table) { function(table); }

using Ids = std::unordered_map<std::string, std::uint64_t>; // digest -> id; the first row wins

std::uint64_t idOf(const Ids& ids, const std::string& digest) {
    const auto found = ids.find(digest);
    return found == ids.end() ? 0 : found->second;
}

Ids writeModels(H5Publication& file, const std::vector<const Model*>& models) {
    writeTable<Model>(file, "/models", models, AZIMUTH_COLUMNS(modelColumns));
    Ids ids;
    for (std::size_t i = 0; i < models.size(); ++i)
        ids.emplace(models[i]->identity, i + 1);
    return ids;
}

BankRow bankRow(const DirectionBank& bank) {
    const auto positions = bank.positions.size();
    const auto cells = positions * static_cast<std::size_t>(std::max<std::int64_t>(bank.ks, 0));
    const auto place = "/banks, " + bank.key.substr(0, 12);
    if (bank.ks < 0 || bank.width < 0)
        throw badValue(place, "ks " + std::to_string(bank.ks) + " and width " + std::to_string(bank.width) +
                                  " are not sizes");
    for (const auto* norms : {&bank.rawNorm, &bank.medianNorm})
        if (!norms->empty() && (norms->size() != cells || norms->shape().size() != 2))
            throw badValue(place, "a norm table has " + std::to_string(norms->size()) +
                                      " values, expected [" + std::to_string(positions) + "][" +
                                      std::to_string(bank.ks) + "]");
    if (!bank.positionTokens.empty() && bank.positionTokens.size() != positions)
        throw badValue(place, std::to_string(bank.positionTokens.size()) + " token texts for " +
                                  std::to_string(positions) + " positions");
    BankRow row;
    row.bank = bank;
    row.bank.tensor = {};
    row.rawNorm = bank.rawNorm.values();
    row.medianNorm = bank.medianNorm.values();
    row.hasTokens = !bank.positionTokens.empty();
    return row;
}

void writeTensor(H5Publication& file, const DirectionBank& bank, const ArrayF& tensor, std::uint64_t id) {
    const std::vector<std::int64_t> shape{static_cast<std::int64_t>(bank.positions.size()), bank.ks,
                                          bank.width};
    std::int64_t values = 1;
    for (const auto extent : shape)
        if (__builtin_mul_overflow(values, extent, &values))
            throw badValue("/banks, " + bank.key.substr(0, 12), "its tensor is too large");
    if (static_cast<std::int64_t>(tensor.size()) != values || (values > 0 && tensor.shape() != shape))
        throw badValue("/banks, " + bank.key.substr(0, 12),
                       "the tensor has " + std::to_string(tensor.size()) + " values, expected [" +
                           std::to_string(shape[0]) + "][" + std::to_string(shape[1]) + "][" +
                           std::to_string(shape[2]) + "]");
    writeArray(file, std::string(schema::tensorFolder), numbered('b', id),
               std::span(tensor.data(), tensor.size()), shape, {"position", "k", "d"}, "residual stream",
               "raw difference of class means, positive minus negative", {{"key", bank.key}});
}

ArrayF earlierTensor(const DirectionBank& bank, const Earlier& earlier) {
    const auto* file = earlier();
    if (!file)
        throw badValue("/banks, " + bank.key.substr(0, 12), "its tensor is empty");
    return reading(*file, [&] { return readTensor(*file, bank.key); });
}

void writeBanks(H5Publication& file, const std::vector<const DirectionBank*>& banks, const Earlier& earlier) {
    std::vector<BankRow> rows;
    std::vector<PositionRow> positions;
    for (std::size_t i = 0; i < banks.size(); ++i) {
        const auto& bank = *banks[i];
        rows.push_back(bankRow(bank));
        for (std::size_t p = 0; p < bank.positions.size(); ++p)
            positions.push_back(
                {i + 1, bank.positions[p], bank.positionTokens.empty() ? "" : bank.positionTokens[p]});
    }
    writeTable<BankRow>(file, "/banks/index", pointersTo(rows), AZIMUTH_COLUMNS(bankColumns));
    writeTable<PositionRow>(file, "/banks/positions", pointersTo(positions),
                            AZIMUTH_COLUMNS(positionColumns));
    file.group(std::string(schema::tensorFolder));
    for (std::size_t i = 0; i < banks.size(); ++i) {
        const auto& bank = *banks[i];
        const bool missing = bank.tensor.empty() && !bank.positions.empty() && bank.ks > 0 && bank.width > 0;
        writeTensor(file, bank, missing ? earlierTensor(bank, earlier) : bank.tensor, i + 1);
    }
}

Ids writeArms(H5Publication& file, const std::vector<const Arm*>& arms) {
    std::vector<ArmRow> rows;
    std::vector<InterventionRow> interventions;
    Ids ids;
    for (std::size_t i = 0; i < arms.size(); ++i) {
        rows.push_back({arms[i]->digest(), arms[i]->name});
        ids.emplace(rows.back().digest, i + 1);
        for (const auto& intervention : arms[i]->interventions)
            interventions.push_back({i + 1, intervention});
    }
    writeTable<ArmRow>(file, "/arms", pointersTo(rows), AZIMUTH_COLUMNS(armColumns));
    writeTable<InterventionRow>(file, "/arms/interventions", pointersTo(interventions),
                                AZIMUTH_COLUMNS(interventionColumns));
    return ids;
}

// The part of the earlier file if it holds the same rows. A file that cannot be read has none: the rows are
// read from where they lie.
Id samePart(const std::string& path, const std::string& digest, const Earlier& earlier) {
    try {
        const auto* source = earlier();
        if (!source || source->readError() != 0 || !source->exists(path))
            return {};
        auto part = source->group(path);
        if (H5Aexists(part, "rows_sha256") <= 0 || source->textAttribute(part, "rows_sha256", path) != digest)
            return {};
        return part;
    } catch (const Error&) {
        return {};
    }
}

// Copies a part as it lies in the earlier file if it holds the same rows. False if it has to be written.
bool copyPart(H5Publication& file, const std::string& path, const std::string& digest,
              const Earlier& earlier) {
    const auto part = samePart(path, digest, earlier);
    if (!part.valid())
        return false;
    earlier()->copyTo(file.root(), part, path);
    file.check();
    return true;
}

// Rows whose part lies unchanged in the earlier file are not even read.
void writePart(H5Publication& file, const CompletionTable& table, std::size_t begin, std::size_t end,
               const Earlier& earlier) {
    const auto path = std::string(schema::partFolder) + "/" + numbered('p', begin / schema::partRows + 1);
    const auto source = table.sourceOf(begin, end);
    auto digest = source ? source->rowsDigest() : std::string();
    if (!digest.empty() && copyPart(file, path, digest, earlier))
        return;
    std::vector<Completion> rows;
    rows.reserve(end - begin);
    for (auto i = begin; i < end; ++i)
        rows.push_back(table.row(i));
    digest = rowsDigest(pointersTo(rows));
    if (!copyPart(file, path, digest, earlier))
        writeTable<Completion>(file, path.c_str(), pointersTo(rows), [&](auto& columns) {
            completionColumns(columns);
            columns.attribute("rows_sha256", digest);
        });
}

void writeCompletions(H5Publication& file, const CompletionTable& table, const Ids& models,
                      const Ids& prompts, const Ids& arms, const Earlier& earlier) {
    std::vector<CompletionIndexRow> index(table.size());
    for (std::size_t i = 0; i < index.size(); ++i) {
        const auto row = table.head(i);
        index[i] = {row.key,
                    static_cast<std::uint32_t>(i / schema::partRows + 1),
                    static_cast<std::uint32_t>(i % schema::partRows),
                    idOf(models, row.modelIdentity),
                    idOf(prompts, row.promptId),
                    idOf(arms, row.armDigest),
                    row.finish,
                    row.tokens};
    }
    writeTable<CompletionIndexRow>(file, "/completions/index", pointersTo(index),
                                   AZIMUTH_COLUMNS(completionIndexColumns));
    file.group(std::string(schema::partFolder));
    for (std::size_t begin = 0; begin < table.size(); begin += schema::partRows)
        writePart(file, table, begin, std::min(begin + schema::partRows, table.size()), earlier);
}

// Optional: absent where there are none.
void writeScores(H5Publication& file, std::vector<const Score*> rows) {
    for (const auto* row : rows)
        if (row->logProbabilities.size() != row->ids.size() ||
            (!row->kl.empty() && row->kl.size() != row->ids.size()))
            throw badValue("/scores, " + toHex(row->key).substr(0, 12),
                           std::to_string(row->ids.size()) + " ids have " +
                               std::to_string(row->logProbabilities.size()) + " log-probabilities and " +
                               std::to_string(row->kl.size()) + " divergences");
    if (!rows.empty())
        writeTable<Score>(file, "/scores", std::move(rows), AZIMUTH_COLUMNS(scoreColumns));
}

// /study, /concepts and /prompts; returns the first row of each prompt.
Ids writeStudy(H5Publication& file, const ProjectView& view) {
    const auto& study = *view.study;
    const std::vector<StudyRow> one{{view.title, canonicalJson(toJson(study))}};
    writeTable<StudyRow>(file, "/study", pointersTo(one), AZIMUTH_COLUMNS(studyColumns));
    std::vector<StudyModelRow> models;
    for (std::size_t i = 0; i < study.models.size(); ++i)
        models.push_back(
            {study.models[i].name, i < view.modelIdentities.size() ? view.modelIdentities[i] : ""});
    writeTable<StudyModelRow>(file, "/study/models", pointersTo(models), AZIMUTH_COLUMNS(studyModelColumns));

    std::vector<ConceptRow> concepts;
    std::vector<SetRow> sets;
    std::vector<PromptRow> prompts;
    Ids ids;
    for (const auto& value : study.concepts) {
        concepts.push_back(
            {value.name, value.description, value.induce.digest(), canonicalJson(toJson(value.induce))});
        for (const auto& [role, set] : value.sets) {
            sets.push_back({concepts.size(), role, set.source, set.licence, set.digest()});
            for (const auto& prompt : set.prompts) {
                prompts.push_back({sets.size(), prompt});
                ids.emplace(prompt.id, prompts.size());
            }
        }
    }
    writeTable<ConceptRow>(file, "/concepts", pointersTo(concepts), AZIMUTH_COLUMNS(conceptColumns));
    writeTable<SetRow>(file, "/concepts/sets", pointersTo(sets), AZIMUTH_COLUMNS(setColumns));
    writeTable<PromptRow>(file, "/prompts", pointersTo(prompts), AZIMUTH_COLUMNS(promptColumns));
    return ids;
}

void writeCalibrations(H5Publication& file, const ProjectView& view) {
    std::vector<CalibrationRow> rows;
    std::vector<PointRow> points;
    for (const auto& value : view.calibrations) {
        if (value->chosen && *value->chosen >= value->points.size())
            throw badValue("/calibrations/chosen", "point " + std::to_string(*value->chosen) + " of " +
                                                       std::to_string(value->points.size()));
        rows.push_back({*value, value->chosen ? static_cast<std::int64_t>(*value->chosen) : -1});
        for (const auto& point : value->points)
            points.push_back({rows.size(), point});
    }
    writeTable<CalibrationRow>(file, "/calibrations", pointersTo(rows), AZIMUTH_COLUMNS(calibrationColumns));
    writeTable<PointRow>(file, "/calibrations/points", pointersTo(points), AZIMUTH_COLUMNS(pointColumns));
}

// The axis of the transfer matrices: the study's models, then names that only cells have.
std::map<std::string, std::uint32_t> transferAxis(const ProjectView& view) {
    std::map<std::string, std::uint32_t> axis;
    const auto add = [&](const std::string& name) {
        axis.emplace(name, static_cast<std::uint32_t>(axis.size()));
    };
    for (const auto& model : view.study->models)
        add(model.name);
    for (const auto& cell : view.transfer) {
        add(cell.source);
        add(cell.target);
    }
    return axis;
}

void writeTransfer(H5Publication& file, const ProjectView& view) {
    const auto axis = transferAxis(view);
    const auto side = axis.size();
    std::vector<TransferRow> rows;
    std::map<std::string, std::uint64_t> matrixIds;
    std::vector<std::pair<std::string, std::vector<double>>> matrices;
    for (const auto& cell : view.transfer) {
        const auto [found, isNew] = matrixIds.emplace(cell.conceptName, matrixIds.size() + 1);
        if (isNew)
            matrices.emplace_back(cell.conceptName, std::vector<double>(side * side, std::nan("")));
        TransferRow row{cell, found->second, axis.at(cell.source), axis.at(cell.target), 0, {}, {}};
        if (cell.notMeasured) {
            row.notMeasured = static_cast<std::uint8_t>(1 + static_cast<int>(cell.notMeasured->kind));
            row.shortReason = cell.notMeasured->shortReason;
            row.reason = cell.notMeasured->reason;
        } else {
            matrices[found->second - 1].second[row.row * side + row.column] = cell.excessTe;
        }
        rows.push_back(std::move(row));
    }
    writeTable<TransferRow>(file, "/transfer/index", pointersTo(rows), AZIMUTH_COLUMNS(transferColumns));
    file.group(std::string(schema::matrixFolder));
    for (std::size_t i = 0; i < matrices.size(); ++i)
        writeArray(file, std::string(schema::matrixFolder), numbered('t', i + 1),
                   std::span<const double>(matrices[i].second),
                   {static_cast<std::int64_t>(side), static_cast<std::int64_t>(side)}, {"source", "target"},
                   "1", "excess TE, NaN where it was not measured", {{"concept", matrices[i].first}});
}

// At most `limit` bytes, not cutting a character.
std::string cutText(const std::string& text, std::size_t limit) {
    auto end = std::min(text.size(), limit);
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return text.substr(0, end);
}

// Of a token: its id and about as many bytes of text.
std::uint64_t bytesOfCompletion(std::uint64_t tokens) { return 400 + tokens * 8; }
std::uint64_t bytesOf(const Score& row) { return 500 + row.ids.size() * 20; }
std::uint64_t bytesOf(const DirectionBank& bank) {
    return 4096 + bank.positions.size() *
                      static_cast<std::uint64_t>(std::max<std::int64_t>(bank.ks * bank.width, 0)) * 4;
}
constexpr std::uint64_t emptyFileBytes = 512 << 10;

} // namespace

std::string rowsDigest(const std::vector<const Completion*>& rows) {
    Sha256 hash;
    const auto number = [&](auto value) { hash.update(std::as_bytes(std::span(&value, 1))); };
    const auto text = [&](const std::string& value) {
        number(static_cast<std::uint64_t>(value.size()));
        hash.update(value);
    };
    number(std::uint64_t{schema::table(schema::partFolder).version});
    for (const auto* row : rows) {
        hash.update(std::as_bytes(std::span(row->key)));
        text(row->modelIdentity);
        text(row->promptId);
        text(row->armDigest);
        number(static_cast<std::uint64_t>(row->ids.size()));
        hash.update(std::as_bytes(std::span(row->ids)));
        text(row->text);
        number(static_cast<std::uint8_t>(row->finish));
        number(row->logProbability);
        number(row->promptTokens);
        text(row->jobId);
    }
    return toHex(hash.finish());
}

std::string creatorName() { return "Azimuth " AZIMUTH_VERSION; }

void writeRootAttributes(H5Publication& file, FileKind kind, const RootAttributes& attributes) {
    const auto root = file.root();
    unsigned major = 0, minor = 0, release = 0;
    H5get_libversion(&major, &minor, &release);
    writeAttribute(root, "format", "azimuth");
    writeAttribute(root, "format_version", attributes.format);
    writeAttribute(root, "min_reader_version", attributes.minimumReader);
    writeAttribute(root, "file_kind", toString(kind));
    writeAttribute(root, "project_uuid", attributes.projectUuid);
    writeAttribute(root, "generation", attributes.generation);
    writeAttribute(root, "parent_sha256", attributes.parentSha256);
    writeAttribute(root, "created_utc", attributes.created);
    writeAttribute(root, "saved_utc", attributes.saved);
    writeAttribute(root, "creator", "Azimuth");
    writeAttribute(root, "creator_version", AZIMUTH_VERSION);
    writeAttribute(root, "HDF5_Version",
                   std::to_string(major) + "." + std::to_string(minor) + "." + std::to_string(release));
    writeAttribute(root, "title", cutText(attributes.title, 128));
}

void writeJobResult(H5Publication& file, const JobResult& result) {
    const auto models = writeModels(file, pointersTo(result.models));
    const Earlier none = [] { return nullptr; };
    writeBanks(file, pointersTo(result.banks), none);
    const auto arms = writeArms(file, pointersTo(result.arms));
    writeCompletions(file, CompletionTable().with(result.completions), models, {}, arms, none);
    writeScores(file, pointersTo(result.scores));
    const std::vector<const JobRecord*> job{&result.job};
    writeTable<JobRecord>(file, "/jobs", job, AZIMUTH_COLUMNS(jobColumns));
}

void writeProjectView(H5Publication& file, const ProjectView& view, const Earlier& earlier) {
    const auto prompts = writeStudy(file, view);
    const auto models = writeModels(file, pointersTo(view.models));
    writeBanks(file, pointersTo(view.banks), earlier);
    const auto arms = writeArms(file, pointersTo(view.arms));
    writeCompletions(file, *view.completions, models, prompts, arms, earlier);
    writeScores(file, pointersTo(view.scores));
    writeTable<Label>(file, "/labels", pointersTo(view.labels), AZIMUTH_COLUMNS(labelColumns));
    if (!view.notes.empty())
        writeTable<Note>(file, "/notes", pointersTo(view.notes), AZIMUTH_COLUMNS(noteColumns));
    writeCalibrations(file, view);
    writeTransfer(file, view);
    writeTable<StoredFigure>(file, "/figures", pointersTo(view.figures), AZIMUTH_COLUMNS(figureColumns));
    writeTable<JobRecord>(file, "/jobs", pointersTo(view.jobs), AZIMUTH_COLUMNS(jobColumns));
}

void writeProvenance(H5Publication& file, const std::vector<ProvenanceRecord>& records) {
    writeTable<ProvenanceRecord>(file, "/provenance", pointersTo(records),
                                 AZIMUTH_COLUMNS(provenanceColumns));
}

std::uint64_t estimatedBytes(const ProjectView& view) {
    std::uint64_t bytes = emptyFileBytes + view.labels.size() * 120;
    for (const auto& note : view.notes)
        bytes += note->text.size() + note->object.size() + 120;
    for (const auto& bank : view.banks)
        bytes += bytesOf(*bank);
    for (std::size_t i = 0; i < view.completions->size(); ++i)
        bytes += bytesOfCompletion(view.completions->head(i).tokens);
    for (const auto& row : view.scores)
        bytes += bytesOf(*row);
    return bytes;
}

std::uint64_t estimatedBytes(const JobResult& result) {
    std::uint64_t bytes = emptyFileBytes;
    for (const auto& bank : result.banks)
        bytes += bytesOf(bank);
    for (const auto& row : result.completions)
        bytes += bytesOfCompletion(row.ids.size());
    for (const auto& row : result.scores)
        bytes += bytesOf(row);
    return bytes;
}

} // namespace azimuth::h5
