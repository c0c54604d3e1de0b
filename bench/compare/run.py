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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
VENV = HERE / ".venv"
PYTHON = VENV / "bin" / "python"
REQUIREMENTS = HERE / "requirements.txt"
TAPER = ROOT / "target" / "release" / "taper"
EPOCHS, MODELS = 4000, 180

Line = dict[str, Any]


@dataclass(frozen=True)
class Peer:
    """One script, which prints a JSON line for each case that it measures."""

    script: str
    arguments: tuple[str, ...] = ()
    pinned: bool = True

    @property
    def name(self) -> str:
        return " ".join((self.script.removesuffix("_moons.py"), *self.arguments[:1]))


PEERS = (
    Peer("jax_moons.py"),
    Peer("torch_moons.py"),
    Peer("sklearn_moons.py"),
    Peer("keras_moons.py", ("jax",)),
    Peer("keras_moons.py", ("torch",)),
    Peer("keras_moons.py", ("tensorflow",), pinned=False),  # on one core its `fit` sleeps half of the time
)


def prepare(with_taper: bool) -> None:
    """The virtual environment as requirements.txt has it now, and Taper in release."""
    stamp = VENV / "requirements.txt"
    if not stamp.exists() or stamp.read_text() != REQUIREMENTS.read_text():
        print("installing the peers (about 3 GB to download) ...", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS], check=True)
        shutil.copy(REQUIREMENTS, stamp)
    if with_taper:
        subprocess.run(["cargo", "build", "--release", "--package", "taper-cli"], cwd=ROOT, check=True)


