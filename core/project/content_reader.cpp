#include "core/project/content_reader.h"

#include "core/project/columns.h"
#include "core/project/migration.h"
#include "core/project/stored_completions.h"
#include "core/project/table_reader.h"

#include <algorithm>
#include <limits>

namespace azimuth::h5 {
namespace {

using schema::numbered;

template <class Row, class Columns>
TableReader<Row> readTable(const ReadFile& file, const std::string& path, Columns columns) {
    TableReader<Row> table(file, path);
    columns(table);
    return table;
}
#define AZIMUTH_COLUMNS(function) [](auto& table) { function(table); }

template <class Row> std::vector<std::shared_ptr<const Row>> shared(std::vector<Row> rows) {
    std::vector<std::shared_ptr<const Row>> out;
    out.reserve(rows.size());
    for (auto& row : rows)
        out.push_back(std::make_shared<const Row>(std::move(row)));
    return out;
}

std::vector<Model> readModels(const ReadFile& file) {
    auto table = readTable<Model>(file, "/models", AZIMUTH_COLUMNS(modelColumns));
    return std::move(table.rows());
}

Array<double> normTable(const ReadFile& file, std::vector<double> values, std::int64_t positions,
                        std::int64_t ks, const std::string& place) {
    if (values.empty())
        return {};
    std::int64_t cells = 0;
    if (__builtin_mul_overflow(positions, ks, &cells) || cells != static_cast<std::int64_t>(values.size()))
        file.bad(place, "a row has " + std::to_string(values.size()) + " values, expected [" +
                            std::to_string(positions) + "][" + std::to_string(ks) + "]");
    return Array<double>({positions, ks}, std::move(values));
}

ArrayF readTensorOf(const ReadFile& file, const DirectionBank& bank, std::uint64_t id) {
    const auto place = std::string(schema::tensorFolder) + "/" + numbered('b', id);
    const std::vector<std::int64_t> expected{static_cast<std::int64_t>(bank.positions.size()), bank.ks,
                                             bank.width};
    std::vector<float> values;
    readAll(file, place, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, 3, [&](const DatasetShape& shape) {
        if (!std::equal(expected.begin(), expected.end(), shape.extents.begin(),
                        [](std::int64_t a, std::uint64_t b) { return static_cast<std::uint64_t>(a) == b; }))
            file.bad(place, "it is [" + std::to_string(shape.extents[0]) + "][" +
                                std::to_string(shape.extents[1]) + "][" + std::to_string(shape.extents[2]) +
                                "], the index says [" + std::to_string(expected[0]) + "][" +
                                std::to_string(expected[1]) + "][" + std::to_string(expected[2]) + "]");
        values.resize(shape.elements);
        return values.data();
    });
    return values.empty() ? ArrayF() : ArrayF(expected, std::move(values));
}

struct BankIndex {
    std::vector<DirectionBank> banks; // without tensors
    std::vector<std::uint64_t> ids;
};

BankIndex readBankIndex(const ReadFile& file) {
    auto table = readTable<BankRow>(file, "/banks/index", AZIMUTH_COLUMNS(bankColumns));
    auto positions = readTable<PositionRow>(file, "/banks/positions", AZIMUTH_COLUMNS(positionColumns));
    auto& rows = table.rows();
    for (auto& position : positions.rows()) {
        auto& row = rows[table.rowOf(position.bank, "/banks/positions")];
        row.bank.positions.push_back(position.position);
        if (row.hasTokens)
            row.bank.positionTokens.push_back(std::move(position.token));
    }
    BankIndex index;
    index.ids.resize(rows.size());
    for (const auto& [id, row] : table.byId())
        index.ids[row] = id;
    for (auto& row : rows) {
        auto& bank = row.bank;
        if (bank.ks < 0 || bank.ks > 4096 || bank.width < 0 || bank.width > (1 << 20))
            file.bad("/banks/index", "ks " + std::to_string(bank.ks) + " and width " +
                                         std::to_string(bank.width) + " are not sizes of a model");
        const auto count = static_cast<std::int64_t>(bank.positions.size());
        bank.rawNorm = normTable(file, std::move(row.rawNorm), count, bank.ks, "/banks/index/raw_norm");
        bank.medianNorm =
            normTable(file, std::move(row.medianNorm), count, bank.ks, "/banks/index/median_norm");
        index.banks.push_back(std::move(bank));
    }
    return index;
}

std::vector<DirectionBank> readBanks(const ReadFile& file, std::uint64_t maximumTensorBytes) {
    auto index = readBankIndex(file);
    std::uint64_t bytes = 0;
    for (const auto& bank : index.banks)
        bytes += bank.positions.size() * static_cast<std::uint64_t>(bank.ks) *
                 static_cast<std::uint64_t>(bank.width) * 4;
    if (bytes <= maximumTensorBytes)
        for (std::size_t i = 0; i < index.banks.size(); ++i)
            index.banks[i].tensor = readTensorOf(file, index.banks[i], index.ids[i]);
    return std::move(index.banks);
}

std::vector<Arm> readArms(const ReadFile& file) {
    auto table = readTable<ArmRow>(file, "/arms", AZIMUTH_COLUMNS(armColumns));
    auto interventions =
        readTable<InterventionRow>(file, "/arms/interventions", AZIMUTH_COLUMNS(interventionColumns));
    std::vector<Arm> arms(table.rows().size());
    for (std::size_t i = 0; i < arms.size(); ++i)
        arms[i].name = std::move(table.rows()[i].name);
    for (auto& row : migrated(std::move(interventions.rows()), file.block().formatVersion))
        arms[table.rowOf(row.arm, "/arms/interventions")].interventions.push_back(
            std::move(row.intervention));
    return arms;
}

std::vector<Score> readScores(const ReadFile& file) {
    if (!file.exists("/scores"))
        return {};
    auto table = readTable<Score>(file, "/scores", AZIMUTH_COLUMNS(scoreColumns));
    for (const auto& row : table.rows())
        if (row.logProbabilities.size() != row.ids.size() ||
            (!row.kl.empty() && row.kl.size() != row.ids.size()))
            file.bad("/scores/log_probability", std::to_string(row.ids.size()) + " ids have " +
                                                    std::to_string(row.logProbabilities.size()) +
                                                    " log-probabilities and " +
                                                    std::to_string(row.kl.size()) + " divergences");
    return std::move(table.rows());
}

std::vector<Note> readNotes(const ReadFile& file) {
    if (!file.exists("/notes"))
        return {};
    return std::move(readTable<Note>(file, "/notes", AZIMUTH_COLUMNS(noteColumns)).rows());
}

std::vector<JobRecord> readJobs(const ReadFile& file) {
    auto table = readTable<JobRecord>(file, "/jobs", AZIMUTH_COLUMNS(jobColumns));
    return std::move(table.rows());
}

std::vector<Calibration> readCalibrations(const ReadFile& file) {
    auto table = readTable<CalibrationRow>(file, "/calibrations", AZIMUTH_COLUMNS(calibrationColumns));
    auto points = readTable<PointRow>(file, "/calibrations/points", AZIMUTH_COLUMNS(pointColumns));
    for (auto& row : points.rows())
        table.rows()[table.rowOf(row.calibration, "/calibrations/points")].value.points.push_back(row.point);
    std::vector<Calibration> out;
    for (auto& row : table.rows()) {
        if (row.chosen < -1 || row.chosen >= static_cast<std::int64_t>(row.value.points.size()))
            file.bad("/calibrations/chosen", "it is point " + std::to_string(row.chosen) + " of " +
                                                 std::to_string(row.value.points.size()));
        if (row.chosen >= 0)
            row.value.chosen = static_cast<std::size_t>(row.chosen);
        out.push_back(std::move(row.value));
    }
    return out;
}

std::vector<TransferCell> readTransfer(const ReadFile& file) {
    auto table = readTable<TransferRow>(file, "/transfer/index", AZIMUTH_COLUMNS(transferColumns));
    std::vector<TransferCell> cells;
    for (auto& row : table.rows()) {
        if (row.notMeasured > 0)
            row.cell.notMeasured = NotMeasured{static_cast<NotMeasured::Kind>(row.notMeasured - 1),
                                               std::move(row.shortReason), std::move(row.reason)};
        cells.push_back(std::move(row.cell));
    }
    return cells;
}

void readStudyTables(const ReadFile& file, ProjectView& view) {
    auto table = readTable<StudyRow>(file, "/study", AZIMUTH_COLUMNS(studyColumns));
    if (table.rows().size() != 1)
        file.bad("/study", "it has " + std::to_string(table.rows().size()) + " rows, expected 1");
    view.title = std::move(table.rows()[0].title);
    const auto origin = file.path() + ", /study/json";
    try {
        view.study =
            std::make_shared<const Study>(readStudy(parseJson(table.rows()[0].json, origin), origin));
    } catch (const Error& error) {
        file.bad("/study/json", error.message());
    }
    auto models = readTable<StudyModelRow>(file, "/study/models", AZIMUTH_COLUMNS(studyModelColumns));
    const auto& declared = view.study->models;
    if (models.rows().size() != declared.size())
        file.bad("/study/models", "it has " + std::to_string(models.rows().size()) + " rows, the study has " +
                                      std::to_string(declared.size()) + " models");
    for (std::size_t i = 0; i < declared.size(); ++i) {
        if (models.rows()[i].name != declared[i].name)
            file.bad("/study/models/name",
                     "row " + std::to_string(i) + " is not the study's model " + declared[i].name);
        view.modelIdentities.push_back(std::move(models.rows()[i].identity));
    }
}

} // namespace

void checkRoot(const ReadFile& file) {
    const auto root = file.root();
    const auto& block = file.block();
    const auto format = file.textAttribute(root, "format", "/");
    if (format != "azimuth")
        file.bad("/", "the attribute format is \"" + format + "\", expected \"azimuth\"");
    if (file.textAttribute(root, "file_kind", "/") != toString(block.kind) ||
        file.textAttribute(root, "project_uuid", "/") != block.project ||
        file.unsignedAttribute(root, "generation", "/") != block.generation ||
        file.unsignedAttribute(root, "format_version", "/") != block.formatVersion)
        file.bad("/", "its attributes and its first 1,024 bytes contradict each other");
}

JobResult readJobResult(const ReadFile& file) {
    checkRoot(file);
    JobResult result;
    auto jobs = readJobs(file);
    if (jobs.size() != 1)
        file.bad("/jobs", "a shard has one job, this one " + std::to_string(jobs.size()));
    result.job = std::move(jobs[0]);
    result.models = readModels(file);
    result.banks = readBanks(file, std::numeric_limits<std::uint64_t>::max());
    result.arms = readArms(file);
    const auto completions = readCompletions(file);
    for (std::size_t i = 0; i < completions.size(); ++i)
        result.completions.push_back(completions.row(i));
    result.scores = readScores(file);
    return result;
}

ProjectView readProjectView(const ReadFile& file, std::uint64_t maximumTensorBytes) {
    checkRoot(file);
    ProjectView view;
    view.uuid = file.block().project;
    view.generation = file.block().generation;
    view.logSequence = file.block().logSequence;
    view.created = file.textAttribute(file.root(), "created_utc", "/");
    view.saved = file.textAttribute(file.root(), "saved_utc", "/");
    readStudyTables(file, view);
    view.models = shared(readModels(file));
    view.banks = shared(readBanks(file, maximumTensorBytes));
    view.arms = shared(readArms(file));
    view.completions = std::make_shared<const CompletionTable>(readCompletions(file));
    view.scores = shared(readScores(file));
    view.labels =
        shared(migrated(std::move(readTable<Label>(file, "/labels", AZIMUTH_COLUMNS(labelColumns)).rows()),
                        file.block().formatVersion));
    view.notes = shared(readNotes(file));
    view.calibrations = shared(readCalibrations(file));
    view.transfer = readTransfer(file);
    view.figures =
        std::move(readTable<StoredFigure>(file, "/figures", AZIMUTH_COLUMNS(figureColumns)).rows());
    view.jobs = readJobs(file);
    view.provenance = std::move(
        readTable<ProvenanceRecord>(file, "/provenance", AZIMUTH_COLUMNS(provenanceColumns)).rows());
    return view;
}

ArrayF readTensor(const ReadFile& file, const std::string& bankKey) {
    const auto index = readBankIndex(file);
    for (std::size_t i = 0; i < index.banks.size(); ++i)
        if (index.banks[i].key == bankKey)
            return readTensorOf(file, index.banks[i], index.ids[i]);
    file.bad("/banks", "there is no bank with the key " + bankKey.substr(0, 12));
}

} // namespace azimuth::h5
