#include "app/workbench/theme/theme.h"
#include "resources/resources.h"
#include "widgets/icons.h"
#include "widgets/themed.h"

#include <cmath>
#include <QAbstractItemView>
#include <QApplication>
#include <QDir>
#include <QFile>
#include <QFocusFrame>
#include <QFontDatabase>
#include <QFontInfo>
#include <QFontMetricsF>
#include <QLabel>
#include <QLineEdit>
#include <QListWidget>
#include <QPainter>
#include <QPushButton>
#include <QSignalSpy>
#include <QTest>
#include <QVBoxLayout>

using namespace azimuth;

namespace {

class Probe : public QWidget, public Themed {
public:
    void setTokens(const Tokens& tokens) override {
        m_window = tokens.window;
        ++m_times;
    }
    QColor m_window;
    int m_times = 0;
};

QFocusFrame* focusRing() {
    for (QWidget* widget : QApplication::allWidgets()) {
        if (auto* frame = qobject_cast<QFocusFrame*>(widget)) {
            return frame;
        }
    }
    return nullptr;
}

// WCAG 2.1 relative luminance by the text of the recommendation (0.03928), from the bytes of the name.
double luminance(const QString& name) {
    double channels[3];
    for (int i = 0; i < 3; ++i) {
        const double c = name.mid(1 + 2 * i, 2).toInt(nullptr, 16) / 255.0;
        channels[i] = c <= 0.03928 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4);
    }
    return 0.2126 * channels[0] + 0.7152 * channels[1] + 0.0722 * channels[2];
}

double ratio(const QColor& one, const QColor& other) {
    const double a = luminance(one.name());
    const double b = luminance(other.name());
    return a > b ? (a + 0.05) / (b + 0.05) : (b + 0.05) / (a + 0.05);
}

QColor token(const Tokens& tokens, const char* name) {
    for (const TokenName& each : tokenNames()) {
        if (qstrcmp(each.name, name) == 0) {
            return tokens.*each.member;
        }
    }
    return {};
}

} // namespace

class ThemeTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void initTestCase() { m_theme = new Theme(*qApp); }
    void init() {
        m_theme->setMode(Theme::Mode::light);
        m_theme->setFontScale(1.0);
    }
    void cleanupTestCase() {
        delete m_theme;
        QCOMPARE(Theme::instance(), nullptr);
    }

    void contrast_data();
    void contrast();
    void contrastOfCellText();
    void tokensRefuseNonsense();
    void sheetIsFilled();
    void sheetFollowsScale();
    void fontsAreOurs();
    void paletteAndSheetFollowMode();
    void themedWidgetsGetTokens();
    void iconsAreDrawnInTheirTone();
    void everyIconRenders();
    void focusRingOnlyByKeyboard();
    void systemModeLooksAtThePlatform();

private:
    Theme* m_theme = nullptr;
};

// The ratios that the look publishes, light and dark, on the worst ground in use.
void ThemeTest::contrast_data() {
    QTest::addColumn<QString>("ink");
    QTest::addColumn<QString>("ground");
    QTest::addColumn<double>("light");
    QTest::addColumn<double>("dark");
    const struct {
        const char* ink;
        const char* ground;
        double light, dark;
    } rows[] = {
        {"text", "accentTint", 13.7, 10.5},    {"text", "search", 13.2, 7.2},
        {"text", "hover", 13.7, 11.2},         {"ink", "base", 10.3, 11.2},
        {"secondary", "accentTint", 6.6, 6.0}, {"placeholder", "window", 5.1, 5.6},
        {"placeholder", "base", 5.6, 6.3},     {"border", "window", 3.3, 3.5},
        {"accent", "accentTint", 5.3, 6.1},    {"onAccent", "accent", 6.3, 8.1},
        {"here", "hereTint", 5.2, 6.2},        {"positive", "accentTint", 5.3, 6.1},
        {"caution", "cautionTint", 5.9, 7.3},  {"failure", "failureTint", 5.6, 6.6},
        {"coherent", "accentTint", 5.5, 6.1},  {"garbled", "accentTint", 5.0, 6.2},
        {"normal", "accentTint", 5.2, 6.0},    {"notMeasured", "hatchBase", 5.8, 6.4},
        {"onTooltip", "tooltip", 16.5, 14.9},  {"disabled", "window", 2.6, 3.0},
    };
    for (const auto& row : rows) {
        QTest::addRow("%s on %s", row.ink, row.ground)
            << QString::fromLatin1(row.ink) << QString::fromLatin1(row.ground) << row.light << row.dark;
    }
}

