"""Summarises the results of benchmarks.py in tables, as text or Markdown."""
from dataclasses import dataclass, field

import numpy as np

NAMES = {
    "stratoscope": "Stratoscope",
    "bf16": "Stratoscope in bf16",
    "llama F32": "llama.cpp F32",
    "llama BF16": "llama.cpp BF16",
    "llama Q8_0": "llama.cpp Q8_0",
    "onnxruntime": "ONNX Runtime",
    "python": "Stratoscope from Python",
    "pytorch": "PyTorch",
    "tokenizers": "npm tokenizers",
    "sha256sum": "curl | sha256sum",
    "openssl": "curl | openssl dgst -sha256",
    "disk": "the disk alone: write, fsync",
}


@dataclass
class Table:
    header: list
    rows: list
    notes: list = field(default_factory=list)

    def text(self):
        lines = [self.header, *self.rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(self.header))]
        padded = ("  ".join(cell.rjust(w) if i else cell.ljust(w) for i, (cell, w) in enumerate(zip(line, widths))) for line in lines)
        return "\n".join([*(line.rstrip() for line in padded), *self.notes])

    def markdown(self):
        lines = [self.header, ["---"] + ["---:"] * (len(self.header) - 1), *self.rows]
        escaped = ([cell.replace("|", "\\|") for cell in line] for line in lines)
        return "\n".join([*("| " + " | ".join(line) + " |" for line in escaped), "", *self.notes])


def seconds(value):
    return f"{value:.2f} s" if value >= 1 else f"{1e3 * value:.0f} ms" if value >= 0.1 else f"{1e3 * value:.1f} ms"


def quartiles(values, show):
    return "–".join(show(float(q)) for q in np.quantile(values, (0.25, 0.75)))


def median(values):
    return float(np.median(values))


def ratio(samples, kind):
    """The ratio of a peer's time to Stratoscope's: of each round, its median and quartiles."""
    if kind == "stratoscope":
        return "1"
    ratios = np.divide(samples[kind], samples["stratoscope"])
    return f"{median(ratios):.2f} ({quartiles(ratios, lambda r: f'{r:.2f}')})"


def rounds(samples):
    return f"{len(samples['stratoscope'])} rounds, the programs in turn; medians, quartiles."


def time_rows(samples):
    """[name, median, quartiles, ratio] of each peer."""
    return [
        [NAMES[kind], seconds(median(values)), quartiles(values, seconds), ratio(samples, kind)]
        for kind, values in samples.items()
    ]


TIMES = ["median", "quartiles", "times ours (quartiles)"]


def forward(result):
    rows, limits = [], result["limits"]
    most = 1e-9 * limits["multiply_add"]
    for length in result["lengths"]:
        for kind, row in zip(length["seconds"], time_rows(length["seconds"])):
            speed = 1e-9 * length["operations"] / median(length["seconds"][kind])
            hidden, logits = length["errors"][kind]
            rows.append(
                [f"{length['tokens']} tokens: {row[0]}", *row[1:], f"{speed:.0f}", f"{speed / most:.0%}", f"{hidden:.1e}, {logits:.1e}"]
            )
    counts = ", ".join(str(len(length["seconds"]["stratoscope"])) for length in result["lengths"])
    notes = [
        f"{counts} rounds, the programs in turn; medians, quartiles. Errors: of the hidden states and of the logits, the "
        "largest of a row relative to its largest magnitude, against PyTorch in float64.",
        f"The limit: {most:.0f} GFLOP/s of multiply-adds on registers, all cores. They read {1e-9 * limits['stream']:.1f} GB/s.",
    ]
    return Table(["", *TIMES, "GFLOP/s", "of limit", "errors"], rows, notes)


def products(result):
    rows = []
    for shape in result["shapes"]:
        if shape["rows"] not in (1, 22, 128, 1024):
            continue
        share = f"{shape['bf16'] / result['bfloat16_limit']:.0%}" if result["bfloat16_limit"] else "-"
        rows.append([f"{shape['in']} x {shape['out']}, {shape['rows']} rows", f"{shape['fp32']:.0f}", f"{shape['fp32'] / result['limit']:.0%}",
                     f"{shape['bf16']:.0f}", share, f"{shape['bf16'] / shape['fp32']:.2f}"])
    for of in result["attention"]:
        rows.append([f"attention, {of['tokens']} tokens: {seconds(of['seconds'])}", f"{of['gflops']:.0f}",
                     f"{of['gflops'] / result['limit']:.0%}", "", "", ""])
    multiplied = f"{result['bfloat16_limit']:.0f} of bfloat16" if result["bfloat16_limit"] else "bfloat16 is widened to float32"
    note = (f"Each the best of a second. The limits in GFLOP/s: {result['limit']:.0f} of float32, {multiplied}. Attention: 12 heads of 64, "
            "the operations over the keys that each query sees.")
    return Table(["", "fp32, GFLOP/s", "of limit", "bf16, GFLOP/s", "of limit", "bf16 / fp32"], rows, [note])


