#!/usr/bin/env python3
"""Kills `taper choose` with SIGKILL at random moments, resumes it, and compares every file with an undisturbed run.

    cargo build --release
    python3 bench/choose/kill.py [--kills 200] [--seed 1] [--taper target/release/taper]

A study is killed three to five times and then left to end; this is repeated until there were as many kills as asked for. Each
study must end with the files of the undisturbed one, byte for byte, and with as many runs in its store as the result counts.
"""

import argparse
import json
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

EXPERIMENT = """
[data]
source = "moons"
samples = 100
noise = 0.2
random_state = 1
train = 60
[model]
input_shape = [2]
layers = [
  { layer = "dense", units = 32, activation = "relu" },
  { layer = "dense", units = 1, activation = "sigmoid" },
]
[fit]
loss = "binary_crossentropy"
metrics = ["accuracy"]
epochs = 200
[choose]
penalties = ["l2"]
points = 5
folds = 3
repeats = 2
outer_folds = 3
"""


def files(folder):
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith((".runs", "runs.sqlite")):
            found[str(path.relative_to(folder))] = path.read_bytes()
    return found


def stored(folder):
    with sqlite3.connect(folder / "runs.sqlite") as store:
        keys = [key for (key,) in store.execute("SELECT key FROM run")]
        studies = store.execute("SELECT count(*) FROM study").fetchone()[0]
    assert len(keys) == len(set(keys)), "a run is there twice"
    assert studies == 1, f"{studies} studies"
    return len(keys)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--taper", default="target/release/taper")
    args = parser.parse_args()
    taper = str(pathlib.Path(args.taper).resolve())
    chance = random.Random(args.seed)
    work = pathlib.Path(tempfile.mkdtemp(prefix="taper-kill-"))
    (work / "e.toml").write_text(EXPERIMENT)

    def choose(out):
        command = [taper, "choose", "e.toml", "--out", out, "--resume"]
        return subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)

    begun = time.monotonic()
    whole = choose("whole")
    assert whole.wait() == 0, whole.stderr.read()
    seconds = time.monotonic() - begun
    expected = files(work / "whole")
    runs = json.loads(expected["result.json"])["runs"]["done"]
    assert stored(work / "whole") == runs
    print(f"undisturbed: {seconds:.2f} s, {runs} runs, {len(expected)} files")

    kills = studies = late = 0
    while kills < args.kills:
        shutil.rmtree(work / "cut", ignore_errors=True)
        # Moments are spread over what an undisturbed study takes, so that some come before the store and some after the end.
        for _ in range(chance.randint(3, 5)):
            if kills == args.kills:
                break
            process = choose("cut")
            time.sleep(chance.uniform(0.0, seconds * 0.9))
            ended = process.poll()
            process.send_signal(signal.SIGKILL)
            status = process.wait()
            if ended is None and status == -signal.SIGKILL:
                kills += 1
            else:
                assert ended in (None, 0), (ended, process.stderr.read())
                late += 1
        last = choose("cut")
        assert last.wait() == 0, last.stderr.read()
        got = files(work / "cut")
        assert got.keys() == expected.keys(), got.keys() ^ expected.keys()
        different = [name for name in expected if got[name] != expected[name]]
        assert not different, different
        assert stored(work / "cut") == runs
        studies += 1
    shutil.rmtree(work)
    print(f"{kills} kills in {studies} studies ({late} came too late): {studies} of {studies} ended with the same bytes")


if __name__ == "__main__":
    sys.exit(main())