void ThemeTest::contrast() {
    QFETCH(QString, ink);
    QFETCH(QString, ground);
    QFETCH(double, light);
    QFETCH(double, dark);
    const double needed = ink == QStringLiteral("border")     ? 3.0
                          : ink == QStringLiteral("disabled") ? 0.0
                                                              : 4.5;
    for (const bool isDark : {false, true}) {
        const Tokens& tokens = isDark ? darkTokens() : lightTokens();
        const QColor one = token(tokens, qPrintable(ink));
        const QColor other = token(tokens, qPrintable(ground));
        const double found = ratio(one, other);
        QVERIFY2(std::abs(found - (isDark ? dark : light)) < 0.06, qPrintable(QString::number(found)));
        QVERIFY(found >= needed);
        QVERIFY(std::abs(azimuth::contrast(one, other) - found) < 0.01);
    }
}

void ThemeTest::contrastOfCellText() {
    for (int red = 0; red < 256; red += 15) {
        for (int green = 0; green < 256; green += 15) {
            for (int blue = 0; blue < 256; blue += 15) {
                const QColor ground(red, green, blue);
                QVERIFY2(ratio(textOn(ground), ground) >= 4.5, qPrintable(ground.name()));
            }
        }
    }
    QCOMPARE(textOn(Qt::white).name(), QStringLiteral("#10161b"));
    QCOMPARE(textOn(Qt::black).name(), QStringLiteral("#ffffff"));
}

void ThemeTest::tokensRefuseNonsense() {
    QFile file(QStringLiteral(":/azimuth/tokens.json"));
    QVERIFY(file.open(QIODevice::ReadOnly));
    const QByteArray good = file.readAll();
    QCOMPARE(readTokens(good, true).here.name(), QStringLiteral("#ff7ab8"));
    for (const auto& [from, to] : {std::pair<QByteArray, QByteArray>{"\"window\"", "\"widow\""},
                                   {"\"#0E6B66\"", "\"teal-ish\""},
                                   {"\"dark\"", "\"night\""},
                                   {"\"#F1F3F4\"", "17"}}) {
        QByteArray bad = good;
        QVERIFY(bad.contains(from));
        bad.replace(from, to);
        QVERIFY_THROWS_EXCEPTION(std::exception, readTokens(bad, false));
    }
    for (qsizetype size : {qsizetype(0), qsizetype(1), good.size() / 2, good.size() - 2}) {
        QVERIFY_THROWS_EXCEPTION(std::exception, readTokens(good.left(size), false));
    }
}

void ThemeTest::sheetIsFilled() {
    const QString sheet = QStringLiteral("A { color: @accentTint; x: @accent; image: url(@icons/x.svg); }");
    QCOMPARE(Theme::filledSheet(sheet, lightTokens()),
             QStringLiteral("A { color: #dceeec; x: #0e6b66; image: url(:/azimuth/icons/light/x.svg); }"));
    QVERIFY(!qApp->styleSheet().contains(QLatin1Char('@')));
    for (const char* theme : {"light", "dark"}) {
        for (const char* name : {"chevron-down", "chevron-right", "close", "done"}) {
            const QString path = QStringLiteral(":/azimuth/icons/%1/%2.svg");
            QFile icon(path.arg(QLatin1String(theme), QLatin1String(name)));
            QVERIFY(icon.open(QIODevice::ReadOnly));
            QVERIFY(!icon.readAll().contains("#000000"));
        }
    }
}

