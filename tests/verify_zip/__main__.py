"""Run the built zip in a sandbox like the platform's: `python -m tests.verify_zip`.

Prints what it costs to start and to answer there. Fails where an answer is wrong, where memory
or CPU pass what is promised, or where a test fails with the versions that are shipped.
"""

import argparse
import sys
import tempfile
import zipfile
from pathlib import Path

import build_zip
from mnist_infer.config import ROOT
from testbed.sandbox import Sandbox, SandboxError
from testbed.unpack import find_interpreter, snapshot, unpack, without_bytecode
from testbed.zip_costs import Costs, breakdown, cold_starts, examples
from tests.verify_zip.shipped_tests import run_shipped_tests

MAX_PEAK_MIB = 256


def main() -> int:
    """Verify the zip that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m tests.verify_zip", description=__doc__)
    parser.add_argument("--zip", type=Path, default=ROOT / "dist" / "mnist_infer.zip", help="default: %(default)s")
    parser.add_argument("--python", default="3.10", help="the function's Python, default: %(default)s")
    parser.add_argument("--interpreter", help="a Python of that version (default: from the PATH)")
    parser.add_argument("--runs", type=int, default=7, help="cold starts of each kind, default: %(default)s")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="mnist-infer-") as folder:
            interpreter = find_interpreter(options.python, options.interpreter)
            failures = verify(options.zip, interpreter, Path(folder), options.runs)
    except (SandboxError, build_zip.BuildError, OSError, zipfile.BadZipFile) as error:
        failures = [str(error)]
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return int(bool(failures))


def verify(archive: Path, interpreter: Path, folder: Path, runs: int) -> list[str]:
    """Unpack a zip into a folder, run it, and print what was seen; returns what is not as it should be."""
    folder.chmod(0o755)
    python = interpreter.name.removeprefix("python")
    code, sources, events = unpack(archive, folder / "user"), folder / "sources", folder / "events"
    events.mkdir()
    sandbox, before = Sandbox(code, interpreter), snapshot(code)

    from_disk = [code, interpreter.parent.parent]
    wrong, all_examples = examples(sandbox, events, from_disk)
    show("all examples", all_examples)
    show("cold start, page cache warm", cold_starts(sandbox, runs, events))
    show("cold start, page cache dropped", cold_starts(sandbox, runs, events, from_disk))
    build_zip.unpack(build_zip.fetch_wheels(python), sources)
    uncompiled = Sandbox(without_bytecode(code, sources, folder / "uncompiled"), interpreter)
    show("cold start without .pyc files", cold_starts(uncompiled, runs, events))
    print("where a cold start goes:")
    for stage in breakdown(sandbox, runs, events):
        print(f"  {stage.stage:16} {stage.cpu_ms:6.1f} ms of CPU {stage.wall_ms:6.1f} ms")

    tools = ROOT / ".cache" / f"sandbox-tools-{python}"
    for tests in run_shipped_tests(code, interpreter, tools, folder):
        print(f"tests with the zip's versions: {(tests.stdout.strip().splitlines() or ['none ran'])[-1]}", flush=True)
        if tests.returncode:
            wrong.append(f"tests with the zip's versions:\n{tests.stdout}{tests.stderr}")
    if snapshot(code) != before:
        wrong.append("files in /var/user changed")
    if all_examples.peak_mib > MAX_PEAK_MIB:
        wrong.append(f"peak memory is {all_examples.peak_mib:.0f} MiB, more than {MAX_PEAK_MIB}")
    for remark in sandbox.not_isolated:
        print(f"not isolated: {remark}")
    return wrong


def show(what: str, costs: Costs) -> None:
    """Print a line of costs."""
    warm = f", warm p50 {costs.warm_p50_ms:.2f} ms" if costs.warm_p50_ms else ""
    print(
        f"{what}: {costs.wall_s:.2f} s, {costs.cpu_s:.3f} s of CPU, {costs.read_mb:.0f} MB read, "
        f"peak {costs.peak_mib:.0f} MiB{warm}",
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
