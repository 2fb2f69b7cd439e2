// Templates as transformers renders them (fixture), dates, and what a template must not be able to do.
#include "core/base/text.h"
#include "tests/core/checks.h"
#include "tests/core/engine/text/text_checks.h"

#include <QtTest>

using namespace azimuth;
using namespace azimuth::checks;

namespace {

const std::map<std::string, std::string> specials{{"bos_token", "<bos>"}, {"eos_token", "<eos>"}};

std::string rendered(const std::string& source, const Json& variables = Json::object()) {
    return ChatTemplate(source, specials).render({{"user", "x"}}, true, variables);
}

std::string codeFor(const std::string& source, const Json& variables = Json::object()) {
    return codeOf([&] { rendered(source, variables); });
}

} // namespace

class TemplateTest : public QObject {
    Q_OBJECT
private Q_SLOTS:
    void equalsTransformers() {
        int refused = 0, equal = 0;
        for (const Json& fixture : tokenFixtures().at("templates")) {
            const auto name = fixture.at("name").get<std::string>();
            const auto source = fixture.at("template").get<std::string>();
            const auto render = [&] {
                return ChatTemplate(source, specials)
                    .render(messagesOf(fixture.at("messages")), true, fixture.at("variables"));
            };
            if (fixture.contains("error")) {
                const auto theirs = fixture.at("error").get<std::string>();
                const std::string ours = messageOf([&] { render(); });
                QVERIFY2(ours != "nothing was thrown", name.c_str());
                if (theirs.starts_with("TemplateError: "))
                    QVERIFY2(ours.ends_with(theirs.substr(15)), ours.c_str());
                ++refused;
                continue;
            }
            const auto theirs = fixture.at("text").get<std::string>();
            const std::string ours = render();
            QVERIFY2(ours == theirs, (name + ": \"" + ours + "\" expected \"" + theirs + "\"").c_str());
            ++equal;
        }
        QVERIFY(refused >= 2 && equal >= 10);
    }

    void raisedWordsReachTheUser() {
        const std::string source = "{{ raise_exception('System role not supported') }}";
        QCOMPARE(codeFor(source), std::string("text.template.raised"));
        QCOMPARE(messageOf([&] { rendered(source); }),
                 std::string("The chat template refuses the messages: System role not supported"));
        // Also from inside a macro.
        QCOMPARE(codeFor("{% macro m() %}{{ raise_exception('no') }}{% endmacro %}{{ m() }}"),
                 std::string("text.template.raised"));
    }

    void datesArePinned() {
        const std::string form = "{{ strftime_now('%d %b %Y|%A|%B %-d|%j|%H:%M:%S %p|%y%%') }}";
        QCOMPARE(rendered(form, {{"date", "2024-07-26"}}), // date(1): a Friday, day 208
                 std::string("26 Jul 2024|Friday|July 26|208|00:00:00 AM|24%"));
        QCOMPARE(rendered(form, {{"date", "2000-02-29T13:05:09"}}),
                 std::string("29 Feb 2000|Tuesday|February 29|060|13:05:09 PM|00%"));
        QCOMPARE(rendered(form, {{"date", "1999-12-31"}}),
                 std::string("31 Dec 1999|Friday|December 31|365|00:00:00 AM|99%"));
        QCOMPARE(codeFor(form), std::string("text.date"));
        QCOMPARE(rendered("{% if strftime_now is defined %}now{% else %}26 Jul 2024{% endif %}"),
                 std::string("26 Jul 2024"));
        for (const char* wrong :
             {"2024-02-30", "2023-02-29", "24-07-26", "2024-13-01", "today", "2024-07-26T24:00:00", ""})
            QCOMPARE(codeFor(form, {{"date", wrong}}), std::string("text.date"));
        QCOMPARE(codeFor(form, {{"date", 20240726}}), std::string("text.date"));
        QCOMPARE(codeFor("{{ strftime_now('%Q') }}", {{"date", "2024-07-26"}}), std::string("text.template"));
    }

    void variablesWinOverSpecialTokens() {
        QCOMPARE(rendered("{{ bos_token }}{{ eos_token }}", {{"eos_token", "!"}}), std::string("<bos>!"));
        QCOMPARE(codeFor("x", {{"messages", 1}}), std::string("text.variables"));
        QCOMPARE(codeFor("x", Json::array()), std::string("text.variables"));
    }

