#!/usr/bin/env python3
"""Taper against its peers, in one command: `python3 bench/compare/run.py`. Needs Python 3.11 or newer, and cargo.

Makes its own virtual environment beside this file, builds Taper, runs peers and Taper in turn on one core for
several rounds, and writes the medians to bench/RESULTS.md.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = HERE / "requirements.txt"
TAPER = ROOT / "target" / "release" / "taper"
RUST = HERE / "peers" / "rust"
EPOCHS, MODELS = 4000, 180

Line = dict[str, Any]


@dataclass(frozen=True)
class Peer:
    """One command, which prints a JSON line for each case that it measures, and Taper's workloads that it is beside.

    A script ends in `.py`; another name is a program of the package in `peers/rust`.
    """

    script: str
    arguments: tuple[str, ...] = ()
    workloads: tuple[str, ...] = ("moons",)
    pinned: bool = True

    @property
    def name(self) -> str:
        return " ".join((self.script.removesuffix(".py"), *self.arguments, *self.workloads))

    @property
    def is_rust(self) -> bool:
        return not self.script.endswith(".py")

    def command(self, threads: int) -> list[str | Path]:
        if self.is_rust:
            return [RUST / "target" / "release" / self.script, *self.arguments]
        counted = ["--threads", str(threads)] if self.script.endswith("_steps.py") else []
        return [PYTHON, HERE / "peers" / self.script, *self.arguments, *counted]


STEPS = {
    "mlp": "784-512-512-10, batch 128, Adam, l2 1e-4",
    "cnn": "32×32×3, conv 3×3 32, 32, pool, 64, 64, pool, dense 128, 10, batch 32, Adam, l2 5e-4",
    "lstm": "32 features, 50 steps, LSTM(128), dense 1, batch 32, Adam, l2 1e-6 on both kernels",
}
PEERS = (
    *(Peer("jax_moons.py", (workload,), (workload,)) for workload in ("moons", "moons-grid", "moons-history")),
    Peer("torch_moons.py"),
    Peer("torch_moons.py", ("moons-history",), ("moons-history",)),
    Peer("sklearn_moons.py"),
    Peer("keras_moons.py", ("jax",)),
    Peer("keras_moons.py", ("jax", "moons-history"), ("moons-history",)),
    Peer("keras_moons.py", ("torch",)),
    Peer("keras_moons.py", ("tensorflow",), pinned=False),  # on one core its `fit` sleeps half of the time
    *(Peer(program, (workload,), (workload,)) for program in ("candle", "burn") for workload in ("moons", "mlp")),
    *(
        Peer(script, (*arguments, workload), (workload,))
        for workload in STEPS
        for script, arguments in (
            ("torch_steps.py", ()),
            ("jax_steps.py", ()),
            ("keras_steps.py", ("tensorflow",)),
            ("keras_steps.py", ("torch",)),
            ("keras_steps.py", ("jax",)),
        )
    ),
)


def prepare(with_rust: bool, with_taper: bool) -> None:
    """The virtual environment as requirements.txt has it now, in release the peers in Rust and Taper."""
    stamp = VENV / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        print("installing the peers (about 3 GB to download) ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS], check=True)
        shutil.copy(REQUIREMENTS, stamp)
    if with_rust:
        subprocess.run(["cargo", "build", "--release", "--locked"], cwd=RUST, check=True)
    if with_taper:
        subprocess.run(["cargo", "build", "--release", "--package", "taper-cli"], cwd=ROOT, check=True)


def environment(threads: int) -> dict[str, str]:
    """Ours, with this many threads for every library, and without settings that would hold one of them back."""
    ours = ("OPENBLAS_", "XLA_", "JAX_", "TF_", "TORCH", "KERAS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    libraries = ("OMP", "OPENBLAS", "MKL", "RAYON", "MATMUL")
    counts = {f"{library}_NUM_THREADS": str(threads) for library in libraries}
    return kept | counts | {"PYTHONDONTWRITEBYTECODE": "1"}


def run(command: Sequence[str | Path], cores: str, env: dict[str, str] | None = None) -> str:
    """What `command` prints on these cores ("": all of them). A failure is told, and is nothing printed."""
    pin = ["taskset", "--cpu-list", cores] if cores and shutil.which("taskset") else []
    done = subprocess.run([*pin, *map(str, command)], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"  failed: {' '.join(map(str, command))}\n{done.stderr[-2000:]}", file=sys.stderr)
        return ""
    return done.stdout


def taper(workload: str, threads: int, cores: str) -> list[Line]:
    """One run of Taper's own side, which prints one JSON document."""
    printed = run([TAPER, "bench", workload, "--threads", str(threads), "--json"], cores)
    return [json.loads(printed) | {"peer": "taper", "workload": workload}] if printed else []


