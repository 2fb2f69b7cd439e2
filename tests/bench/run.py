#!/usr/bin/env python3
"""Speed of Azimuth's engine as ratios to its peers, measured side by side.

tests/bench/run.py [--build build/release] [--model MODEL.gguf] [--threads 2] [--repeat 5] [--prompts 512] [--only NAME]
                   [--precision fp32,bf16] [--json OUT.json]

Every number is the median of --repeat runs, Azimuth and its peers taking turns, on the same weights, token ids, direction and
threads. Prints a table, then a line of JSON with every ratio; --json keeps every single time too. Transformers computes at fp32,
which the budgets are about, and in the bf16 rows at bf16 as well. It asserts nothing: a busy machine gives busy numbers (the load
is printed).
"""
import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time

root = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
cache = os.path.join(os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache")), "azimuth")


WORDS = ("light river garden number window letter answer morning simple letters travel story market paper music village question "
         "winter bread machine summer colour happy silver mountain forest teacher doctor kitchen table bridge ocean").split()


def chat_texts(numbers, count, shortest, longest):
    """Questions of about so many tokens."""
    return [" ".join(numbers.choice(WORDS) for _ in range(numbers.randint(shortest, longest))).capitalize() + "?" for _ in range(count)]


class Side:
    def __init__(self, name, *command):
        self.name = name
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "TQDM_DISABLE": "1"})
        self.hello = self.read()

    def read(self):
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{self.name} ended: {self.process.wait()}")
        return json.loads(line)

    def ask(self, **task):
        self.process.stdin.write(json.dumps(task) + "\n")
        self.process.stdin.flush()
        return self.read()

    def end(self):
        self.process.stdin.close()
        self.process.wait()


