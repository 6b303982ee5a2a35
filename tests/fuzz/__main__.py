"""`python -m tests.fuzz images --minutes 30`: seeds, a run of libFuzzer, and what came of it in one line."""

import argparse
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from mnist_infer.config import ROOT
from tests.fuzz.images import image_seeds
from tests.fuzz.minimise import minimise
from tests.fuzz.payloads import DICTIONARY, payload_seeds

MAX_SECONDS = 60  # by the wall clock, for what never ends: the targets count their CPU themselves
MAX_MIB = 2048  # a safety net: the targets hold what an input adds to their own limit
MAX_FILE_BYTES = 16384
MAX_RUNS = 100_000  # of one process: the instrumentation never frees an array that was compared, some KB of each run
SEEDS = {"images": image_seeds, "payloads": payload_seeds}


def main() -> int:
    """Run the target that the command line names; 1 if it crashed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("target", choices=SEEDS)
    parser.add_argument("--minutes", type=float, default=30, help="default: %(default)s")
    options = parser.parse_args()
    folder = ROOT / "build" / "fuzz" / options.target
    prepare(folder, SEEDS[options.target]())
    started = time.monotonic()
    known = set((folder / "crashes").iterdir())
    log, status = fuzz(options.target, folder, options.minutes)
    crashes = sorted(set((folder / "crashes").iterdir()) - known)
    for crash in crashes:
        minimise(options.target, crash)
    print(summary(log, (time.monotonic() - started) / 60, len(crashes)))
    if status and not crashes:
        print(log[-2000:], file=sys.stderr)
    return int(status != 0)


def prepare(folder: Path, seeds: dict[str, bytes]) -> None:
    """Write the seeds and the dictionary; a corpus and crashes of an earlier run are kept."""
    shutil.rmtree(folder / "seeds", ignore_errors=True)
    for name in ("seeds", "corpus", "crashes"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, content in seeds.items():
        (folder / "seeds" / name.replace("/", "-")).write_bytes(content)
    (folder / "dictionary").write_text(DICTIONARY, encoding="utf-8")


def fuzz(target: str, folder: Path, minutes: float) -> tuple[str, int]:
    """Run libFuzzer, in one process after another, and return what it says and its exit status."""
    options = [
        f"-timeout={MAX_SECONDS}",
        f"-rss_limit_mb={MAX_MIB}",
        f"-runs={MAX_RUNS}",
        f"-max_len={MAX_FILE_BYTES}",
        "-print_final_stats=1",
        "-close_fd_mask=3",  # what the C libraries write to stderr would fill the log
        f"-artifact_prefix={folder}/crashes/",
    ]
    if target == "payloads":
        options.append(f"-dict={folder}/dictionary")
    command = [sys.executable, "-m", "tests.fuzz.worker", target, *options, f"{folder}/corpus", f"{folder}/seeds"]
    log, status, end = folder / "log.txt", 0, time.monotonic() + minutes * 60
    with log.open("wb") as file:
        while not status and (left_s := round(end - time.monotonic())) > 0:
            limited = [*command, f"-max_total_time={left_s}"]
            status = subprocess.run(limited, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT, check=False).returncode
    return log.read_text(encoding="utf-8", errors="replace"), status


def summary(log: str, minutes: float, crashes: int) -> str:
    """Return what a run came to, in one line."""
    executions = sum(map(int, re.findall(r"number_of_executed_units: (\d+)", log)))
    corpus, coverage = last(r"corp: (\d+)", log), last(r"cov: (\d+)", log)
    return f"{executions} executions, {minutes:.1f} minutes, corpus {corpus}, coverage {coverage}, crashes {crashes}"


def last(pattern: str, text: str) -> str:
    """Return what a pattern's group matched last, or a question mark."""
    matches: list[str] = re.findall(pattern, text)
    return matches[-1] if matches else "?"


if __name__ == "__main__":
    sys.exit(main())