def chosen(only: Sequence[str]) -> list[Peer]:
    """The peers whose names or workloads contain one of these texts; all, if there are none."""
    return [peer for peer in PEERS if not only or any(text in peer.name for text in only)]


def measure(peers: Sequence[Peer], rounds: int, threads: int, core: int, with_taper: bool) -> list[Line]:
    """All lines of all rounds. Taper runs before every peer, so that both see the same machine.

    Its time goes into the peer's lines, as `taper_seconds`.
    """
    measured: list[Line] = []
    cores = ",".join(str(core + i) for i in range(threads))
    for round_ in range(1, rounds + 1):
        for peer in peers:
            print(f"round {round_}/{rounds}: {peer.name}", file=sys.stderr)
            ours = [line for workload in peer.workloads if with_taper for line in taper(workload, threads, cores)]
            beside = {line["workload"]: {"taper_seconds": line["seconds"]} for line in ours}
            printed = run(peer.command(threads), cores if peer.pinned else "", environment(threads))
            theirs = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
            measured += [*ours, *(line | beside.get(line["workload"], {}) for line in theirs)]
    return measured


@dataclass(frozen=True)
class Case:
    """The medians of one peer's lines for one workload."""

    peer: str
    workload: str
    epochs: int
    epoch_us: float  # of a step, where steps are measured
    spread: float  # (largest - smallest) / median of the epoch's time, over rounds
    seconds: float  # all 4000 epochs of every model, nothing else; or a step
    compile_seconds: float
    ratio: float | None  # to Taper's run right before it
    total_ratio: float | None  # the same, with compilation
    accuracy: float | None
    loss: float | None

    @property
    def total(self) -> float:
        return self.seconds + self.compile_seconds


def paired(group: list[Line], with_compilation: bool) -> float | None:
    """The median over rounds of a peer's time over that of Taper's run right before it."""
    ratios = [
        (line["seconds"] + with_compilation * line.get("compile_seconds", 0.0)) / line["taper_seconds"]
        for line in group
        if "taper_seconds" in line
    ]
    return statistics.median(ratios) if ratios else None