def precision(result):
    rows = []
    for length in result["lengths"]:
        samples = length["seconds"]
        for kind, values in samples.items():
            peer = np.divide(samples["onnxruntime"], values) if "onnxruntime" in samples else []
            rows.append([f"{length['tokens']} tokens: {NAMES[kind]}", seconds(median(values)), quartiles(values, seconds),
                         f"{median(peer):.2f}" if len(peer) else "-"])
    memory = ", ".join(f"{NAMES[kind]} {size / 2**20:.0f} MiB" for kind, size in result["bytes"].items())
    notes = [f"All hidden states, all logits; the programs in turn. Resident after a run of 128 tokens: {memory}."]
    return Table(["", "median", "quartiles", "ONNX Runtime's float32 / this"], rows, notes)


def prompts(result):
    rows = []
    for length in result["lengths"]:
        rows += [[f"{length['tokens']} tokens: {row[0]}", *row[1:]] for row in time_rows(length["seconds"])]
    return Table(["", *TIMES], rows, ["The programs in turn. In float32 the tokens are the same."])


def generation(result):
    rows = []
    for kind, values in result["seconds"].items():
        each = [(s - median(result["prompt"][kind])) / (result["new"] - 1) for s in values]
        limits = result["limits"].get(kind)
        share = f"{limits['weights'] / median(each) / limits['stream']:.0%}" if limits else ""
        rows.append([NAMES[kind], seconds(median(values)), quartiles(values, seconds), ratio(result["seconds"], kind),
                     f"{1e3 * median(each):.1f} ms", f"{1 / median(each):.0f}", share])
    note = f"{result['new']} new tokens after {result['tokens']}, the likeliest each time. In float32 they are the same."
    return Table(["", *TIMES, "a token", "tokens/s", "weights read, of what memory gives"], rows, [f"{rounds(result['seconds'])} {note}"])


def families(result):
    rows = []

    def beside(name, samples, each=lambda s: s):
        for ours, theirs in (("stratoscope", "llama F32"), ("bf16", "llama BF16")):
            own = [each(s) for s in samples[ours]]
            other = [each(s) for s in samples.get(theirs, [])]
            ratio_of = f"{median(np.divide(other, own)):.2f}" if other else "-"
            rows.append([f"{name}: {NAMES[ours]}", seconds(median(own)), quartiles(own, seconds),
                         seconds(median(other)) if other else "-", ratio_of])

    for length, samples in result["prompts"].items():
        beside(f"{length} tokens, the last logits", samples)
    shortest = next(iter(result["prompts"].values()))
    generated = {kind: [(s - median(shortest[kind])) / 31 for s in samples] for kind, samples in result["generation"].items()}
    beside("a token of generation", generated)
    notes = []
    for name, grid in result["grids"].items():
        share = np.divide(grid["seconds"]["cone"], grid["cells"] * np.array(grid["seconds"]["whole"]))
        notes.append(f"{name}: {seconds(median(grid['seconds']['cone']))}, {median(share):.2f} of {grid['cells']} whole runs.")
    for kind, of in result["memory"].items():
        rate = 1e-9 * result["stored"] / median(result["load"][kind])
        notes.append(f"{NAMES[kind]}: {of['resident'] / of['weights']:.2f} of the packed weights are resident after 128 tokens, "
                     f"{of['peak'] / of['weights']:.2f} at most while loading; loaded in {seconds(median(result['load'][kind]))}, {rate:.1f} GB/s of stored bytes.")
    return Table(["", "median", "quartiles", "llama.cpp", "llama.cpp / ours"], rows, notes)


def captures(result):
    rows = []
    for length in result["lengths"]:
        nothing = np.array(length["seconds"]["nothing"])
        for kept, values in length["seconds"].items():
            more = np.divide(values, nothing) - 1
            rows.append([f"{length['tokens']} tokens: {kept}", seconds(median(values)), quartiles(values, seconds),
                         "" if kept == "nothing" else f"{median(more):+.1%} ({quartiles(more, lambda q: f'{q:+.1%}')})"])
    note = "In turn, with all logits. Everything: every hook point but attn.hook_result, scores and patterns too."
    return Table(["kept", "median", "quartiles", "more than nothing"], rows, [note])


def forward_growth(result):
    rows = []
    for axis, points in result["points"].items():
        for point in points:
            time = median(point["seconds"])
            rows.append([f"{axis} {point['value']}", seconds(time), seconds(time / point["value"]),
                         f"{1e-9 * point['operations']:.1f}", f"{1e-9 * point['operations'] / time:.0f}"])
    return Table(["", "time", "of each", "10^9 operations", "GFLOP/s"], rows, [])