void ThemeTest::sheetFollowsScale() {
    Tokens tokens = lightTokens();
    tokens.fontScale = 1.5;
    const QString sheet = QStringLiteral("font-size: 12px; min-height: 26px; width: 1px; padding: 0 11px");
    QCOMPARE(Theme::filledSheet(sheet, tokens),
             QStringLiteral("font-size: 18px; min-height: 39px; width: 1px; padding: 0 11px"));
    m_theme->setFontScale(1.25);
    QCOMPARE(m_theme->px(28), 35);
    QCOMPARE(qApp->font().pixelSize(), 16);
    m_theme->setFontScale(9);
    QCOMPARE(m_theme->fontScale(), 1.5);
}

void ThemeTest::fontsAreOurs() {
    for (const auto weight : {QFont::Normal, QFont::Medium, QFont::DemiBold}) {
        const QFont font = lightTokens().sans(13, weight);
        QCOMPARE(QFontInfo(font).family(), QStringLiteral("IBM Plex Sans"));
        const QFontMetricsF metrics(font);
        for (const QChar digit : QStringLiteral("123456789")) {
            QCOMPARE(metrics.horizontalAdvance(digit), metrics.horizontalAdvance(QLatin1Char('0')));
        }
        for (const QChar sign : QStringLiteral("×−≤≥≠≈±…′“”")) {
            QVERIFY2(metrics.inFont(sign), qPrintable(QString(sign)));
        }
    }
    QCOMPARE(QFontInfo(lightTokens().mono()).family(), QStringLiteral("IBM Plex Mono"));
}

void ThemeTest::paletteAndSheetFollowMode() {
    QSignalSpy changed(m_theme, &Theme::changed);
    QPushButton button(QStringLiteral("Calibrate"));
    button.setProperty("primary", true);
    button.ensurePolished();
    button.resize(90, 28);
    QCOMPARE(button.grab().toImage().pixelColor(8, 14).name(), QStringLiteral("#0e6b66"));
    m_theme->setMode(Theme::Mode::dark);
    QCOMPARE(changed.count(), 1);
    QVERIFY(m_theme->isDark());
    QCOMPARE(qApp->palette().color(QPalette::Base).name(), QStringLiteral("#12171b"));
    QCOMPARE(qApp->palette().color(QPalette::Disabled, QPalette::Text).name(), QStringLiteral("#5f6b75"));
    QCOMPARE(button.grab().toImage().pixelColor(8, 14).name(), QStringLiteral("#5cc4b8"));
    m_theme->setMode(Theme::Mode::dark);
    QCOMPARE(changed.count(), 1);
}

void ThemeTest::themedWidgetsGetTokens() {
    Probe probe;
    QCOMPARE(probe.m_times, 0);
    probe.show();
    QVERIFY(probe.m_times >= 1);
    QCOMPARE(probe.m_window.name(), QStringLiteral("#f1f3f4"));
    m_theme->setMode(Theme::Mode::dark);
    QCOMPARE(probe.m_window.name(), QStringLiteral("#1b2126"));
}

