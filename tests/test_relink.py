"""The relinker, on the development library itself: relinked once, loaded, and broken on purpose."""

import copy
import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import capstone
import numpy as np
import pytest

import build_zip
from mnist_infer.config import ROOT
from mnist_infer.saved_model import _fields, operations_of
from mnist_infer.session_config import _field
from relink import cache, cli
from relink.check import check_written
from relink.cut import MARGIN_BYTES, NAMED_BYTES, kept_constants
from relink.decoder import lengths, references
from relink.elf import DT_RELACOUNT, RELOCATION, RelinkError, SharedLibrary
from relink.initialisers import choose
from relink.linker import LIBRARIES, Analysis, relink
from relink.names import gnu_hash
from relink.operations import FUNCTIONS, OPERATIONS
from relink.report import explain
from testbed.pictures import FIXTURES, MODEL_DIR
from tests.test_model_kinds import read as read_kinds

pytestmark = pytest.mark.relink

# Where a function refers to, with nothing but itself around: lea 0x10(%rip), call +0x20, ret.
CODE = bytes.fromhex("488d0510000000 e820000000 c3".replace(" ", ""))


@pytest.fixture(scope="session")
def whole() -> Path:
    """The folder of the development library."""
    spec = importlib.util.find_spec("tensorflow")
    assert spec
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0])


@pytest.fixture(scope="session")
def lines() -> list[str]:
    """What linking said."""
    return []


