// Text functions against Python's str over all of Unicode (make_unicode_fixture.py), units against the words
// they promise.
#include "core/base/json.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/base/units.h"
#include "tests/core/checks.h"

#include <functional>
#include <map>
#include <QTest>
#include <vector>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

constexpr char32_t end = 0x110000;
constexpr char32_t bucketSize = 0x100;

std::string encoded(char32_t code) { return fromCodePoints({code}); }

std::vector<bool> flags(const Json& ranges) {
    std::vector<bool> out(end);
    for (const auto& range : ranges)
        for (auto code = range[0].get<std::uint32_t>(); code <= range[1].get<std::uint32_t>(); ++code)
            out[code] = true;
    return out;
}

// The buckets of 256 code points in which ours and Python's differ, with the first difference of each.
std::string differences(const std::vector<bool>& assigned, const std::function<bool(char32_t)>& same) {
    std::string text;
    char32_t lastBucket = end;
    for (char32_t code = 0; code < end; ++code) {
        if (!assigned[code] || (code >= 0xD800 && code < 0xE000) || same(code) ||
            code / bucketSize == lastBucket)
            continue;
        lastBucket = code / bucketSize;
        char buffer[16];
        std::snprintf(buffer, sizeof buffer, " U+%04X", static_cast<unsigned>(code));
        text += buffer;
    }
    return text;
}

bool endsWith(const std::string& text, const std::string& tail) {
    return text.size() >= tail.size() && text.compare(text.size() - tail.size(), tail.size(), tail) == 0;
}

const std::string capitalSigma = "\u03a3", finalSigma = "\u03c2";

} // namespace

class TextTest : public QObject {
    Q_OBJECT
    Json m_fixture;
    std::vector<bool> m_assigned;

private Q_SLOTS:
    void initTestCase() {
        m_fixture = readJsonFile(std::string(AZIMUTH_SOURCE_DIR) + "/tests/core/base/python_text.json");
        m_assigned = flags(m_fixture["assigned"]);
    }

    void spaces() {
        const auto expected = flags(m_fixture["isspace"]);
        QCOMPARE(differences(m_assigned, [&](char32_t c) { return isSpace(c) == expected[c]; }),
                 std::string());
    }

    void alphanumerics() {
        const auto expected = flags(m_fixture["isalnum"]);
        QCOMPARE(differences(m_assigned, [&](char32_t c) { return isAlphanumeric(c) == expected[c]; }),
                 std::string());
    }

    void lowerCase() {
        std::map<char32_t, std::string> expected;
        for (const auto& shift : m_fixture["lower_shifts"])
            for (auto code = shift[0].get<std::uint32_t>(); code <= shift[1].get<std::uint32_t>(); ++code)
                expected[code] = encoded(
                    static_cast<char32_t>(static_cast<std::int64_t>(code) + shift[2].get<std::int64_t>()));
        for (const auto& other : m_fixture["lower_others"]) {
            std::vector<char32_t> codes;
            for (const auto& code : other[1])
                codes.push_back(static_cast<char32_t>(code.get<std::uint32_t>()));
            expected[static_cast<char32_t>(other[0].get<std::uint32_t>())] = fromCodePoints(codes);
        }
        QCOMPARE(differences(m_assigned,
                             [&](char32_t c) {
                                 const auto found = expected.find(c);
                                 return lowered(encoded(c)) ==
                                        (found == expected.end() ? encoded(c) : found->second);
                             }),
                 std::string());
    }

    void finalSigmas() {
        const auto after = flags(m_fixture["sigma_final_after"]),
                   afterA = flags(m_fixture["sigma_final_after_a"]);
        const auto before = flags(m_fixture["sigma_final_before"]),
                   beforeA = flags(m_fixture["sigma_final_before_a"]);
        QCOMPARE(differences(m_assigned,
                             [&](char32_t c) {
                                 return endsWith(lowered(encoded(c) + capitalSigma), finalSigma) ==
                                            after[c] &&
                                        endsWith(lowered("a" + encoded(c) + capitalSigma), finalSigma) ==
                                            afterA[c];
                             }),
                 std::string());
        QCOMPARE(differences(m_assigned,
                             [&](char32_t c) {
                                 const auto one = lowered("a" + capitalSigma + encoded(c));
                                 const auto two = lowered("a" + capitalSigma + encoded(c) + "a");
                                 return (one.compare(1, 2, finalSigma) == 0) == before[c] &&
                                        (two.compare(1, 2, finalSigma) == 0) == beforeA[c];
                             }),
                 std::string());
    }