class Bench:
    def __init__(self, options):
        self.options = options
        self.records = []
        self.sides = {}
        numbers = random.Random(20260314)
        render = self.side("transformers", "fp32").ask  # with the model's own chat template
        self.prompts = render(task="render", texts=chat_texts(numbers, options.prompts, 7, 198))["ids"]
        self.chat = render(task="render", texts=chat_texts(numbers, 128, 8, 24))["ids"]
        self.ratios = {}

    def side(self, kind, precision):
        key = kind, precision
        if key not in self.sides:
            o = self.options
            python = os.path.join(cache, "peers", "base", "bin", "python")
            here = os.path.dirname(os.path.abspath(__file__))
            self.sides[key] = {
                "azimuth": lambda: Side("azimuth", os.path.join(o.build, "bin", "engine_bench"), o.model, precision, str(o.threads)),
                "transformers": lambda: Side("transformers", python, os.path.join(here, "transformers_bench.py"), o.model, precision,
                                             str(o.threads)),
                "llama.cpp": lambda: Side("llama.cpp", os.path.join(cache, "peers", "llama", "bin", "python"),
                                          os.path.join(here, "llama_bench.py"), o.model, str(o.threads)),
            }[kind]()
        return self.sides[key]

    def turns(self, name, entries):
        """entries: (label, side, task). Runs them in turn and keeps every answer."""
        if self.options.only and self.options.only not in name:
            return None
        answers = {label: [] for label, _, _ in entries}
        for _ in range(self.options.repeat):
            for label, side, task in entries:
                answers[label].append(side.ask(**task))
        speeds = {}
        for label, runs in answers.items():
            each = [run["tokens"] / run["seconds"] for run in runs]
            speeds[label] = statistics.median(each)
            self.records.append({"what": name, "side": label, "per_second": each, "median": speeds[label],
                                 "seconds": [run["seconds"] for run in runs]})
        self.last = {label: runs[-1] for label, runs in answers.items()}
        return speeds

    def line(self, name, ours, peer, unit="tok/s", budget="", note=""):
        ratio = f"{ours / peer:6.2f} x" if peer else ""
        if peer:
            self.ratios[name] = round(ours / peer, 3)
        print(f"{name:40s} {ours:10.1f} {peer or float('nan'):10.1f} {unit:6s} {ratio:9s} {budget:10s} {note}", flush=True)

    def extraction(self, precision):
        name = f"extraction, {precision}"
        if self.options.only and self.options.only not in name:
            return
        ours, peer = self.side("azimuth", precision), self.side("transformers", "fp32")
        speeds = {batch: 0 for batch in (1, 8, 16, 32, 64)}
        for batch in speeds:  # its best batch, found on a part
            run = peer.ask(task="extract", prompts=self.prompts[:64], batch=batch)
            speeds[batch] = run["tokens"] / run["seconds"]
        best = max(speeds, key=speeds.get)
        peers = [("transformers", peer, {"task": "extract", "prompts": self.prompts, "batch": best})]
        if precision == "bf16":
            peers.append(("transformers bf16", self.side("transformers", "bf16"), peers[0][2]))
        result = self.turns(name, [("azimuth", ours, {"task": "extract", "prompts": self.prompts}), *peers])
        pairs = zip(self.last["azimuth"]["norms"], self.last["transformers"]["norms"])
        off = max(abs(a - b) / b for a, b in pairs)
        lengths = [len(prompt) for prompt in self.prompts]
        self.line(f"{name}, {len(lengths)} chat prompts", result["azimuth"], result["transformers"],
                  budget=">= 1.3 x" if precision == "fp32" else ">= 2.5 x",
                  note=f"{min(lengths)}-{max(lengths)} tokens; peer fp32, batch {best}; norms differ by at most {off:.1e}")
        self.beside_bf16(name, result)

    def beside_bf16(self, name, result):
        if "transformers bf16" in result:
            self.line(f"{name}, peer at bf16", result["azimuth"], result["transformers bf16"])

    def decoding(self, precision):
        width = self.side("azimuth", precision).hello["width"]
        middle = self.side("azimuth", precision).hello["blocks"] // 2
        direction = [random.Random(7).gauss(0, 1) for _ in range(width)]
        length = sum(x * x for x in direction) ** 0.5
        steer = {"direction": [x / length for x in direction], "k": middle}
        ours, peer = self.side("azimuth", precision), self.side("transformers", "fp32")
        for rows in (1, 8, 32, 128):
            task = {"task": "generate", "prompts": self.chat[:rows], "strengths": [20.0], "new_tokens": 64, **steer}
            entries = [("azimuth", ours, task), ("transformers", peer, task), ("linear layers", ours, {"task": "linear", "rows": rows})]
            if precision == "bf16":
                entries.append(("transformers bf16", self.side("transformers", "bf16"), task))
            if rows == 1:
                entries.append(("stream", ours, {"task": "stream"}))
            result = self.turns(f"decoding, {precision}, {rows} rows", entries)
            if not result:
                continue
            same = sum(a == b for a, b in zip(self.last["azimuth"]["ids"], self.last["transformers"]["ids"]))
            note = f"{result['azimuth'] / result['linear layers']:.0%} of the linear layers alone; {same} of {rows} rows as the peer's"
            if rows == 1:
                note += f"; {result['azimuth'] / result['stream']:.0%} of memory bandwidth"
            self.line(f"decoding, {precision}, {rows} rows, 64 tokens", result["azimuth"], result["transformers"],
                      budget=">= 3.5 x" if precision == "bf16" and rows == 32 else "", note=note)
            self.ratios[f"decoding, {precision}, {rows} rows, of the linear layers"] = round(
                result["azimuth"] / result["linear layers"], 3)
            if rows == 1:
                self.ratios[f"decoding, {precision}, 1 row, of memory bandwidth"] = round(result["azimuth"] / result["stream"], 3)
            self.beside_bf16(f"decoding, {precision}, {rows} rows", result)
        sweep = {"task": "generate", "prompts": self.chat[:8], "strengths": [2.0 * (i + 1) for i in range(16)], "new_tokens": 32,
                 **steer}
        result = self.turns(f"sweep, {precision}", [("azimuth", ours, sweep), ("transformers", peer, sweep)])
        if result:
            self.line(f"sweep, {precision}, 16 arms x 8 prompts", result["azimuth"], result["transformers"],
                      budget=">= 8 x" if precision == "bf16" else "", note="the peer loops over arms")

    def loading(self, precision):
        ours, peer = self.side("azimuth", precision), self.side("transformers", "fp32")
        result = self.turns(f"loading, {precision}", [("azimuth", ours, {"task": "load"}), ("transformers", peer, {"task": "load"})])
        if result:
            print(f"{'loading, ' + precision:40s} {1 / result['azimuth']:10.2f} {1 / result['transformers']:10.2f} s      "
                  f"{result['azimuth'] / result['transformers']:6.2f} x  <= 2 s", flush=True)
            self.ratios[f"loading, {precision}"] = round(result["azimuth"] / result["transformers"], 3)

    def dequantising(self):
        """Every tensor of the file to fp32, one after the other; the peer is the gguf package on numpy."""
        ours, peer = self.side("azimuth", "fp32"), self.side("transformers", "fp32")
        result = self.turns("dequantising", [("azimuth", ours, {"task": "dequantise"}), ("gguf-py", peer, {"task": "dequantise"})])
        if result:
            self.line("dequantising", result["azimuth"] / 1e6, result["gguf-py"] / 1e6, unit="M/s", note="values; the peer: gguf-py")

    def llama(self, precision):
        if not os.path.exists(os.path.join(cache, "peers", "llama")) or (self.options.only and self.options.only not in "llama.cpp"):
            return
        ours, peer = self.side("azimuth", precision), self.side("llama.cpp", "")
        few = self.chat[:16]
        result = self.turns("llama.cpp prefill", [("azimuth", ours, {"task": "extract", "prompts": few}),
                                                  ("llama.cpp", peer, {"task": "prefill", "prompts": few})])
        self.line(f"prefill, {precision}, beside llama.cpp", result["azimuth"], result["llama.cpp"], note="llama.cpp on Q4_1 itself")
        task = {"task": "generate", "prompts": few[:1], "strengths": [0.0], "new_tokens": 64,
                "direction": [1.0] + [0.0] * (ours.hello["width"] - 1), "k": 1}
        result = self.turns("llama.cpp decode", [("azimuth", ours, task),
                                                 ("llama.cpp", peer, {"task": "decode", "prompts": few, "limit": 1, "new_tokens": 64})])
        self.line(f"decode, {precision}, 1 row, beside llama.cpp", result["azimuth"], result["llama.cpp"])

    def linear_growth(self, precision):
        """Seconds of one packed batch by its tokens; cost must grow in proportion."""
        ours = self.side("azimuth", precision)
        name = f"growth, {precision}"
        rates, medians = [], []
        for tokens in (1024, 4096, 16384, 32768):
            prompts = [self.chat[i % 128][:32] for i in range(tokens // 32)]
            prompts = [p + [21] * (32 - len(p)) for p in prompts]
            result = self.turns(name, [("azimuth", ours, {"task": "extract", "prompts": prompts})])
            if not result:
                return
            rates.append(f"{tokens}: {result['azimuth']:.0f}")
            medians.append(result["azimuth"])
        print(f"{'tokens a second by tokens packed, ' + precision:40s} {', '.join(rates)}", flush=True)
        self.ratios[f"{name}, rate at 32768 tokens of that at 1024"] = round(medians[-1] / medians[0], 3)

    def listing(self):
        """What is on the disk, through the worker's verb, its start included: 200 models in a folder."""
        if self.options.only and self.options.only not in "listing":
            return
        with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.realpath(self.options.model))) as folder:
            for i in range(200):
                os.link(os.path.realpath(self.options.model), os.path.join(folder, f"{i}.gguf"))
            seconds = []
            for _ in range(self.options.repeat):
                start = time.monotonic()
                done = subprocess.run([os.path.join(self.options.build, "bin", "azimuth-worker"), "inspect", "--list", "--search", folder],
                                      check=True, capture_output=True, text=True)
                seconds.append(time.monotonic() - start)
        entries = sum(folder in line for line in done.stdout.splitlines())
        self.records.append({"what": "listing", "side": "azimuth", "seconds": seconds, "entries": entries})
        print(f"{'inspect --list, ' + str(entries) + ' models of a folder':40s} {statistics.median(seconds):10.2f} {'':10s} s      "
              f"{'':9s} <= 1 s", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default=os.path.join(root, "build", "release"))
    parser.add_argument("--model", default=os.path.join(cache, "models", "SmolLM2-135M-Instruct.Q4_1.gguf"))
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--prompts", type=int, default=512)
    parser.add_argument("--precision", default="fp32,bf16")
    parser.add_argument("--only", default="")
    parser.add_argument("--json")
    options = parser.parse_args()
    bench = Bench(options)
    print(f"{os.path.basename(options.model)}, {options.threads} threads, load before {os.getloadavg()[0]:.1f}, "
          f"median of {options.repeat}")
    print(f"{'':40s} {'azimuth':>10s} {'peer':>10s}        ratio     budget")
    bench.listing()
    bench.dequantising()
    for precision in options.precision.split(","):
        bench.loading(precision)
        bench.extraction(precision)
        bench.decoding(precision)
        bench.llama(precision)
        bench.linear_growth(precision)
        bench.side("azimuth", precision).end()
        del bench.sides["azimuth", precision]
    for side in bench.sides.values():
        side.end()
    print(f"load after {os.getloadavg()[0]:.1f}")
    print(json.dumps({"ratios": bench.ratios}))
    if options.json:
        with open(options.json, "w") as out:
            json.dump({"options": vars(options), "ratios": bench.ratios, "records": bench.records}, out, indent=1)


if __name__ == "__main__":
    main()