def medians(measured: list[Line]) -> list[Case]:
    """One case for each peer and workload, in the order they first appeared."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in measured:
        groups.setdefault((line["peer"], line["workload"]), []).append(line)
    cases = []
    for (peer, workload), group in groups.items():
        once = 1 if workload in STEPS else EPOCHS * (MODELS if workload == "moons-grid" else 1)
        epoch = [line["seconds"] / once * 1e6 for line in group]
        cases.append(
            Case(
                peer,
                workload,
                group[0].get("epochs", EPOCHS),
                statistics.median(epoch),
                (max(epoch) - min(epoch)) / statistics.median(epoch),
                statistics.median(line["seconds"] for line in group),
                statistics.median(line.get("compile_seconds", 0.0) for line in group),
                1.0 if peer == "taper" else paired(group, with_compilation=False),
                1.0 if peer == "taper" else paired(group, with_compilation=True),
                group[0].get("test_accuracy"),
                group[0].get("test_data_loss"),
            )
        )
    return cases


def grid_products(cases: list[Case]) -> list[Case]:
    """Peers that train one model at a time, on the grid: 180 times their one model, compiled once.

    Nothing ran beside that product: its ratio is to the median of Taper's grids.
    """
    ours = next((case for case in cases if case.workload == "moons-grid" and case.peer == "taper"), None)
    products = []
    for case in cases:
        if case.workload == "moons" and case.peer != "taper":
            seconds = case.seconds * MODELS
            ratio = seconds / ours.seconds if ours else None
            total_ratio = (seconds + case.compile_seconds) / ours.seconds if ours else None
            name = f"{case.peer} (180 × one model)"
            products.append(replace(case, peer=name, workload="moons-grid", seconds=seconds, ratio=ratio,
                                    total_ratio=total_ratio, accuracy=None, loss=None))  # fmt: skip
    return products


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    digits = f"{value:.3g}"
    return f"{float(digits):,.0f}" if "e" in digits or value >= 100 else digits


def table(cases: list[Case]) -> str:
    """A Markdown table, the fastest first. Ratios are peer / Taper."""
    rows = [
        "| | one epoch of one model, µs | × Taper | spread | all epochs, s | compile, s | compile and all, s | × Taper "
        "| test accuracy | test cross-entropy |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for case in sorted(cases, key=lambda case: case.epoch_us):
        cells = (
            f"**{case.peer}**" if case.peer == "taper" else case.peer,
            number(case.epoch_us),
            number(case.ratio) if case.ratio else "–",
            f"{case.spread:.0%}",
            number(case.seconds) + ("" if case.epochs == EPOCHS else f" (from {case.epochs} epochs)"),
            number(case.compile_seconds) if case.compile_seconds else "–",
            number(case.total),
            number(case.total_ratio) if case.total_ratio else "–",
            f"{case.accuracy:.4f}" if case.accuracy is not None else "–",
            f"{case.loss:.4f}" if case.loss is not None else "–",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def step_table(cases: list[Case]) -> str:
    """A Markdown table of steps, the fastest first. Ratios are peer / Taper."""
    rows = ["| | one step, ms | × Taper | spread | first step, s |", "|---|---:|---:|---:|---:|"]
    for case in sorted(cases, key=lambda case: case.epoch_us):
        cells = (
            f"**{case.peer}**" if case.peer == "taper" else case.peer,
            number(case.epoch_us / 1e3),
            number(case.ratio) if case.ratio else "–",
            f"{case.spread:.0%}",
            number(case.compile_seconds) if case.compile_seconds else "–",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def peak(measured: list[Line]) -> str:
    """What Taper says of the machine and of its own share of it."""
    shares: dict[str, list[Line]] = {}
    for line in measured:
        if line["peer"] == "taper" and "share_of_peak" in line:
            shares.setdefault(line["workload"], []).append(line)
    if not shares:
        return ""
    told = (
        f"{workload} {statistics.median(line['gflops'] for line in lines):.0f} GFLOP/s"
        f" ({statistics.median(line['share_of_peak'] for line in lines):.0%})"
        for workload, lines in shares.items()
    )
    one = next(iter(shares.values()))[0]
    return f"- one core's peak, measured with {one['isa']}: {one['peak_gflops']:.0f} GFLOP/s; Taper reaches {', '.join(told)}"


def machine() -> str:
    """Processor, its vector instructions, cores, memory and system."""
    info = Path("/proc/cpuinfo")
    fields: dict[str, str] = {}
    for line in info.read_text().splitlines() if info.exists() else ():
        name, _, value = line.partition(":")
        fields.setdefault(name.strip(), value.strip())
    flags = set(fields.get("flags", fields.get("Features", "")).split())
    wanted = ("avx2", "fma", "avx512f", "avx512vl", "avx512_bf16", "asimd", "sve")
    family = "/".join(fields[name] for name in ("cpu family", "model") if name in fields)
    rows = {
        "processor": fields.get("model name", platform.processor()) + (f" (family/model {family})" if family else ""),
        "vector instructions": ", ".join(flag for flag in wanted if flag in flags) or "unknown",
        "not there": ", ".join(flag for flag in ("avx2", "avx512f") if flag not in flags) or "–",
        "cores": str(os.cpu_count()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "load before": f"{os.getloadavg()[0]:.2f}",
    }
    return "\n".join(f"- {name}: {value}" for name, value in rows.items())


def output(command: list[str]) -> str:
    """What `command` prints, or `unknown`."""
    try:
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions(measured: list[Line]) -> str:
    """Everything that took part."""
    packages: dict[str, str] = {"python": output([str(PYTHON), "--version"]).removeprefix("Python ")}
    for line in measured:
        packages |= line.get("versions", {}) if line["peer"] != "taper" else {}
    commit = output(["git", "rev-parse", "--short", "HEAD"])
    edited = "" if output(["git", "status", "--porcelain", "--", "crates"]) == "" else ", with changes"
    ours = f"taper {commit}{edited}, {output(['rustc', '--version'])}"
    return "; ".join([ours, *(f"{name} {number}" for name, number in sorted(packages.items()))])


def page(measured: list[Line], rounds: int, threads: int, core: int, machine_: str) -> str:
    """The whole of RESULTS.md."""
    cases = medians(measured)

    def of(workload: str) -> list[Case]:
        return [case for case in cases if case.workload == workload]

    sections = []
    if of("moons"):
        sections.append(f"## moons: 30 rows, 2-500-1, Adam, l2(0.001), 4000 epochs\n\n{table(of('moons'))}")
    if of("moons-history"):
        title = "## moons-history: moons, and after every epoch the 70 other rows measured and everything kept"
        sections.append(f"{title}\n\n{table(of('moons-history'))}")
    if of("moons-grid"):
        grid = table(of("moons-grid") + grid_products(cases))
        sections.append(f"## moons-grid: 6 penalties × 30 seeds × 4000 epochs\n\n{grid}")
    sections += [f"## {name}: {what}\n\n{step_table(of(name))}" for name, what in STEPS.items() if of(name)]
    missing = "" if any(case.peer == "taper" for case in cases) else (
        "\n**Taper was not measured, so there are no ratios.**\n"
    )  # fmt: skip
    where = f"on core {core}" if threads == 1 else f"{threads} threads on cores {core} to {core + threads - 1}"
    return f"""# Speed beside the peers