    void texts() {
        for (const auto& row : m_fixture["texts"]) {
            const auto text = row["text"].get<std::string>();
            QCOMPARE(std::string(trimmedView(text)), row["strip"].get<std::string>());
            QCOMPARE(splitOnSpace(text), row["split"].get<std::vector<std::string>>());
            QCOMPARE(lowered(text), row["lower"].get<std::string>());
        }
    }

    void brokenUtf8() {
        int invalid = 0;
        for (const auto& row : m_fixture["broken"]) {
            std::string bytes;
            const auto hex = row[0].get<std::string>();
            for (std::size_t i = 0; i < hex.size(); i += 2)
                bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
            const auto expected = row[1].get<std::string>();
            QVERIFY2(repairedUtf8(bytes) == expected, hex.c_str());
            QCOMPARE(isValidUtf8(bytes), bytes == expected);
            if (isValidUtf8(bytes))
                continue;
            ++invalid;
            QCOMPARE(codeOf([&] { toCodePoints(bytes); }), std::string("text.utf8"));
            QCOMPARE(codeOf([&] { lowered(bytes); }), std::string("text.utf8"));
            trimmedView(bytes); // these two go on, byte by byte
            splitOnSpace(bytes);
        }
        QVERIFY(invalid > 150);
    }

    void everyCodePointRoundTrips() {
        QCOMPARE(differences(std::vector<bool>(end, true),
                             [](char32_t c) { return toCodePoints(encoded(c)) == std::vector<char32_t>{c}; }),
                 std::string());
    }

    void messages() {
        QCOMPARE(forMessage("a\nb\x07\x7f"), std::string("a\\nb\\x07\\x7f"));
        QCOMPARE(forMessage("\u00e9\u00e9\u00e9", 2), std::string("\u00e9\u00e9\u2026"));
        QCOMPARE(forMessage("\u00e9\u00e9", 2), std::string("\u00e9\u00e9"));
        QCOMPARE(forMessage("a\xff", 5), std::string("a\uFFFD"));
        QVERIFY(isValidUtf8(forMessage(std::string(1000, 'x') + "\xe2\x82", 40)));
    }

    void bytes() {
        QCOMPARE(bytesText(0), std::string("0 B"));
        QCOMPARE(bytesText(512), std::string("512 B"));
        QCOMPARE(bytesText(999), std::string("999 B"));
        QCOMPARE(bytesText(1000), std::string("1.00 kB"));
        QCOMPARE(bytesText(57200000000), std::string("57.2 GB"));
        QCOMPARE(bytesText(999499), std::string("999 kB"));
        QCOMPARE(bytesText(999500), std::string("1.00 MB"));
        QCOMPARE(bytesText(9996), std::string("10.0 kB"));
    }

    void durations() {
        QCOMPARE(durationText(0), std::string("0 s"));
        QCOMPARE(durationText(-3), std::string("0 s"));
        QCOMPARE(durationText(0.2), std::string("1 s"));
        QCOMPARE(durationText(90), std::string("90 s"));
        QCOMPARE(durationText(90.1), std::string("2 min"));
        QCOMPARE(durationText(5399), std::string("1 h 30 min"));
        QCOMPARE(durationText(7741), std::string("2 h 10 min"));
    }

    void numbers() {
        QCOMPARE(numberText(0), std::string("0.00"));
        QCOMPARE(numberText(52.13), std::string("52.1"));
        QCOMPARE(numberText(-0.5), std::string("\u22120.500"));
        QCOMPARE(numberText(9.996), std::string("10.0"));
        QCOMPARE(numberText(0.0009996), std::string("0.00100"));
        QCOMPARE(numberText(123456), std::string("123456"));
        QCOMPARE(numberText(2.5e-7), std::string("2.50e-07"));
        QCOMPARE(numberText(NAN), std::string("not a number"));
        QCOMPARE(numberText(-INFINITY), std::string("\u2212infinity"));
        QCOMPARE(percentText(0.567), std::string("57 %"));
        QCOMPARE(percentText(0), std::string("0 %"));
    }

    void time() {
        QCOMPARE(utcText(0), std::string("1970-01-01T00:00:00Z"));
        QCOMPARE(utcText(1773480413), std::string("2026-03-14T09:26:53Z"));
        QCOMPARE(utcText(-0.5), std::string("1969-12-31T23:59:59Z"));
        QVERIFY(unixSeconds() > 1.7e9);
    }
};

QTEST_APPLESS_MAIN(TextTest)
#include "text_test.moc"
