import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from mnist_infer.config import ROOT
from mnist_infer.local.explain import draw_explanation
from testbed.pictures import EXAMPLES


def explain(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "mnist_infer", "explain", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_explain_writes_a_png_and_says_the_digit(tmp_path: Path) -> None:
    output = tmp_path / "why.png"
    child = explain(EXAMPLES / "digits" / "2-photo.jpg", "--output", output)
    assert child.returncode == 0, child.stderr
    assert child.stdout.startswith("2 ")
    with Image.open(output) as image:
        assert image.format == "PNG"
        assert image.width > 1000


def test_names_in_another_encoding_and_without_an_ending_are_as_good_as_any(tmp_path: Path) -> None:
    picture, output = tmp_path / os.fsdecode("七".encode("gb18030")), tmp_path / os.fsdecode(b"caf\xe9")
    shutil.copy(EXAMPLES / "digits" / "2-photo.jpg", picture)
    child = explain(picture, "--output", output)
    assert child.returncode == 0, child.stderr
    assert child.stdout.endswith(r"caf\udce9" + "\n")
    with Image.open(output) as image:
        assert image.format == "PNG"


@pytest.mark.parametrize("content", [b"no image", None], ids=["broken", "absent"])
def test_explain_says_in_one_line_what_it_cannot_read(content: bytes | None, tmp_path: Path) -> None:
    picture = tmp_path / "picture.png"
    if content is not None:
        picture.write_bytes(content)
    child = explain(picture, "--output", tmp_path / "why.png")
    assert child.returncode == 1
    assert child.stderr.startswith("mnist_infer: ")
    assert len(child.stderr.splitlines()) == 1
    assert not (tmp_path / "why.png").exists()


def test_the_panels_show_the_picture_what_the_network_sees_and_the_probabilities() -> None:
    pixels = np.zeros((1, 784), np.float32)
    pixels[0, 0] = 1  # the upper left pixel alone
    probabilities = np.zeros(10, np.float32)
    probabilities[[3, 8]] = 0.75, 0.25
    image = np.asarray(draw_explanation(np.full((40, 80), 200, np.uint8), pixels, probabilities).convert("L"))
    picture, seen, bars = (image[60:396, left : left + 336] for left in (24, 384, 744))
    assert (picture[84:252] == 200).all()
    assert (picture[:80] == 255).all()
    assert (seen[:12, :12] == 255).all()
    assert seen[12:].max() == 0
    lengths = [(bars[10 + 33 * digit + 6, 24:] < 200).sum() for digit in range(10)]
    assert np.argsort(lengths)[-2:].tolist() == [8, 3]
    assert lengths[3] > 2 * lengths[8]