def sweep(result):
    worst = max(result["errors"].values())
    note = f"{result['tokens']} tokens, 12 blocks. The log-probabilities differ by at most {worst:.1e}."
    return Table(["", *TIMES], time_rows(result["seconds"]), [f"{rounds(result['seconds'])} {note}"])


def python(result):
    rows = []
    for length in result["lengths"]:
        rows += [[f"{length['tokens']} tokens: {row[0]}", *row[1:]] for row in time_rows(length["seconds"])]
    rows += [[f"demonstration 3: {row[0]}", *row[1:]] for row in time_rows(result["sweep"]["seconds"])]
    costs = ", ".join(
        f"{median(np.subtract(of['seconds']['function'], of['seconds']['text'])) * 1e3:.2f} ms at {of['tokens']} tokens"
        for of in result["edits"]
    )
    memory = ", ".join(f"{NAMES[kind]} {size / 2**20:.0f} MiB" for kind, size in result["bytes"].items())
    notes = [
        "All hidden states, all logits as NumPy arrays; the programs in turn, equal bits from Python and C++. A Python function "
        f"at one hook point takes this much longer than the same edit as text: {costs}. Peak of memory over the loaded "
        f"model in a run of {result['lengths'][-1]['tokens']} tokens: {memory}.",
    ]
    return Table(["", *TIMES], rows, notes)


def grids(result):
    rows = []
    for name, grid in result["grids"].items():
        cells, cone = grid["cells"], np.array(grid["seconds"]["cone"])
        ours = np.array(grid["seconds"]["stratoscope"])
        peer = grid["seconds"].get("onnxruntime")
        rows.append([
            f"{name}", f"{cells}", seconds(median(cone)), quartiles(cone, seconds), f"{cells / median(cone):.0f}",
            f"{median(cells * np.array(peer) / cone):.1f}" if peer else "-",
            f"{median(cone / (cells * ours)):.2f}", f"{grid['operations'] / grid['required']:.3f}",
            f"{grid['required'] / grid['full']:.2f}",
        ])
    note = ("The programs in turn; medians, quartiles. A whole run is one forward pass of the text alone, ours with all logits; "
            "operations are multiplications and additions, those of whole runs with the last logits alone. Grids of up to 300 points "
            "were first compared with whole runs, bit for bit.")
    header = ["grid", "points", "median", "quartiles", "points/s", "ONNX Runtime's whole runs / ours",
              "ours / our whole runs", "operations done / required", "required / whole runs"]
    return Table(header, rows, [note])


def growth(result):
    rows = []
    for axis, points in result["points"].items():
        for point in points:
            time = median(point["seconds"])
            rows.append([f"{axis} {point['value']}", f"{point['cells']}", seconds(time), seconds(time / point["cells"]),
                         f"{1e-9 * point['operations']:.1f}", f"{1e-9 * point['operations'] / time:.0f}"])
    return Table(["", "points", "time", "a point", "10^9 operations", "GFLOP/s"], rows, [])


def cold_start(result):
    note = f"{result['tokens']} tokens. All print the same prediction."
    return Table(["", *TIMES], time_rows(result["seconds"]), [f"{rounds(result['seconds'])} {note}"])


def load(result):
    return Table(["", *TIMES], time_rows(result["seconds"]), [rounds(result["seconds"])])


def memory(result):
    weights = result["weights"]
    rows = [
        [NAMES[kind], *(f"{b / 2**20:.0f} MiB" for b in (of["resident"], of["peak"])), f"{of['resident'] / weights:.2f}"]
        for kind, of in result["bytes"].items()
    ]
    note = f"The float32 weights are {weights / 2**20:.0f} MiB. Runs of {result['tokens']} tokens, the last one kept."
    return Table(["", "resident", "at most", "resident / weights"], rows, [note])


def tokenizer(result):
    rows = []
    for name, of in result["vocabularies"].items():
        samples = of["seconds"]
        for kind, values in samples.items():
            speeds = np.divide(1e-6 * result["bytes"], values)
            rows.append([name, NAMES[kind], f"{median(speeds):.1f}", quartiles(speeds, lambda s: f"{s:.1f}"), ratio(samples, kind),
                         seconds(median(of["loads"][kind]))])  # fmt: skip
    source = result["text"] or "bench/make_prose.py"
    note = f"One thread, {1e-6 * result['bytes']:.1f} MB of {source}, the same ids of both. To load: a tokenizer.json, of gpt2 vocab.json and merges.txt."
    return Table(["vocabulary", "", "MB/s", "quartiles", TIMES[2], "to load"], rows, [f"{rounds(samples)} {note}"])


