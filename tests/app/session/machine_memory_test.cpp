#include "app/session/machine_memory.h"

#include <QtTest/QtTest>

using namespace azimuth;

class MachineMemoryTest : public QObject {
    Q_OBJECT

private Q_SLOTS:
    void readsTheKernelsText() {
        const auto memory = machineMemoryFrom("MemTotal:       24588472 kB\nMemFree:         1000 kB\n"
                                              "MemAvailable:   20000000 kB\nBuffers: 5 kB\n");
        QVERIFY(memory.has_value());
        QCOMPARE(memory->total, quint64{25178595328});
        QCOMPARE(memory->used, quint64{4698595328});
    }

    void refusesWhatMakesNoSense_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::newRow("empty") << QByteArray();
        QTest::newRow("no total") << QByteArray("MemAvailable: 5 kB\n");
        QTest::newRow("no available") << QByteArray("MemTotal: 5 kB\n");
        QTest::newRow("more than all") << QByteArray("MemTotal: 5 kB\nMemAvailable: 6 kB\n");
        QTest::newRow("zero") << QByteArray("MemTotal: 0 kB\nMemAvailable: 0 kB\n");
        QTest::newRow("other unit") << QByteArray("MemTotal: 5 MB\nMemAvailable: 4 MB\n");
        QTest::newRow("overflow") << QByteArray("MemTotal: 99999999999999999999 kB\nMemAvailable: 1 kB\n");
        QTest::newRow("negative") << QByteArray("MemTotal: -5 kB\nMemAvailable: -6 kB\n");
    }
    void refusesWhatMakesNoSense() {
        QFETCH(QByteArray, text);
        QVERIFY(!machineMemoryFrom(text));
    }

    void thisMachineHasSome() {
        const auto memory = machineMemory();
        QVERIFY(memory.has_value());
        QVERIFY(memory->used > 0 && memory->used < memory->total);
    }
};

QTEST_GUILESS_MAIN(MachineMemoryTest)
#include "machine_memory_test.moc"
