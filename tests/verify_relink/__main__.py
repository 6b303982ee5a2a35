"""`python -m tests.verify_relink`: relink the installed TensorFlow, and hold it against itself as a whole."""

import argparse
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from mnist_infer.config import ROOT
from mnist_infer.saved_model import operations_of
from relink.linker import relink
from relink.operations import FUNCTIONS, OPERATIONS
from testbed.pictures import FIXTURES, MODEL_DIR

LEVELS = ("", "AVX512_CORE", "AVX2", "AVX", "SSE41")
PROCESSORS = {"AVX2 only": "Haswell-noTSX", "AVX only": "SandyBridge"}
EMULATED_DIGITS = 300
NOT_IN_THE_LIST = "Digamma"


def main() -> int:
    """Relink, compare, and print what was compared."""
    parser = argparse.ArgumentParser(prog="python -m tests.verify_relink", description=__doc__)
    parser.add_argument("--digits", type=int, default=10_000, help="default: %(default)s")
    parser.add_argument("--runs", type=int, default=100_000, help="default: %(default)s")
    options = parser.parse_args()
    spec = importlib.util.find_spec("tensorflow")
    assert spec
    assert spec.submodule_search_locations
    whole = Path(spec.submodule_search_locations[0])
    with tempfile.TemporaryDirectory(prefix="mnist-infer-") as folder:
        small, graphs = Path(folder, "relinked"), Path(folder, "graphs")
        relink(whole, small, OPERATIONS | operations_of(MODEL_DIR), FUNCTIONS, False, print)
        graphs.mkdir()
        run("graphs", [graphs], {})
        damage(graphs)
        failures = list(compare(whole, small, graphs, options.digits, options.runs))
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return int(bool(failures))


def compare(whole: Path, small: Path, graphs: Path, digits: int, runs: int) -> Iterator[str]:
    """Yield what differs."""
    for environ in settings():
        what = " ".join(f"{name}={value}" for name, value in environ.items())
        for model in (MODEL_DIR, FIXTURES / "tensorflow_1"):
            seen = [run("digits", [library, model, digits, 0, 1], environ) for library in (whole, small)]
            print(
                f"{digits} digits, {model.name}, {what}: {'the same' if seen[0] == seen[1] else 'DIFFERENT'}",
                flush=True,
            )
            if seen[0] != seen[1]:
                yield f"{model} with {what}: another answer"
        yield from compare_graphs(whole, small, graphs, environ, what)
    print(f"{runs} runs from four threads", flush=True)
    run("digits", [small, MODEL_DIR, 1000, runs, 4], {})
    yield from compare_processors(whole, small)


def settings() -> Iterator[dict[str, str]]:
    """Yield environments: oneDNN off, and on at every level of instructions."""
    yield {"TF_ENABLE_ONEDNN_OPTS": "0"}
    for level in LEVELS:
        yield {"TF_ENABLE_ONEDNN_OPTS": "1"} | ({"ONEDNN_MAX_CPU_ISA": level} if level else {})


def compare_graphs(whole: Path, small: Path, graphs: Path, environ: Mapping[str, str], what: str) -> Iterator[str]:
    """Yield the graphs that are answered otherwise; one operation is not in the list, and must be refused."""
    answers = []
    for i, library in enumerate((whole, small)):
        output = graphs / f"answers{i}.json"
        run("answers", [library, graphs, output], environ)
        answers.append(json.loads(output.read_text()))
    different = [case for case in answers[0] if answers[0][case] != answers[1][case]]
    refused = [case for case in different if NOT_IN_THE_LIST in case]
    print(f"{len(answers[0])} graphs, {what}: {len(different) - len(refused)} different", flush=True)
    yield from (
        f"{case} with {what}: {answers[0][case]}, {answers[1][case]}" for case in different if case not in refused
    )
    if len(refused) != 1 or "No OpKernel was registered" not in answers[1][refused[0]][0]:
        yield f"{NOT_IN_THE_LIST} is not refused"


def compare_processors(whole: Path, small: Path) -> Iterator[str]:
    """Yield the emulated processors on which digits are read otherwise."""
    qemu = shutil.which("qemu-x86_64")
    if not qemu:
        print("not run: other processors, as qemu-x86_64 is not installed (Debian: qemu-user)")
        return
    for name, processor in PROCESSORS.items():
        command = [qemu, "-cpu", processor]
        arguments = [MODEL_DIR, EMULATED_DIGITS, 0, 1]
        try:
            expected = run("digits", [whole, *arguments], {}, command)
        except subprocess.CalledProcessError as error:
            print(f"not run: {name}, where the whole library fails: {error.stderr.strip().splitlines()[-1:]}")
            continue
        try:
            seen = run("digits", [small, *arguments], {}, command)
        except subprocess.CalledProcessError as error:
            seen = f"{error.stderr.strip().splitlines()[-1:]}"
        print(f"{EMULATED_DIGITS} digits on a processor with {name}: {'the same' if seen == expected else 'DIFFERENT'}")
        if seen != expected:
            yield f"a processor with {name}: another answer"


def damage(graphs: Path) -> None:
    """Add models that every library must refuse in the same way: none, half of one, and something else."""
    import numpy as np

    inputs = dict(np.load(graphs / "inputs.npz"))
    first = next(iter(inputs))
    content = (graphs / first / "saved_model.pb").read_bytes()
    for name, damaged in {
        "missing": None,
        "truncated": content[: len(content) // 2],
        "foreign": b"\x89PNG" * 99,
    }.items():
        (graphs / name).mkdir()
        if damaged is not None:
            (graphs / name / "saved_model.pb").write_bytes(damaged)
        inputs[name], inputs[f"{name}:"] = inputs[first], inputs[f"{first}:"]
    np.savez(graphs / "inputs.npz", **inputs)


def run(module: str, arguments: list[object], environ: Mapping[str, str], under: list[str] | None = None) -> str:
    """Run a module of this package in a process of its own, and return what it prints."""
    command = [
        *(under or []),
        sys.executable,
        "-W",
        "ignore",
        "-m",
        f"tests.verify_relink.{module}",
        *map(str, arguments),
    ]
    quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        command, cwd=ROOT, env={**os.environ, **quiet, **environ}, check=True, capture_output=True, text=True
    )
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