Written by `python3 bench/compare/run.py` on {datetime.date.today()}; do not edit. What is measured, and how fairly:
[compare/README.md](compare/README.md). Rounds: {rounds}, {where}; the numbers are medians, and spread is
(largest - smallest) / median. × Taper is the median of the peer's time over that of Taper's run right before it.
{missing}
{chr(10).join(section + chr(10) for section in sections)}
## Machine

{machine_}
{peak(measured)}

## Versions

{versions(measured)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=1, help="threads, and cores, for everybody (default 1)")
    parser.add_argument("--core", type=int, default=0, help="the first core that peers and Taper share (default 0)")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="TEXT", help="peers and workloads whose names contain one of these"
    )
    parser.add_argument("--list", action="store_true", help="print what would run, and run nothing")
    parser.add_argument("--output", type=Path, default=HERE.parent / "RESULTS.md")
    parser.add_argument("--peers-alone", action="store_true", help="neither build nor run Taper: no ratios")
    args = parser.parse_args()

    peers = chosen(args.only)
    print("\n".join(peer.name for peer in peers) or f"nothing is called {' or '.join(args.only)}", file=sys.stderr)
    if args.list or not peers:
        sys.exit(0 if peers else 2)
    with_taper = not args.peers_alone
    prepare(any(peer.is_rust for peer in peers), with_taper)
    before = machine()
    if with_taper and not taper("moons", 1, str(args.core)):  # the warm-up as well
        print("`taper bench moons --json` does not work: the peers run alone, without ratios", file=sys.stderr)
        with_taper = False
    measured = measure(peers, args.rounds, args.threads, args.core, with_taper)
    if not measured:
        sys.exit("nothing was measured")
    args.output.write_text(page(measured, args.rounds, args.threads, args.core, before))
    print(args.output.read_text())


if __name__ == "__main__":
    main()
