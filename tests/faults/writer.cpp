// The program that the tests of storage kill, starve and cut off. It drives the real code and acknowledges on
// stdout what is durable.
//
//   faults_writer PROJECT STEP [ROUNDS]   opens or creates the project; then rounds of the step
//   faults_writer PROJECT talk            carries out the lines of stdin: open | rescue | close | prepare
//   STEP |
//                                         attempt | faults 0 or 1 | lock | newer | takeover
//
// Lines: those of steps.h, "opened <generation>" after everything that the project holds, "readonly <why>",
// "begin", "end", "told <text>", "generation <n>", those of records.h; after each line of talk "ok" or
// "error\t<code>\t<message>\t<remedy>".
#include "core/base/error.h"
#include "tests/faults/steps.h"

#include <dlfcn.h>
#include <iostream>
#include <limits>

using namespace azimuth;

namespace {

void setFaults(bool on) {
    if (auto* shim = ::dlsym(RTLD_DEFAULT, "azimuth_faults"))
        reinterpret_cast<void (*)(int)>(shim)(on ? 1 : 0);
}

void tell(const Error& error) {
    say("error\t" + error.code() + "\t" + error.message() + "\t" + error.remedy() + "\n");
}

void talk(Steps& steps) {
    std::function<void()> attempt;
    for (std::string line; std::getline(std::cin, line);) {
        const auto word = line.substr(0, line.find(' ')),
                   rest = line.substr(std::min(line.size(), word.size() + 1));
        try {
            if (word == "prepare")
                attempt = steps.prepared(rest);
            else if (word == "attempt")
                attempt();
            else if (word == "faults")
                setFaults(rest == "1");
            else
                steps.obey(word);
            say("ok\n");
        } catch (const Error& error) {
            tell(error);
        }
    }
}

} // namespace

int main(int count, char** words) {
    if (count < 3)
        return 64;
    const std::string step = words[2];
    Steps steps(words[1]);
    try {
        if (step == "talk") {
            talk(steps);
            return 0;
        }
        steps.open();
        const long rounds = count > 3 ? std::atol(words[3]) : std::numeric_limits<long>::max();
        for (long i = 0; i < rounds; ++i)
            steps.round(step);
    } catch (const Error& error) {
        tell(error);
        return 2;
    }
    return 0;
}