@pytest.fixture(scope="session")
def relinked(whole: Path, tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> tuple[Path, Analysis]:
    """The folder of the relinked library, and the analysis behind it. Two minutes, which `make zip` is spared."""
    folder = tmp_path_factory.mktemp("relinked")
    operations = OPERATIONS | operations_of(MODEL_DIR)
    analysis = relink(whole, folder, operations, FUNCTIONS, False, lines.append)
    assert analysis
    cache.store(folder, ROOT / build_zip.RELINKED_CACHE / cache.fingerprint(whole, operations, FUNCTIONS, False))
    return folder, analysis


@pytest.mark.parametrize("one_dnn", ["0", "1"])
@pytest.mark.parametrize("model", [MODEL_DIR, FIXTURES / "tensorflow_1"], ids=["the model", "TensorFlow 1.15"])
def test_digits_are_read_as_by_the_whole_library_bit_for_bit(
    whole: Path, relinked: tuple[Path, Analysis], model: Path, one_dnn: str
) -> None:
    assert read(whole, model, one_dnn) == read(relinked[0], model, one_dnn)


def read(library: Path, model: Path, one_dnn: str) -> str:
    """Return the SHA-256 of what a process of its own reads in digits."""
    command = [sys.executable, "-m", "tests.verify_relink.digits", str(library), str(model), "300", "200", "2"]
    environ = {"TF_ENABLE_ONEDNN_OPTS": one_dnn, "PATH": "/usr/bin"}
    return subprocess.run(command, cwd=ROOT, env=environ, check=True, capture_output=True, text=True).stdout


def test_models_of_every_kind_are_read_or_refused_as_by_the_whole_library(
    relinked: tuple[Path, Analysis], model_kinds: Path
) -> None:
    assert read_kinds(model_kinds, str(relinked[0])) == read_kinds(model_kinds)


def test_the_relinked_library_is_less_than_half_as_large(whole: Path, relinked: tuple[Path, Analysis]) -> None:
    assert all((relinked[0] / name).stat().st_size < (whole / name).stat().st_size / 2 for name in LIBRARIES)


def refused(model: Path, library: Path) -> str:
    """Return what a process of its own says that cannot read a digit with a model."""
    code = (
        "from pathlib import Path; from tests.conftest import ONE_CPU_THREAD;"
        "from mnist_infer.session import SavedModelSession;"
        f"SavedModelSession(Path({str(model)!r}), ONE_CPU_THREAD, Path({str(library)!r})).settle()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    return done.stderr.strip().splitlines()[-1] if done.returncode else ""


def changed(folder: Path, *operations: tuple[str, str], more: bytes = b"") -> Path:
    """Write our model with other operations, with as many letters, in the place of some; and with more in its graph."""
    content = (MODEL_DIR / "saved_model.pb").read_bytes()
    for old, new in operations:
        content = content.replace(_field(2, old.encode()), _field(2, new.encode()))
    fields = [(number, bytes(value)) for number, value in _fields(memoryview(content)) if isinstance(value, memoryview)]
    (folder / "saved_model.pb").write_bytes(
        b"".join(_field(number, value + _field(2, more) if number == 2 else value) for number, value in fields)
    )
    return folder


def test_all_operations_that_were_left_out_are_named_with_the_way_to_add_them(
    relinked: tuple[Path, Analysis], tmp_path: Path
) -> None:
    model = changed(tmp_path, ("Softmax", "Digamma"), ("Relu", "Sinh"))
    assert not OPERATIONS & {"Digamma", "Sinh"}
    assert refused(model, relinked[0]).endswith(
        "; its TensorFlow lacks operations of this model, Digamma, Sinh: "
        "build the zip with `build_zip.py --operations Digamma Sinh`"
    )


def test_an_operation_that_nobody_has_is_named(relinked: tuple[Path, Analysis], tmp_path: Path) -> None:
    model = changed(tmp_path, ("Softmax", "Softest"))
    sentence = "; no operation Softest is known to this version of TensorFlow: export the model without it"
    assert refused(model, relinked[0]).endswith(sentence)


def test_what_training_has_left_in_a_graph_needs_no_kernels(relinked: tuple[Path, Analysis], tmp_path: Path) -> None:
    of_float = _field(5, _field(1, b"T") + _field(2, _field(6, 1)))
    loss = _field(1, b"loss") + _field(2, b"Digamma") + _field(3, b"y") + of_float  # without a kernel: see above
    model = changed(tmp_path, more=_field(1, loss))
    assert "Digamma" not in operations_of(model)
    assert refused(model, relinked[0]) == ""


@pytest.fixture(scope="session")
def thrown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library of our own that throws and catches."""
    if not shutil.which("g++"):
        pytest.skip("needs a C++ compiler: apt-get install g++")
    library = tmp_path_factory.mktemp("thrown") / "thrown.so"
    source = FIXTURES / "thrown.cc"
    subprocess.run(["g++", "-std=c++11", "-shared", "-fPIC", "-O1", "-o", library, source], check=True)
    return library


def test_an_exception_is_caught_across_the_relinked_library(relinked: tuple[Path, Analysis], thrown: Path) -> None:
    code = f"""
import ctypes
tf, thrown = ctypes.CDLL({str(relinked[0] / LIBRARIES[0])!r}), ctypes.CDLL({str(thrown)!r})
thrown.is_caught.restype = ctypes.c_bool
print(thrown.is_caught(ctypes.cast(tf.TF_NewTensor, ctypes.c_void_p)))
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True\n"


@pytest.mark.parametrize("function", ["TF_SessionRun", "TF_NewTensor"], ids=list(LIBRARIES))
def test_the_loader_lists_all_segments_of_the_relinked_library(
    relinked: tuple[Path, Analysis], thrown: Path, function: str
) -> None:
    name = LIBRARIES[function == "TF_NewTensor"]
    code = f"""
import ctypes
tf, thrown = ctypes.CDLL({str(relinked[0] / LIBRARIES[0])!r}), ctypes.CDLL({str(thrown)!r})
print(thrown.segments_around(ctypes.cast(tf.{function}, ctypes.c_void_p)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert int(done.stdout) == len(SharedLibrary(relinked[0] / name).segments)


def test_the_loader_s_list_of_segments_has_every_frame(relinked: tuple[Path, Analysis]) -> None:
    code = f"""
import ctypes
tf = ctypes.CDLL({str(relinked[0] / LIBRARIES[0])!r})
class Found(ctypes.Structure):
    _fields_ = [("tbase", ctypes.c_void_p), ("dbase", ctypes.c_void_p), ("function", ctypes.c_void_p)]
find = ctypes.CDLL("libgcc_s.so.1")._Unwind_Find_FDE
find.restype, found = ctypes.c_void_p, Found()
address = ctypes.cast(tf.TF_SessionRun, ctypes.c_void_p).value
print(bool(find(ctypes.c_void_p(address + 1), ctypes.byref(found))), found.function == address)
"""
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "True True\n"


def test_every_reference_of_the_written_files_was_followed(relinked: tuple[Path, Analysis], lines: list[str]) -> None:
    assert relinked
    followed = [int(found[1]) for line in lines if (found := re.fullmatch(r"all (\d+) end in something .*", line))]
    assert len(followed) == len(LIBRARIES)
    assert min(followed) > 100_000


def broken(relinked: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(relinked / LIBRARIES[1], tmp_path))


def test_a_dropped_function_is_found_before_an_upload(relinked: tuple[Path, Analysis], tmp_path: Path) -> None:
    path = broken(relinked[0], tmp_path)
    library = SharedLibrary(path)
    relative = library.relocations[: library.tag(DT_RELACOUNT)]
    text = library.loads[library.loads["flags"] & 1 != 0][0]
    start = int(text["address"])
    pointer = next(int(a) for a in relative["addend"].tolist() if start <= a < start + int(text["file_size"]) - 64)
    overwrite(path, library.offset(pointer), b"\xcc" * 16)
    with pytest.raises(RelinkError, match=r"a pointer refers to 0x\w+, which is not kept"):
        check_written(path)


def test_a_dropped_relocation_is_found_before_an_upload(relinked: tuple[Path, Analysis], tmp_path: Path) -> None:
    path = broken(relinked[0], tmp_path)
    library = SharedLibrary(path)
    initialisers = library.section(".init_array")
    at = int(np.flatnonzero(library.relocations["offset"] == initialisers.start)[0])
    overwrite(path, library.offset(library.tag(7)) + at * RELOCATION.itemsize, bytes(8))
    with pytest.raises(RelinkError, match="an initialiser without an address"):
        check_written(path)


def test_a_dropped_page_is_found_before_an_upload(relinked: tuple[Path, Analysis], tmp_path: Path) -> None:
    path = broken(relinked[0], tmp_path)
    library = SharedLibrary(path)
    rows = np.flatnonzero((library.segments["type"] == 1) & (library.segments["flags"] & 1 != 0))
    row = max(rows.tolist(), key=lambda i: int(library.segments["file_size"][i]))
    overwrite(path, 64 + row * 56 + 32, (4096).to_bytes(8, "little") * 2)  # its size, in the file and in memory
    with pytest.raises(RelinkError, match="which is not kept"):
        check_written(path)


def overwrite(path: Path, at: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(at)
        file.write(content)


def test_an_initialiser_that_fills_what_is_kept_is_kept(relinked: tuple[Path, Analysis]) -> None:
    reached = relinked[1].reached
    assert [unit for unit in relinked[1].units if not reached.kept[unit.slot] and reached.kept[unit.fills].any()] == []
    assert "fills an object that is kept" in reached.reasons.values()


def test_a_large_constant_that_only_dropped_code_names_goes_although_it_is_near_to_what_is_kept(
    relinked: tuple[Path, Analysis],
) -> None:
    graph, kept = relinked[1].graph, relinked[1].reached.kept
    size = graph.nodes.end - graph.nodes.start
    large = np.flatnonzero(graph.in_sections(".rodata") & (size > NAMED_BYTES)).tolist()
    (row,) = (row for row in large if graph.name(row).startswith("icudt"))
    used = graph.address[kept[graph.source]]
    near = (used > graph.nodes.start[row] - MARGIN_BYTES) & (used < graph.nodes.end[row] + MARGIN_BYTES)
    assert near.any()
    assert not kept_constants(graph, 0, kept)[row]
    unnamed = copy.copy(graph)
    unnamed.address = np.where(graph.address == graph.nodes.start[row], graph.address + 8, graph.address)
    assert kept_constants(unnamed, 0, kept)[row]


def test_an_operation_without_a_kernel_is_refused_by_its_name(relinked: tuple[Path, Analysis]) -> None:
    with pytest.raises(RelinkError, match=r"^no initialiser registers a kernel for Unheard$"):
        choose(relinked[1].units, {"MatMul", "Unheard"})


def test_a_kept_symbol_is_explained_up_to_a_root(relinked: tuple[Path, Analysis]) -> None:
    *chain, reason = explain(relinked[1], "_GLOBAL__sub_I_matmul_op_real.cc")
    assert chain[0] == "_GLOBAL__sub_I_matmul_op_real.cc"
    assert "registers kernels of" in reason
    assert "MatMul" in reason


def test_binding_alone_keeps_everything_and_answers_the_same(whole: Path, tmp_path: Path) -> None:
    assert cli.main(["--keep-all", str(whole), str(tmp_path)]) == 0
    assert read(whole, MODEL_DIR, "0") == read(tmp_path, MODEL_DIR, "0")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ((18, b"\xb7\x00"), "is no shared library for x86-64"),
        ((0, b"PK"), "is no shared library for x86-64"),
        ((32, b"\xff" * 8), "is truncated"),
    ],
    ids=["another machine", "another file", "truncated"],
)
def test_a_foreign_file_is_refused_in_one_sentence(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], change: tuple[int, bytes], sentence: str
) -> None:
    (tmp_path / LIBRARIES[0]).symlink_to(whole / LIBRARIES[0])
    overwrite(Path(shutil.copy(whole / LIBRARIES[1], tmp_path)), *change)
    assert cli.main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert re.fullmatch(rf"relink: {re.escape(LIBRARIES[1])} {sentence}\n", capsys.readouterr().err)


def test_a_stripped_library_is_refused(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / LIBRARIES[0]).symlink_to(whole / LIBRARIES[0])
    subprocess.run(["strip", "-o", tmp_path / LIBRARIES[1], whole / LIBRARIES[1]], check=True)
    assert cli.main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert "is stripped" in capsys.readouterr().err


def test_an_unknown_relocation_is_refused(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / LIBRARIES[0]).symlink_to(whole / LIBRARIES[0])
    path = Path(shutil.copy(whole / LIBRARIES[1], tmp_path))
    library = SharedLibrary(path)
    overwrite(path, library.offset(library.tag(7)) + 8, (37).to_bytes(4, "little"))  # IRELATIVE
    assert cli.main([str(tmp_path), str(tmp_path / "out")]) == 1
    assert "relocations of type 37, for which relink has no rule" in capsys.readouterr().err


def test_code_refers_to_what_it_loads_and_calls() -> None:
    found = references(np.frombuffer(CODE, np.uint8), 0x1000, np.array([0x1000]), np.array([0x1000 + len(CODE)]))
    assert found.target.tolist() == [0x1007 + 0x10, 0x100C + 0x20]
    assert found.is_branch.tolist() == [False, True]


@pytest.mark.parametrize("share", range(5))
def test_instructions_are_as_long_as_another_disassembler_says(whole: Path, share: int) -> None:
    library = SharedLibrary(whole / LIBRARIES[0])
    frames = library.section(".text")
    start = frames.start + (frames.end - frames.start) * share // 5
    symbols = library.symbols
    own = symbols[(symbols["info"] & 15 == 2) & (symbols["value"] >= start) & (symbols["value"] < start + 200_000)]
    code = library.at(start, 2_000_000)
    decoded = lengths(code)
    disassembler = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
    for row in own[:500]:
        at, size = int(row["value"]) - start, int(row["size"])
        for address, length, mnemonic, operands in disassembler.disasm_lite(code[at : at + size].tobytes(), at):
            assert decoded.total[address] == length, (mnemonic, operands)
            leads = "rip" in operands or ((mnemonic[0] == "j" or mnemonic == "call") and operands.startswith("0x"))
            assert (decoded.relative[address] > 0) == leads, (mnemonic, operands)


def test_the_hash_of_a_name_is_the_gabi_s() -> None:
    assert [gnu_hash(name) for name in (b"", b"printf", b"exit")] == [0x1505, 0x156B2BB8, 0x7C967E3F]


def test_a_saved_model_s_operations_are_read_without_tensorflow() -> None:
    operations = operations_of(MODEL_DIR)
    assert {"Placeholder", "Conv2D", "Softmax"} <= operations
    assert operations <= OPERATIONS
    assert "VariableV2" in operations_of(FIXTURES / "tensorflow_1")