    void errorsNameTheLine() {
        const std::string broken = messageOf([] { rendered("a\n{% if x %}\nb"); });
        QVERIFY2(broken.find("line") != std::string::npos, broken.c_str());
        QCOMPARE(codeFor("{{ unknown_function() }}"), std::string("text.template"));
        QCOMPARE(codeFor("{{ messages | unknown_filter }}"), std::string("text.template"));
        QCOMPARE(codeFor("{{ messages.unknown() }}"), std::string("text.template"));
        QCOMPARE(codeFor("{{ 1 // 0 }}"), std::string("text.template"));
        QCOMPARE(codeFor("{% include 'secret' %}"), std::string("text.template"));
    }

    void limits() {
        QCOMPARE(codeFor(std::string((256 << 10) + 1, 'x')), std::string("text.limit"));
        QCOMPARE(rendered(std::string(256 << 10, 'x')).size(), std::size_t{256 << 10});
        const std::string loop =
            "{% for a in range(9999) %}{% for b in range(9999) %}{% set c = a * b %}{% endfor %}{% endfor %}";
        QCOMPARE(codeFor(loop), std::string("text.limit"));
        const std::string flood = "{% for a in range(9999) %}" + std::string(4000, 'y') + "{% endfor %}";
        QCOMPARE(codeFor(flood), std::string("text.limit"));
        QCOMPARE(codeFor("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}"), std::string("text.template"));
        QCOMPARE(codeFor("{{ range(1000000000) | list }}"), std::string("text.template"));
        QCOMPARE(codeFor("{{ " + std::string(50'000, '(') + "1" + std::string(50'000, ')') + " }}"),
                 std::string("text.template"));
        QCOMPARE(codeFor("{{ 'x' | indent(4) | tojson(indent=100000) }}"), std::string("text.template"));
    }

    // Few steps, much memory: a text joined with itself, a constant folded while reading, lists, filters.
    void memoryBombs() {
        const std::string grown =
            "{% set ns = namespace(a='x' * 1000) %}{% for i in range(60) %}{% set ns.a = ";
        for (const char* step :
             {"ns.a ~ ns.a", "ns.a + ns.a", "[ns.a, ns.a] | join", "ns.a | replace('x', 'xxxx')"}) {
            const std::string bomb = grown + step + " %}{% endfor %}{{ ns.a | length }}";
            QCOMPARE(codeFor(bomb), std::string("text.limit"));
        }
        std::string constants = "{{ ('x' * 90000000)";
        for (int i = 0; i < 50; ++i)
            constants += " ~ ('x' * 90000000)";
        QCOMPARE(codeFor(constants + " }}"), std::string("text.limit"));
        const std::string lists =
            "{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = (ns.a + ns.a) | "
            "list %}{% endfor %}";
        QCOMPARE(codeFor(lists), std::string("text.limit"));
        // The same template again: it is over its limits for good; others are not touched.
        const ChatTemplate bomb(grown + "ns.a ~ ns.a %}{% endfor %}", specials);
        for (const char* words : {"256 MiB", "before"}) {
            const std::string ours = messageOf([&] { bomb.render({{"user", "x"}}, true, Json::object()); });
            QVERIFY2(ours.find(words) != std::string::npos, ours.c_str());
        }
        QCOMPARE(rendered("{{ 'x' * 1000000 }}"), std::string(1'000'000, 'x'));
    }

    void utf8() {
        const ChatTemplate plain("{{ messages[0].content }}", specials);
        QCOMPARE(plain.render({{"user", "é😀\n"}}, true, Json::object()), std::string("é😀\n"));
        const std::string nul("a\0b", 3);
        QCOMPARE(plain.render({{"user", nul}}, true, Json::object()), nul);
        QCOMPARE(codeOf([&] {
                     plain.render({{"user", "\xff"}}, true, Json::object());
                 }),
                 std::string("text.utf8"));
        QCOMPARE(codeOf([&] {
                     plain.render({{"user", "x"}}, true, {{"v", "\xc3"}});
                 }),
                 std::string("text.utf8"));
        QCOMPARE(codeFor("\xc3("), std::string("text.utf8"));
    }

    // Every truncation of a real-world kind of template either renders or is one error.
    void truncatedTemplates() {
        const auto source = tokenFixtures().at("templates").at(0).at("template").get<std::string>();
        int refused = 0;
        for (std::size_t size = 0; size < source.size(); size += 3) {
            const std::string code = codeFor(source.substr(0, size));
            QVERIFY2(code == "nothing was thrown" || code.starts_with("text."), code.c_str());
            refused += code != "nothing was thrown";
        }
        QVERIFY(refused > 50);
    }
};

QTEST_GUILESS_MAIN(TemplateTest)
#include "template_test.moc"
