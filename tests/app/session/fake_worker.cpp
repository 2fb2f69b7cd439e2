// A worker that misbehaves on request: fake_worker MODE. It speaks the protocol by hand, so that a mistake in
// our writer does not hide.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <unistd.h>

namespace {
void say(const std::string& line) {
    std::cout << line << '\n';
    std::cout.flush();
}

void sayHalf(const std::string& part) {
    std::cout << part;
    std::cout.flush();
}

[[noreturn]] void sleepForever() {
    for (;;)
        pause();
}

std::string runOf(const std::string& line) {
    const auto at = line.find("\"run\":");
    return line.substr(at + 6, line.find_first_not_of("0123456789", at + 6) - at - 6);
}

std::string terminal(const std::string& run) {
    return R"({"event":"done","run":)" + run + R"(,"file":"","sha256":""})";
}

std::string progress(const std::string& run, int done) {
    return R"({"event":"progress","run":)" + run + R"(,"done":)" + std::to_string(done) +
           R"(,"total":10,"unit":"rows","phase":"decode"})";
}

// An event line of exactly so many bytes.
std::string logLine(const std::string& run, std::size_t bytes) {
    std::string line = R"({"event":"log","run":)" + run + R"(,"level":"info","text":")";
    line.append(bytes - line.size() - 2, 'x');
    return line + "\"}";
}

void work(const std::string& mode, const std::string& run) {
    say(R"({"event":"accepted","run":)" + run + R"(,"job":"j"})");
    say(progress(run, 1));
    if (mode == "slow")
        for (int i = 2; i < 6; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            say(progress(run, i));
        }
    if (mode == "crash") {
        std::cerr << "about to crash\n";
        sayHalf(R"({"event":"done","run":)");
        std::signal(SIGSEGV, SIG_DFL);
        std::raise(SIGSEGV);
    }
    if (mode == "half") {
        sayHalf(terminal(run).substr(0, 20));
        std::exit(0);
    }
    if (mode == "exit3") {
        std::cerr << "libtorch: out of cheese\n";
        std::exit(3);
    }
    if (mode == "large")
        say(logLine(run, 1 << 20));
    if (mode == "too-large")
        say(logLine(run, (1 << 20) + 1));
    if (mode == "endless")
        for (const std::string part(1 << 16, 'x');;)
            sayHalf(part);
    if (mode == "invalid")
        say("Segmentation fault imminent");
    if (mode == "unknown")
        say(R"({"event":"applause","run":)" + run + "}");
    if (mode == "other-run")
        say(terminal("999"));
    if (mode == "flood")
        for (int i = 0; i < 100000; ++i)
            std::cout << progress(run, i % 10) << '\n';
    if (mode == "failed")
        return say(R"({"event":"failed","run":)" + run +
                   R"(,"code":"model.missing","text":"x.gguf: no such file.","remedy":"Look.","detail":""})");
    if (mode == "mute" || mode == "stubborn")
        sleepForever();
    say(terminal(run));
    if (mode == "twice")
        say(terminal(run));
    if (mode == "done-then-crash")
        std::raise(SIGKILL);
}
} // namespace

int main(int argc, char** argv) {
    const std::string mode = argc > 1 ? argv[1] : "ok";
    if (mode == "no-hello")
        sleepForever();
    if (mode == "dies-at-once")
        return 7;
    if (mode == "stubborn")
        std::signal(SIGTERM, SIG_IGN);
    if (mode == "early") {
        say(R"({"event":"pong","number":1})");
        sleepForever();
    }
    if (mode == "older")
        say(R"({"event":"hello","oldest":0,"newest":0,"build":"0.0.1"})");
    else if (mode == "newer")
        say(R"({"event":"hello","oldest":2,"newest":3,"build":"9.0","torch":"3.0","devices":[],"mood":"good"})");
    else
        say(R"({"event":"hello","oldest":1,"newest":2,"build":"0.1.0","torch":"2.11.0","problem":"","devices":["cpu"]})");
    std::string line, running;
    while (std::getline(std::cin, line)) {
        if (line.find("\"command\":\"submit\"") != std::string::npos) {
            running = runOf(line);
            if (mode == "polite")
                say(R"({"event":"accepted","run":)" + running + R"(,"job":"j"})"); // ends only when cancelled
            else
                work(mode, running);
        } else if (line.find("\"command\":\"cancel\"") != std::string::npos && mode == "polite") {
            say(R"({"event":"cancelled","run":)" + running + "}");
        } else if (line.find("\"command\":\"ping\"") != std::string::npos && mode != "no-pong") {
            say(R"({"event":"pong","number":1})");
        }
    }
    return 0;
}
