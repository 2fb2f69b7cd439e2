// FORMAT.md, the schema and the enumerations of core/study say the same.
#include "core/project/schema.h"

#include "core/study/project_view.h"

#include <functional>
#include <map>
#include <QtTest>

using namespace azimuth;

class FormatTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void pageHasTheColumnsOfTheSchema();
    void enumerationsAreThoseOfTheNouns_data();
    void enumerationsAreThoseOfTheNouns();
    void namesAreUnique();
};

namespace {

QString typeText(const schema::Column& column) {
    auto text = QString::fromStdString(schema::toString(column.type));
    for (const auto& name : column.names)
        text += QLatin1Char(' ') + QString::fromStdString(name);
    return text;
}

} // namespace

void FormatTest::pageHasTheColumnsOfTheSchema() {
    QFile page(QStringLiteral(AZIMUTH_SOURCE_DIR "/FORMAT.md"));
    QVERIFY(page.open(QIODevice::ReadOnly));
    const auto lines = QString::fromUtf8(page.readAll()).split(QLatin1Char('\n'));
    const QRegularExpression heading(QStringLiteral("^### (/\\S+)$")), otherHeading(QStringLiteral("^##? "));
    const QRegularExpression row(QStringLiteral("^\\| `(\\w+)` \\| ([^|]+) \\| ([^|]+) \\| (.+) \\|$"));
    QString table;
    QMap<QString, QStringList> columns;
    for (const auto& line : lines) {
        if (const auto match = heading.match(line); match.hasMatch())
            table = match.captured(1);
        else if (otherHeading.match(line).hasMatch())
            table.clear();
        else if (const auto cells = row.match(line); cells.hasMatch() && !table.isEmpty())
            columns[table] << cells.capturedTexts().mid(1).join(QStringLiteral(" | "));
    }
    QMap<QString, QStringList> expected;
    for (const auto& entry : schema::tables())
        for (const auto& column : entry.columns)
            expected[QString::fromStdString(entry.path)]
                << QStringList{QString::fromStdString(column.name), typeText(column),
                               QString::fromStdString(column.units),
                               QString::fromStdString(column.description)}
                       .join(QStringLiteral(" | "));
    QCOMPARE(columns.keys(), expected.keys());
    for (const auto& key : expected.keys())
        QCOMPARE(columns[key], expected[key]);
    QVERIFY(expected.size() >= 19);
}

void FormatTest::enumerationsAreThoseOfTheNouns_data() {
    QTest::addColumn<QString>("table");
    QTest::addColumn<QString>("column");
    QTest::addColumn<QStringList>("names");
    const auto add = [](const char* table, const char* column,
                        const std::function<std::string(int)>& nameOf) {
        QStringList names;
        for (int i = 0; i < 64; ++i) {
            try {
                names << QString::fromStdString(nameOf(i));
            } catch (const std::out_of_range&) {
                break;
            }
        }
        QTest::addRow("%s %s", table, column)
            << QString::fromLatin1(table) << QString::fromLatin1(column) << names;
    };
    add("/models", "compute", [](int i) { return toString(static_cast<Precision>(i)); });
    add("/concepts/sets", "role", [](int i) { return toString(static_cast<PromptRole>(i)); });
    add("/banks/index", "method", [](int i) { return toString(static_cast<Method>(i)); });
    add("/arms/interventions", "operation", [](int i) { return toString(static_cast<Operation>(i)); });
    add("/arms/interventions", "scope", [](int i) { return toString(static_cast<TokenScope>(i)); });
    add("/arms/interventions", "site", [](int i) { return toString(static_cast<Site>(i)); });
    add("/labels", "verdict", [](int i) { return toString(static_cast<Verdict>(i)); });
    add("/calibrations", "rule", [](int i) { return toString(static_cast<CalibrationRule>(i)); });
    add("/calibrations", "status", [](int i) { return toString(static_cast<CalibrationStatus>(i)); });
    add("/jobs", "state", [](int i) { return toString(static_cast<JobState>(i)); });
    add("/transfer/index", "kind", [](int i) {
        auto name = toString(static_cast<CellKind>(i));
        std::replace(name.begin(), name.end(), ' ', '-');
        return name;
    });
    add("/transfer/index", "not_measured", [](int i) {
        return i == 0 ? std::string("measured") : toString(static_cast<NotMeasured::Kind>(i - 1));
    });
    const auto finish = [](int i) {
        return i < 2 ? toString(static_cast<Finish>(i)) : throw std::out_of_range("two");
    };
    add("/completions/index", "finish", finish);
    add("/completions/parts/p*", "finish", finish);
}

void FormatTest::enumerationsAreThoseOfTheNouns() {
    QFETCH(QString, table);
    QFETCH(QString, column);
    QFETCH(QStringList, names);
    QStringList found;
    for (const auto& name : schema::table(table.toStdString()).column(column.toStdString()).names)
        found << QString::fromStdString(name);
    QCOMPARE(found, names);
}

void FormatTest::namesAreUnique() {
    for (const auto& table : schema::tables()) {
        std::map<std::string, int> count;
        for (const auto& column : table.columns) {
            QCOMPARE(++count[column.name], 1);
            QVERIFY(column.description.size() <= 128 && column.units.size() <= 32);
        }
    }
}

QTEST_GUILESS_MAIN(FormatTest)
#include "format_test.moc"