def environment() -> dict[str, str]:
    """Ours, with one thread for every library, and without settings that would hold one of them back."""
    ours = ("OPENBLAS_", "XLA_", "JAX_", "TF_", "TORCH", "KERAS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    return kept | one_thread | {"PYTHONDONTWRITEBYTECODE": "1"}


def run(command: Sequence[str | Path], core: int | None, env: dict[str, str] | None = None) -> str:
    """What `command` prints. A failure is told, and is nothing printed."""
    pin = ["taskset", "--cpu-list", str(core)] if core is not None and shutil.which("taskset") else []
    done = subprocess.run([*pin, *map(str, command)], env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(f"  failed: {' '.join(map(str, command))}\n{done.stderr[-2000:]}", file=sys.stderr)
        return ""
    return done.stdout


def taper(workload: str, core: int) -> list[Line]:
    """One run of Taper's own side, which prints one JSON document."""
    printed = run([TAPER, "bench", workload, "--json"], core)
    return [json.loads(printed) | {"peer": "taper", "workload": workload}] if printed else []


def measure(rounds: int, core: int, only: str, with_taper: bool) -> list[Line]:
    """All lines of all rounds. Taper runs before every peer, so that both see the same machine."""
    measured: list[Line] = []
    for round_ in range(1, rounds + 1):
        for peer in PEERS:
            if only not in peer.name:
                continue
            print(f"round {round_}/{rounds}: {peer.name}", file=sys.stderr)
            for workload in ("moons", "moons-grid") if with_taper else ():
                measured += taper(workload, core)
            command: list[str | Path] = [PYTHON, HERE / "peers" / peer.script, *peer.arguments]
            printed = run(command, core if peer.pinned else None, environment())
            measured += [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    return measured


@dataclass(frozen=True)
class Case:
    """The medians of one peer's lines for one workload."""

    peer: str
    workload: str
    epochs: int
    epoch_us: float
    spread: float  # (largest - smallest) / median of the epoch's time, over rounds
    seconds: float  # all 4000 epochs of every model, nothing else
    compile_seconds: float
    accuracy: float | None
    loss: float | None

    @property
    def total(self) -> float:
        return self.seconds + self.compile_seconds


def medians(measured: list[Line]) -> list[Case]:
    """One case for each peer and workload, in the order they first appeared."""
    groups: dict[tuple[str, str], list[Line]] = {}
    for line in measured:
        groups.setdefault((line["peer"], line["workload"]), []).append(line)
    cases = []
    for (peer, workload), group in groups.items():
        epoch = [line["seconds"] / EPOCHS / (MODELS if workload == "moons-grid" else 1) * 1e6 for line in group]
        cases.append(
            Case(
                peer,
                workload,
                group[0].get("epochs", EPOCHS),
                statistics.median(epoch),
                (max(epoch) - min(epoch)) / statistics.median(epoch),
                statistics.median(line["seconds"] for line in group),
                statistics.median(line.get("compile_seconds", 0.0) for line in group),
                group[0].get("test_accuracy"),
                group[0].get("test_data_loss"),
            )
        )
    return cases


def grid_products(cases: list[Case]) -> list[Case]:
    """Peers that train one model at a time, on the grid: 180 times their one model, compiled once."""
    return [
        Case(f"{case.peer} (180 × one model)", "moons-grid", case.epochs, case.epoch_us, case.spread,
             case.seconds * MODELS, case.compile_seconds, None, None)
        for case in cases
        if case.workload == "moons" and case.peer != "taper"
    ]  # fmt: skip


def number(value: float) -> str:
    """Three significant digits, without an exponent."""
    digits = f"{value:.3g}"
    return f"{float(digits):,.0f}" if "e" in digits or value >= 100 else digits


def table(cases: list[Case]) -> str:
    """A Markdown table, the fastest first. Ratios are peer / Taper."""
    ours = next((case for case in cases if case.peer == "taper"), None)
    rows = [
        "| | one epoch of one model, µs | × Taper | spread | all epochs, s | compile, s | compile and all, s | × Taper "
        "| test accuracy | test cross-entropy |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for case in sorted(cases, key=lambda case: case.epoch_us):
        cells = (
            f"**{case.peer}**" if case is ours else case.peer,
            number(case.epoch_us),
            number(case.epoch_us / ours.epoch_us) if ours else "–",
            f"{case.spread:.0%}",
            number(case.seconds) + ("" if case.epochs == EPOCHS else f" (from {case.epochs} epochs)"),
            number(case.compile_seconds) if case.compile_seconds else "–",
            number(case.total),
            number(case.total / ours.total) if ours else "–",
            f"{case.accuracy:.4f}" if case.accuracy is not None else "–",
            f"{case.loss:.4f}" if case.loss is not None else "–",
        )
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


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


def page(measured: list[Line], rounds: int, core: int, machine_: str) -> str:
    """The whole of RESULTS.md."""
    cases = medians(measured)
    workloads = {
        "moons": [case for case in cases if case.workload == "moons"],
        "moons-grid": [case for case in cases if case.workload == "moons-grid"] + grid_products(cases),
    }
    missing = "" if any(case.peer == "taper" for case in cases) else (
        "\n**Taper was not measured, so there are no ratios.**\n"
    )  # fmt: skip
    return f"""# Speed beside the peers

Written by `python3 bench/compare/run.py` on {datetime.date.today()}; do not edit. What is measured, and how fairly:
[compare/README.md](compare/README.md). Rounds: {rounds}, on core {core}; the numbers are medians, and spread is
(largest - smallest) / median. × Taper is the peer's time over Taper's.
{missing}
## moons: 30 rows, 2-500-1, Adam, l2(0.001), 4000 epochs

{table(workloads["moons"])}

## moons-grid: 6 penalties × 30 seeds × 4000 epochs

{table(workloads["moons-grid"])}

## Machine

{machine_}

## Versions

{versions(measured)}
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--core", type=int, default=0, help="the core that peers and Taper share (default 0)")
    parser.add_argument("--only", default="", metavar="TEXT", help="only peers whose name contains TEXT, such as 'jax'")
    parser.add_argument("--output", type=Path, default=HERE.parent / "RESULTS.md")
    parser.add_argument("--peers-alone", action="store_true", help="neither build nor run Taper: no ratios")
    args = parser.parse_args()

    with_taper = not args.peers_alone
    prepare(with_taper)
    before = machine()
    if with_taper and not taper("moons", args.core):  # the warm-up as well
        print("`taper bench moons --json` does not work: the peers run alone, without ratios", file=sys.stderr)
        with_taper = False
    measured = measure(args.rounds, args.core, args.only, with_taper)
    if not measured:
        sys.exit("nothing was measured")
    args.output.write_text(page(measured, args.rounds, args.core, before))
    print(args.output.read_text())


if __name__ == "__main__":
    main()
