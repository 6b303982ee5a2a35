"""Send one warm process 100 000 requests of every kind, then more from threads: `python -m tests.soak`.

Fails where an answer or a log line is wrong, and where memory, descriptors, threads or CPU per
request grow.
"""

import argparse
import contextlib
import os
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain
from unittest.mock import patch

import requests.adapters

from mnist_infer.hosting.platform import load_handler
from testbed.image_host_process import Ports, server_process
from tests.soak.cases import BLOCK, MAX_BODY_BYTES, MAX_IMAGE_BYTES, Case, Mix, picture_cases
from tests.soak.drive import Driver, LogLines
from tests.soak.measure import Stage, Usage, settled_usage, stages_table
from tests.soak.urls import allowed_hosts, resolver

_WARM_UP_BLOCKS = 3
"""For each thread; of one alone a block is enough."""

_Fault = Callable[[Case], str | None]
_Map = Callable[[_Fault, Iterable[Case]], Iterable[str | None]]
_NextBlock = Callable[[int], list[Case]]


def main() -> int:
    """Run the soak of the command line, print its table, and return the exit status."""
    options = _options()
    with server_process() as ports, loaded_function(ports) as (driver, log):
        mix = Mix(ports)
        stages = [_run("one after another", options.requests, mix.block, map, driver)]
        pictures = [_with_answer(case, driver) for case in picture_cases()]
        with ThreadPoolExecutor(options.threads) as pool:
            block = partial(mix.block, good=pictures)
            _warm_up(pool, options.threads, block, driver)
            title = f"from {options.threads} threads"
            stages.append(_run(title, options.threaded_requests, block, pool.map, driver))
    print(stages_table(stages))
    failures = [f"{stage.title}: {failure}" for stage in stages for failure in stage.failures()]
    failures += [f"no JSON on standard output: {stray[:200]!r}" for stray in log.strays[:1]]
    for failure in failures:
        print(f"FAILED: {failure}", file=sys.stderr)
    return int(bool(failures))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--requests", type=int, default=100_000, help="one after another, default: %(default)s")
    parser.add_argument("--threads", type=int, default=4, help="at once, default: %(default)s")
    parser.add_argument("--threaded-requests", type=int, default=20_000, help="from these, default: %(default)s")
    options = parser.parse_args()
    for number in (options.requests, options.threaded_requests):
        if number % BLOCK or number < 3 * BLOCK:
            parser.error(f"requests come in blocks of {BLOCK}: a warm-up, and at least two to compare")
    return options


@contextlib.contextmanager
def loaded_function(ports: Ports) -> Iterator[tuple[Driver, LogLines]]:
    """Load the function into this process, its output caught, its URLs led to the local server."""
    os.environ.update(
        MNIST_URL_ALLOWED_HOSTS=allowed_hosts(ports),
        MNIST_FETCH_READ_TIMEOUT_S="0.4",
        MNIST_FETCH_TOTAL_TIMEOUT_S="8",
        MNIST_MAX_IMAGE_BYTES=str(MAX_IMAGE_BYTES),
        MNIST_MAX_BODY_BYTES=str(MAX_BODY_BYTES),
    )
    log, system_resolver = LogLines(), socket.getaddrinfo
    with (
        tempfile.NamedTemporaryFile(suffix=".pem") as authority,
        contextlib.redirect_stdout(log),
        patch.object(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", authority.name),
    ):
        authority.write(ports.authority.encode())
        authority.flush()
        socket.getaddrinfo = resolver(system_resolver)
        driver = Driver(load_handler(), log)
        log.take(None)  # the line of the cold start
        yield driver, log


def _with_answer(case: Case, driver: Driver) -> Case:
    """Return a request for probabilities with its right answer: what this thread gets alone."""
    values = driver.probabilities(case)
    return case._replace(outcome=values.index(max(values)), probabilities=values)


def _warm_up(pool: ThreadPoolExecutor, threads: int, block: _NextBlock, driver: Driver) -> None:
    """Let every thread answer blocks of its own: each has its own heap, which its largest request makes large."""
    all_there = threading.Barrier(threads)

    def answer(number: int) -> None:
        all_there.wait()
        for case in chain.from_iterable(block(-number * _WARM_UP_BLOCKS - i) for i in range(_WARM_UP_BLOCKS)):
            driver.fault(case)

    list(pool.map(answer, range(1, threads + 1)))


def _run(title: str, total: int, block: _NextBlock, each: _Map, driver: Driver) -> Stage:
    """Send blocks of requests: the first warms up, the second and the last are compared."""
    usages: list[Usage] = []
    faults: list[str] = []
    blocks, started = total // BLOCK, time.monotonic()
    for number in range(blocks):
        cases = block(number)
        cpu_s = time.process_time()
        faults += filter(None, each(driver.fault, cases))
        cpu_s = time.process_time() - cpu_s
        if number % 10 == 1 or number == blocks - 1:
            usages.append(settled_usage(cpu_s))
            _progress(f"{title}: {(number + 1) * BLOCK} in {time.monotonic() - started:.0f} s", faults, usages[-1])
    return Stage(title, total, faults, usages[0], usages[-1])


def _progress(line: str, faults: list[str], usage: Usage) -> None:
    print(
        f"{line}, {len(faults)} wrong; {usage.resident_mb:.1f} MB, {usage.descriptors} descriptors, "
        f"{usage.threads} threads, {usage.cpu_s:.2f} s of CPU per {BLOCK}",
        file=sys.stderr,
        flush=True,
    )


if __name__ == "__main__":
    sys.exit(main())
