"""Files that hours of training depend on: whole, or named in a sentence that says what to do."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest

from export.files import FileError, load_array, load_log, load_record, save_whole


def save_on_a_full_disk(path: Path) -> None:
    """Write half a file, and fail."""
    path.write_bytes(b"half a fi")
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("older", [None, b"what was there"])
def test_a_full_disk_leaves_what_was_there_and_nothing_else(older: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    if older:
        file.write_bytes(older)
    with pytest.raises(FileError, match=r"run\.json cannot be written \(No space left on device\): "):
        save_whole(file, save_on_a_full_disk)
    assert [path.read_bytes() for path in tmp_path.iterdir()] == [older] * bool(older)


def test_what_is_saved_is_whole_when_it_has_its_name(tmp_path: Path) -> None:
    file = tmp_path / "teacher.npy"
    seen = []

    def save(path: Path) -> None:
        np.save(path, np.arange(3))
        seen.append(file.exists())

    save_whole(file, save)
    assert seen == [False]
    assert load_array(file).tolist() == [0, 1, 2]
    assert [path.name for path in tmp_path.iterdir()] == ["teacher.npy"]


@pytest.mark.parametrize("length", [0, 5, 100, 130])
def test_an_array_that_is_cut_off_is_named(length: int, tmp_path: Path) -> None:
    file = tmp_path / "1_0.npy"
    np.save(file, np.arange(100))
    file.write_bytes(file.read_bytes()[:length])
    with pytest.raises(FileError, match=r"1_0\.npy cannot be read: delete it, and it is made again$"):
        load_array(file)


@pytest.mark.parametrize("content", [None, b"", b'{"seed": 1', b"[1]", b"null", b"\xff\xfe"])
def test_a_record_that_cannot_be_read_is_named_with_what_to_do(content: bytes | None, tmp_path: Path) -> None:
    file = tmp_path / "run.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(FileError, match=r"run\.json cannot be read: begin again$"):
        load_record(file, "begin again")


@pytest.mark.parametrize("rows", ["0,1,0.5\n", "0,1,0.5\n1,0.25,0.75\n"])
def test_a_log_has_a_row_for_each_epoch(rows: str, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    file.write_text(f"epoch,loss,accuracy\n{rows}")
    assert load_log(file)["loss"].tolist() == [1.0, 0.25][: rows.count("\n")]


@pytest.mark.parametrize(
    "content",
    [None, "", "epoch,loss\n", "epoch,loss\n0,1\n1", "epoch,loss\n0,1\n1,\n", "<html>\n0\n", "epoch\n0\n", "\0\xff"],
)
def test_a_log_that_is_cut_off_is_named(content: str | None, tmp_path: Path) -> None:
    file = tmp_path / "log.csv"
    if content is not None:
        file.write_text(content, encoding="latin-1")
    with pytest.raises(FileError, match=r"log\.csv is no whole log of a training"):
        load_log(file)