void ThemeTest::iconsAreDrawnInTheirTone() {
    const auto colourOf = [](const QIcon& icon, QIcon::Mode mode, QIcon::State state) {
        const QImage image = icon.pixmap(QSize(16, 16), 2.0, mode, state).toImage();
        [&] { QCOMPARE(image.size(), QSize(32, 32)); }();
        for (int y = 0; y < image.height(); ++y) {
            for (int x = 0; x < image.width(); ++x) {
                if (image.pixelColor(x, y).alpha() == 255) {
                    return image.pixelColor(x, y).name();
                }
            }
        }
        return QString();
    };
    const QIcon icon = Theme::icon(QStringLiteral("stop"));
    QCOMPARE(colourOf(icon, QIcon::Normal, QIcon::Off), QStringLiteral("#465360"));
    QCOMPARE(colourOf(icon, QIcon::Normal, QIcon::On), QStringLiteral("#0e6b66"));
    QCOMPARE(colourOf(icon, QIcon::Disabled, QIcon::Off), QStringLiteral("#8e99a2"));
    QCOMPARE(colourOf(Theme::icon(QStringLiteral("stop"), IconTone::failure), QIcon::Normal, QIcon::Off),
             QStringLiteral("#b3211f"));
    m_theme->setMode(Theme::Mode::dark);
    QCOMPARE(colourOf(icon, QIcon::Normal, QIcon::Off), QStringLiteral("#a8b4be"));
    QTest::ignoreMessage(QtWarningMsg, "There is no icon unicorn");
    QVERIFY(Theme::icon(QStringLiteral("unicorn")).isNull());
}

void ThemeTest::everyIconRenders() {
    const QStringList names =
        QDir(QStringLiteral(":/azimuth/icons")).entryList({QStringLiteral("*.svg")}, QDir::Files);
    QCOMPARE(names.size(), 56);
    for (const QString& name : names) {
        const QImage image = iconPixmap(name.chopped(4), 16, Qt::black, 1.0).toImage();
        int inked = 0;
        for (int y = 0; y < 16; ++y) {
            for (int x = 0; x < 16; ++x) {
                inked += image.pixelColor(x, y).alpha() > 128;
            }
        }
        QVERIFY2(inked >= 6 && inked < 200, qPrintable(name));
    }
}

void ThemeTest::focusRingOnlyByKeyboard() {
    QWidget window;
    auto* layout = new QVBoxLayout(&window);
    layout->setContentsMargins(20, 20, 20, 20);
    auto* first = new QPushButton(QStringLiteral("First"));
    auto* second = new QPushButton(QStringLiteral("Second"));
    auto* list = new QListWidget;
    list->addItem(QStringLiteral("Row"));
    layout->addWidget(first);
    layout->addWidget(second);
    layout->addWidget(list);
    window.show();
    window.activateWindow();
    QVERIFY(QTest::qWaitForWindowActive(&window));
    QFocusFrame* ring = focusRing();
    QVERIFY(ring);
    first->setFocus(Qt::MouseFocusReason);
    QVERIFY(!ring->isVisible());
    QTest::keyClick(first, Qt::Key_Tab);
    QCOMPARE(qApp->focusWidget(), second);
    QVERIFY(ring->isVisible());
    QCOMPARE(ring->widget(), second);
    QCOMPARE(ring->geometry(), second->geometry().adjusted(-3, -3, 3, 3));
    QApplication::processEvents();
    const QImage shot = window.grab().toImage();
    QCOMPARE(shot.pixelColor(second->geometry().center().x(), second->geometry().top() - 2).name(),
             QStringLiteral("#0e6b66"));
    QTest::keyClick(second, Qt::Key_Tab);
    QCOMPARE(qApp->focusWidget(), list);
    QVERIFY(!ring->isVisible());
    QTest::keyClick(list, Qt::Key_Backtab);
    QVERIFY(ring->isVisible());
    QTest::mouseClick(first, Qt::LeftButton);
    QVERIFY(!ring->isVisible());
}

void ThemeTest::systemModeLooksAtThePlatform() {
    m_theme->setMode(Theme::Mode::system);
    QCOMPARE(m_theme->isDark(), false); // the offscreen platform has a light palette
    delete m_theme;
    QPalette night;
    night.setColor(QPalette::Window, QColor(0x20, 0x20, 0x20));
    night.setColor(QPalette::WindowText, QColor(0xF0, 0xF0, 0xF0));
    qApp->setStyleSheet(QString());
    qApp->setPalette(night);
    m_theme = new Theme(*qApp);
    QCOMPARE(m_theme->mode(), Theme::Mode::system);
    QVERIFY(m_theme->isDark());
}

QTEST_MAIN(ThemeTest)
#include "theme_test.moc"