def pull(result):
    size, samples = result["bytes"], result["seconds"]
    rows = []
    for kind, values in samples.items():
        speeds = np.divide(1e-6 * size, values)
        rows.append([NAMES[kind], f"{median(speeds):.0f}", quartiles(speeds, lambda s: f"{s:.0f}"), ratio(samples, kind)])
    alone = ", ".join(f"{NAMES[name].split(' | ')[1]} {1e-6 * size / s:.0f}" for name, s in result["hash_alone"].items())
    peaks = ", ".join(f"{most / 2**20:.1f} MiB for {int(of) >> 20} MiB" for of, most in result["peak"].items())
    notes = [
        f"{rounds(samples)} {size >> 20} MiB from a hub in Python on another core; ours asks for every file's name, size and "
        f"hash first, and writes them to the disk. Each program has one core.",
        f"Hashing alone, in MB/s: {alone}. Memory of a pull at most: {peaks}.",
    ]
    return Table(["", "MB/s", "quartiles", TIMES[2]], rows, [" ".join(notes)])


CHANGES = {
    "slider": "the slider of an edit: next tokens",
    "token": "another token: next tokens",
    "text": "the text: next tokens",
    "switch": "an edit switched off and on: next tokens",
    "compare": "clean, edited or difference: every activation",
    "depth": "another depth: similarity",
    "head": "another head: attention",
}


def explorer(result):
    rows = []
    moves = set()
    for model, pages in result["pages"].items():
        for page in pages:
            for name, times in page["changes"].items():
                cells = [f"{float(np.quantile(times[of], q)):.0f} ms" for of in ("own", "all") for q in (0.5, 0.95)]
                rows.append([f"{model}, {page['tokens']} tokens; {CHANGES[name]}", *cells])
                moves.add(len(times["own"]))
    load = result["load"]
    memory = load["resident_mebibytes"]
    notes = [
        f"{' to '.join(map(str, sorted(moves)))} moves each, from the input event to the painted frame in headless Chromium at "
        f"1440 x 1000, on the server's own cores. \"Every view\" is when all views in sight have painted theirs.",
        f"Load: {load['connections']} connections for {load['seconds']:.0f} s, {load['answers']} answers, {load['busy']} told to "
        f"wait (429), {len(load['faults'])} faults; median {1e3 * load['median']:.0f} ms, p99 {1e3 * load['p99']:.0f} ms, largest "
        f"{1e3 * load['largest']:.0f} ms. Resident memory after a sixth of the time {memory[1]:.0f} MiB, at the end {memory[-1]:.0f} MiB.",
    ]
    return Table(["", "median", "p95", "every view: median", "p95"], rows, [" ".join(notes)])


TITLES = {
    "products": "Matrix products and attention alone, GPT-2 small's shape",
    "forward": "Forward pass: all hidden states, all logits, GPT-2 small's shape in float32",
    "precision": "Forward pass by precision",
    "prompts": "From a prompt to the token that follows",
    "generation": "Text token by token",
    "families": "A Llama of 16 blocks, width 2,048, 32 heads, 8 key heads, MLP 5,632, 32,000 tokens, stored in bfloat16",
    "captures": "What keeping values costs",
    "forward-growth": "Forward passes by tokens, and by blocks at 128 tokens",
    "sweep": "The third demonstration: each block's output scaled, one run a block",
    "python": "The same from Python",
    "grids": "Sweeps on the causal cone, beside whole runs",
    "growth": "Sweeps by the number of grid points, tokens and blocks",
    "cold-start": "Cold start: from the process's start to the printed prediction",
    "memory": "Memory of a process that holds the model and a run",
    "load": "Loading the model in a running process",
    "tokenizer": "Tokenizer",
    "pull": "Pulling a model from a hub on this machine, on one core",
    "explorer": "The explorer: from an input event to the painted frame, and under load",
}


def table(name, result):
    return globals()[name.replace("-", "_")](result)


def machine(document):
    """The lines that describe the machine and the programs."""
    about, versions = document["machine"], {}
    for result in document["results"].values():
        versions |= result.get("about", {})
    threads = f"{about['threads']} of {about['cores']} cores" if about["threads"] != about["cores"] else f"{about['cores']} cores"
    lines = [f"{about['processor']}, {threads}, {about['memory']}; {about['system']}; {about['date']}"]
    for kind, of in versions.items():
        lines.append(f"{NAMES[kind]} {of['version']} ({of['kernels']})")
    return lines


def text(document, names):
    parts = ["\n".join(machine(document))]
    parts += [f"{TITLES[name]}\n{table(name, document['results'][name]).text()}" for name in names]
    return "\n\n".join(parts)
