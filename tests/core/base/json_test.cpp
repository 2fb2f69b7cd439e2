// The strict reader, and canonical JSON against RFC 8785: its sections 3.2.2 and 3.2.3 and its appendix B.
#include "core/base/atomic_file.h"
#include "core/base/json.h"
#include "core/base/json_reader.h"
#include "tests/core/checks.h"

#include <bit>
#include <cstring>
#include <QTemporaryDir>
#include <QTest>
#include <random>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

std::string parseCode(const std::string& text) {
    return codeOf([&] { parseJson(text, "test"); });
}

const std::string fine = "nothing was thrown";

// All findings of reading a text with `body`, as one text.
std::string findings(const std::string& text, const std::function<void(JsonObject&)>& body,
                     bool foreign = false) {
    JsonReader reader(parseJson(text, "test"), "test", foreign);
    body(reader.root());
    try {
        reader.finish();
    } catch (const Error& error) {
        return error.code() == "json.content" ? error.detail() : error.code();
    }
    return {};
}

} // namespace

class JsonTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void accepts() {
        for (const char* text :
             {"{}", "[]", " 1 ", "\"\\ud83d\\ude00\"", "{\"a\":{\"a\":1},\"b\":[{\"a\":1},{\"a\":2}]}",
              "-0.5e-3", "true\n", "\"\\u0000\""})
            QCOMPARE(parseCode(text), fine);
        QCOMPARE(parseJson("\"\\ud83d\\ude00\"", "x").get<std::string>(), std::string("\U0001F600"));
    }

    void refuses_data() {
        QTest::addColumn<QByteArray>("text");
        QTest::addColumn<QByteArray>("code");
        const auto row = [](const char* name, const QByteArray& text, const char* code) {
            QTest::newRow(name) << text << QByteArray(code);
        };
        row("empty", "", "json.syntax");
        row("only space", " \n", "json.syntax");
        row("trailing garbage", "{} x", "json.syntax");
        row("two values", "1 2", "json.syntax");
        row("truncated", "{\"a\": [1, 2", "json.syntax");
        row("trailing comma", "[1,]", "json.syntax");
        row("comment", "[1] // one", "json.syntax");
        row("single quotes", "{'a': 1}", "json.syntax");
        row("NaN", "[NaN]", "json.syntax");
        row("infinite number", "[1e999]", "json.syntax");
        row("leading zero", "[01]", "json.syntax");
        row("control character", "\"a\nb\"", "json.syntax");
        row("lone surrogate", "\"\\ud800\"", "json.syntax");
        row("duplicate", "{\"a\":1,\"a\":2}", "json.duplicate");
        row("duplicate, written otherwise", "{\"a\":1,\"\\u0061\":2}", "json.duplicate");
        row("bad UTF-8", "[\"\xff\"]", "json.utf8");
        row("encoded surrogate", "[\"\xed\xa0\x80\"]", "json.utf8");
        row("depth 65", QByteArray(65, '[') + QByteArray(65, ']'), "json.depth");
        row("a million brackets", QByteArray(1000000, '['), "json.depth");
    }
    void refuses() {
        QFETCH(QByteArray, text);
        QFETCH(QByteArray, code);
        QCOMPARE(parseCode(text.toStdString()), code.toStdString());
    }

    void limits() {
        QCOMPARE(parseCode(std::string(64, '[') + std::string(64, ']')), fine);
        QCOMPARE(codeOf([] { parseJson("[1, 2, 3]", "x", {8, 64}); }), std::string("json.size"));
        QCOMPARE(codeOf([] { parseJson("[1, 2, 3]", "x", {9, 64}); }), fine);
        QTemporaryDir folder;
        const auto path = folder.filePath(QStringLiteral("a.json")).toStdString();
        writeFileAtomically(path, "[1, 2, 3]");
        QCOMPARE(readJsonFile(path).size(), std::size_t{3});
        QCOMPARE(codeOf([&] { readJsonFile(path, {8, 64}); }), std::string("file.size"));
        QCOMPARE(codeOf([&] { readJsonFile(path + ".none"); }), std::string("file.open"));
    }

    void namesThePlace() {
        QVERIFY(messageOf([] { parseJson("{\"a\":[0,{\"b\":1,\"b\":2}]}", "study.json"); }) ==
                "study.json: the key /a/1/b stands twice.");
        QVERIFY(messageOf([] { parseJson("[1, x]", "study.json"); }).find("byte 5") != std::string::npos);
    }

    // Whatever is cut off or flipped, the reader either reads or throws an Error.
    void survivesDamage() {
        const std::string good = "{\"a\":[1,-2.5e3,\"\\u20ac\u00e9\"],\"b\":{\"c\":null,\"d\":true}}";
        for (std::size_t length = 0; length < good.size(); ++length)
            QVERIFY(parseCode(good.substr(0, length)) != fine);
        std::mt19937 generator(3);
        for (int i = 0; i < 3000; ++i) {
            auto damaged = good;
            damaged[generator() % damaged.size()] ^= static_cast<char>(1u << generator() % 8);
            const auto code = parseCode(damaged);
            QVERIFY(code == fine || code.starts_with("json."));
        }
    }

    void canonicalNumbers() { // RFC 8785, appendix B
        const std::pair<std::uint64_t, const char*> rows[] = {
            {0x0000000000000000, "0"},
            {0x8000000000000000, "0"},
            {0x0000000000000001, "5e-324"},
            {0x8000000000000001, "-5e-324"},
            {0x7fefffffffffffff, "1.7976931348623157e+308"},
            {0xffefffffffffffff, "-1.7976931348623157e+308"},
            {0x4340000000000000, "9007199254740992"},
            {0xc340000000000000, "-9007199254740992"},
            {0x4430000000000000, "295147905179352830000"},
            {0x44b52d02c7e14af5, "9.999999999999997e+22"},
            {0x44b52d02c7e14af6, "1e+23"},
            {0x44b52d02c7e14af7, "1.0000000000000001e+23"},
            {0x444b1ae4d6e2ef4e, "999999999999999700000"},
            {0x444b1ae4d6e2ef4f, "999999999999999900000"},
            {0x444b1ae4d6e2ef50, "1e+21"},
            {0x3eb0c6f7a0b5ed8c, "9.999999999999997e-7"},
            {0x3eb0c6f7a0b5ed8d, "0.000001"},
            {0x41b3de4355555553, "333333333.3333332"},
            {0x41b3de4355555554, "333333333.33333325"},
            {0x41b3de4355555555, "333333333.3333333"},
            {0x41b3de4355555556, "333333333.3333334"},
            {0x41b3de4355555557, "333333333.33333343"},
            {0xbecbf647612f3696, "-0.0000033333333333333333"},
            {0x43143ff3c1cb0959, "1424953923781206.2"}};
        for (const auto& [bits, text] : rows)
            QCOMPARE(canonicalJson(std::bit_cast<double>(bits)), std::string(text));
        QCOMPARE(codeOf([] { canonicalJson(std::bit_cast<double>(0x7fffffffffffffff)); }),
                 std::string("json.number"));
        QCOMPARE(codeOf([] { canonicalJson(std::bit_cast<double>(0x7ff0000000000000)); }),
                 std::string("json.number"));
        QCOMPARE(codeOf([] { canonicalJson(Json::array({1, NAN})); }), std::string("json.number"));
    }

    void canonicalIntegers() {
        constexpr std::int64_t exact = std::int64_t{1} << 53;
        QCOMPARE(canonicalJson(exact), std::string("9007199254740992"));
        QCOMPARE(canonicalJson(-exact), std::string("-9007199254740992"));
        for (const Json& value :
             {Json(exact + 1), Json(-exact - 1), Json(INT64_MAX), Json(INT64_MIN), Json(UINT64_MAX)})
            QCOMPARE(codeOf([&] { canonicalJson(value); }), std::string("json.number"));
        QCOMPARE(canonicalJson(parseJson("[3.0, 3, -0.0, -0]", "x")), std::string("[3,3,0,0]"));
    }

    void canonicalNumbersReadBack() {
        std::mt19937_64 generator(5);
        for (int i = 0; i < 20000; ++i) {
            const double value = std::bit_cast<double>(generator());
            if (std::isfinite(value)) {
                const auto text = canonicalJson(value);
                QVERIFY(std::strtod(text.c_str(), nullptr) == value);
            }
        }
    }

    void canonicalSamples() {
        // Section 3.2.2
        const Json first =
            parseJson("{"
                      "\"numbers\": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],"
                      "\"string\": \"\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\\"\\/\","
                      "\"literals\": [null, true, false]"
                      "}",
                      "RFC 8785");
        QCOMPARE(canonicalJson(first),
                 std::string(
                     "{\"literals\":[null,true,false],\"numbers\":[333333333.3333333,1e+30,4.5,0.002,1e-27],"
                     "\"string\":\"\u20ac$\\u000f\\nA'B\\\"\\\\\\\\\\\"/\"}"));
        // Section 3.2.3: by UTF-16 code units, so the emoji stands before U+FB33
        const Json second =
            parseJson("{\"\\u20ac\": \"Euro Sign\", \"\\r\": \"Carriage Return\","
                      "\"\\ufb33\": \"Hebrew Letter Dalet With Dagesh\", \"1\": \"One\", \"\\ud83d\\ude00\": "
                      "\"Emoji: Grinning Face\","
                      "\"\\u0080\": \"Control\", \"\\u00f6\": \"Latin Small Letter O With Diaeresis\"}",
                      "RFC 8785");
        const auto text = canonicalJson(second);
        std::size_t last = 0;
        for (const char* value :
             {"Carriage Return", "One", "Control", "Latin Small", "Euro Sign", "Emoji", "Hebrew"}) {
            const auto at = text.find(value);
            QVERIFY2(at != std::string::npos && at > last, value);
            last = at;
        }
    }

    void canonicalRefusals() {
        QCOMPARE(codeOf([] { canonicalJson(std::string("\xff")); }), std::string("json.utf8"));
        Json deep = 1;
        for (int i = 0; i < 70; ++i)
            deep = Json::array({deep});
        QCOMPARE(codeOf([&] { canonicalJson(deep); }), std::string("json.depth"));
    }

    void prettyReadsBack() {
        const Json json = parseJson("{\"b\":[1,2],\"a\":{\"x\":[],\"y\":[{}]},\"c\":\"\u00e9\"}", "x");
        QCOMPARE(prettyJson(json),
                 std::string("{\n  \"a\": {\n    \"x\": [],\n    \"y\": [\n      {}\n    ]\n  },\n"
                             "  \"b\": [1, 2],\n  \"c\": \"\u00e9\"\n}\n"));
        QVERIFY(parseJson(prettyJson(json), "x") == json);
    }

    void readsValues() {
        std::string text;
        double number = 0;
        std::int64_t integer = 0;
        std::uint64_t seed = 0;
        QCOMPARE(findings("{\"t\":\"x\",\"n\":2.5,\"i\":3.0,\"s\":\"18446744073709551615\",\"l\":[1,2],\"o\":"
                          "{\"k\":true}}",
                          [&](JsonObject& root) {
                              text = root.text("t");
                              number = root.number("n");
                              integer = root.integer("i", 0, 5);
                              seed = root.unsigned64("s", 0);
                              QCOMPARE(root.integers("l", 0, 9), (std::vector<std::int64_t>{1, 2}));
                              root.object("o", [](JsonObject& inner) { QVERIFY(inner.boolean("k")); });
                              QCOMPARE(root.text("missing", "otherwise"), std::string("otherwise"));
                              QCOMPARE(root.integer("none", 0, 9, 7), std::int64_t{7});
                          }),
                 std::string());
        QVERIFY(text == "x" && number == 2.5 && integer == 3 && seed == UINT64_MAX);
    }

    void collectsEveryFinding() {
        const auto found = findings("{\"a\":1,\"b\":\"2\",\"c\":2.5,\"d\":[1,\"x\"],\"e\":[{\"f\":1,\"g\":2}]"
                                    ",\"h\":\"green\",\"z\":0}",
                                    [](JsonObject& root) {
                                        root.text("a");
                                        root.number("b");
                                        root.integer("c", 0, 9);
                                        root.numbers("d");
                                        root.each("e", [](JsonObject& inner) { inner.number("f"); });
                                        root.choice("h", {"red", "blue"});
                                        root.text("missing");
                                    });
        const char* expected[] = {"/a: expected a text\n",
                                  "/b: expected a finite number\n",
                                  "/c: expected a whole number from 0 to 9, found 2.5\n",
                                  "/d: element 1 is not a finite number\n",
                                  "/e/0/g: this key is not known here\n",
                                  "/h: found \"green\", known are red, blue\n",
                                  "/missing: missing\n",
                                  "/z: this key is not known here\n"};
        for (const char* line : expected)
            QVERIFY2(found.find(line) != std::string::npos, (found + "\nlacks " + line).c_str());
        QCOMPARE(std::count(found.begin(), found.end(), '\n'), std::ptrdiff_t{8});
    }

    void narrowsNothing() {
        const auto integer = [](const char* text) {
            return findings(std::string("{\"v\":") + text + "}",
                            [](JsonObject& root) { root.integer("v", -5, INT64_MAX); });
        };
        QVERIFY(integer("9223372036854775807").empty());
        for (const char* text :
             {"9223372036854775808", "18446744073709551616", "1e30", "0.5", "-6", "\"3\"", "true", "null"})
            QVERIFY2(!integer(text).empty(), text);
        const auto number = [](const char* text) {
            return findings(std::string("{\"v\":") + text + "}", [](JsonObject& root) { root.number("v"); });
        };
        QVERIFY(number("9007199254740992").empty());
        QVERIFY(!number("9007199254740993").empty()); // no double has this value
        const auto seed = [](const char* text) {
            return findings(std::string("{\"v\":\"") + text + "\"}",
                            [](JsonObject& root) { root.unsigned64("v", 0); });
        };
        QVERIFY(seed("42").empty());
        for (const char* text : {"", "-1", " 1", "1 ", "18446744073709551616", "0x1", "1.0"})
            QVERIFY2(!seed(text).empty(), text);
    }

    void filesOfOthersMayHaveMore() {
        QVERIFY(findings(
                    "{\"a\":1,\"b\":{\"c\":2}}", [](JsonObject& root) { root.number("a"); }, true)
                    .empty());
        QVERIFY(!findings("{\"a\":1,\"b\":{\"c\":2}}", [](JsonObject& root) { root.number("a"); }).empty());
    }

    void heads() {
        const auto code = [](const char* text) {
            return codeOf([&] { JsonReader(parseJson(text, "x"), "x", "study", 2).finish(); });
        };
        QCOMPARE(code("{\"azimuth\":\"study\",\"version\":2}"), std::string("nothing was thrown"));
        QCOMPARE(code("{\"azimuth\":\"study\",\"version\":3}"), std::string("json.version"));
        QCOMPARE(code("{\"azimuth\":\"study\",\"version\":0}"), std::string("json.version"));
        QCOMPARE(code("{\"azimuth\":\"study\"}"), std::string("json.version"));
        QCOMPARE(code("{\"azimuth\":\"judge\",\"version\":1}"), std::string("json.kind"));
        QCOMPARE(code("{\"version\":1}"), std::string("json.kind"));
        QCOMPARE(code("[]"), std::string("json.content"));
    }
};

QTEST_APPLESS_MAIN(JsonTest)
#include "json_test.moc"
