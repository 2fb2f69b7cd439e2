// Each step of the format says what older rows are taken for, whatever a new row begins with.
#include "core/project/migration.h"

#include <QtTest>

using namespace azimuth;

class MigrationTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void interventionsOfFormat1AreOfTheResidualStream() {
        std::vector<h5::InterventionRow> rows(2);
        rows[0].intervention.site = Site::MlpOut;
        rows[1].intervention.strength = 2.5;
        const auto old = h5::migrated(rows, 1);
        QCOMPARE(old.size(), std::size_t{2});
        QVERIFY(old[0].intervention.site == Site::Resid);
        QCOMPARE(old[1].intervention.strength, 2.5);
        for (const unsigned version : {2u, 3u, 4u})
            QVERIFY(h5::migrated(rows, version)[0].intervention.site == Site::MlpOut);
    }

    void labelsBeforeFormat3AreNotRetracted() {
        std::vector<Label> rows(1);
        rows[0].retracted = true;
        rows[0].rater = "Ana";
        for (const unsigned version : {1u, 2u}) {
            const auto old = h5::migrated(rows, version);
            QVERIFY(!old[0].retracted);
            QCOMPARE(old[0].rater, std::string("Ana"));
        }
        for (const unsigned version : {3u, 4u})
            QVERIFY(h5::migrated(rows, version)[0].retracted);
    }
};

QTEST_GUILESS_MAIN(MigrationTest)
#include "migration_test.moc"
