"""No small file is expensive: each of those made to be, in a process that the system ends where it takes too much."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from testbed.costly.budget import MAX_ADDED_BYTES, MAX_BYTES, Decoders, running_decoders
from testbed.costly.files import COSTLY_FILES
from testbed.pictures import digit_png

ANSWERS = {"read", "no_digit_found", "image_damaged", "image_too_large", "image_format_unknown"}


@pytest.fixture(scope="module")
def decoders() -> Iterator[Decoders]:
    with running_decoders() as running:
        yield running


@pytest.mark.slow
@pytest.mark.parametrize("name", COSTLY_FILES)
def test_a_file_made_to_be_costly_stays_within_the_budget(name: str, decoders: Decoders, tmp_path: Path) -> None:
    content = COSTLY_FILES[name]()
    assert len(content) <= MAX_BYTES
    file = tmp_path / "image"
    file.write_bytes(content)
    del content
    cost = decoders.cost(file)
    file.unlink()
    assert cost.outcome in ANSWERS  # not the signal of a limit, nor an error that is not an answer
    assert cost.added_bytes <= MAX_ADDED_BYTES


def test_every_format_has_many_costly_files() -> None:
    formats = [name.partition("/")[0] for name in COSTLY_FILES]
    assert {name: formats.count(name) >= 50 for name in formats} == dict.fromkeys(
        ("png", "jpeg", "webp", "gif", "bmp"), True
    )


@pytest.mark.parametrize("what", ["memory", "time"])
def test_a_decoder_that_takes_too_much_is_ended_by_the_system(what: str, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(digit_png(3))
    waste = {"memory": "bytes(10 ** 10)", "time": "sum(iter(int, 1))"}[what]
    with running_decoders(
        f"import mnist_infer.decode as d; d._to_grey = lambda image: {waste}; server.CPU_LIMIT_S = 0"
    ) as decoders:
        cost = decoders.cost(tmp_path / "image")
    assert re.match("MemoryError|SIGXCPU|SIGKILL", cost.outcome)
