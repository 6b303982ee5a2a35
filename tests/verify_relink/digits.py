"""What one TensorFlow library reads in digits: `python -m tests.verify_relink.digits LIBRARY MODEL COUNT RUNS THREADS`.

Prints the SHA-256 of the probabilities of COUNT digits, read in batches and a tenth of them one by one; then runs
RUNS more from THREADS threads, and fails where one differs or where memory grows.
"""

import hashlib
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_infer.session import SavedModelSession
from mnist_infer.session_config import session_config
from testbed.pictures import mnist_digits

CONFIG = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=True)
MAX_GROWTH_MIB = 2


def main(library: Path, model: Path, count: int, runs: int, threads: int) -> None:
    """Read digits in one library."""
    session = SavedModelSession(model, CONFIG, library)
    x = digits(count)
    read = [session.predict(x[i : i + 100]) for i in range(0, count, 100)]
    read += [session.predict(x[i : i + 1]) for i in range(count // 10)]
    print(hashlib.sha256(np.concatenate(read).tobytes()).hexdigest())
    if runs:
        expected = np.concatenate(read[count // 100 :])
        work(session, x, expected, 1000, threads)
        before = resident_mib()
        work(session, x, expected, runs, threads)
        if (growth := resident_mib() - before) > MAX_GROWTH_MIB:
            raise SystemExit(f"{runs} runs took {growth:.1f} MiB more memory")
    session.close()


def digits(count: int) -> NDArray[np.float32]:
    """Return the repository's digits again and again, each time moved, scaled in brightness and with noise."""
    random = np.random.default_rng(3)
    pictures = np.asarray(mnist_digits()[0].astype(np.float32) / 255, np.float32)
    chosen = pictures[np.arange(count) % len(pictures)]
    for i in range(len(pictures), count):
        chosen[i] = np.roll(chosen[i], random.integers(-3, 4, 2), (0, 1)) * random.uniform(0.5, 1)
    chosen[len(pictures) :] += random.uniform(0, 0.2, (count - len(pictures), 28, 28)).astype(np.float32)
    return np.asarray(np.clip(chosen, 0, 1).reshape(count, 784), np.float32)


def work(
    session: SavedModelSession, x: NDArray[np.float32], expected: NDArray[np.float32], runs: int, threads: int
) -> None:
    """Read single digits from several threads, and compare each answer."""

    def right(first: int) -> int:
        rows = (i % len(expected) for i in range(first, runs, threads))
        return sum(bool((session.predict(x[i : i + 1])[0] == expected[i]).all()) for i in rows)

    with ThreadPoolExecutor(threads) as pool:
        wrong = runs - sum(pool.map(right, range(threads)))
    if wrong:
        raise SystemExit(f"{wrong} of {runs} answers differ from thread to thread")


def resident_mib() -> float:
    """Return the memory that this process has."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]))
