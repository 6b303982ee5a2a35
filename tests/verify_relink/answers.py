"""What one TensorFlow library answers: `python -m tests.verify_relink.answers LIBRARY GRAPHS OUTPUT`.

A process of its own for each library. Writes a line of JSON for each graph: the answer's type, shape and
SHA-256, or the status that it was refused with.
"""

import ctypes
import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ctypes import byref, c_int64, c_void_p
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_infer.c_api import Port, TensorFlowError, checked_status, load_library
from mnist_infer.session_config import session_config

CONFIG = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=True)


def main(library_folder: Path, graphs: Path, output: Path) -> None:
    """Run every graph in one library."""
    library = load_library(library_folder)
    inputs = np.load(graphs / "inputs.npz")
    answers = {
        case: in_child(partial(answer, library, graphs / case, inputs[case], inputs[f"{case}:"]))
        for case in inputs.files
        if case[-1] != ":"
    }
    output.write_text(json.dumps(answers, indent=0))


def in_child(call: Callable[[], object]) -> object:
    """Return what a call returns, or the signal that it ends by.

    Where oneDNN is told to do without AVX-512, TensorFlow's own check of the processor lets some products in bfloat16
    through, and oneDNN's exception ends the process: in the relinked library as in the whole.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        try:
            os.write(writing, json.dumps(call()).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        text = pipe.read()
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return json.loads(text) if status == 0 else [f"ended with {status}"]


def answer(library: ctypes.CDLL, model: Path, content: NDArray[np.uint8], kind: NDArray[np.int64]) -> list[object]:
    """Return what one graph makes of its input: type, shape and bytes, or TensorFlow's status."""
    try:
        with _session(library, model) as (session, graph):
            result = c_void_p()
            x, y = (Port(library.TF_GraphOperationByName(graph, name), 0) for name in (b"x", b"y"))
            dims = (c_int64 * (len(kind) - 1))(*kind[1:].tolist())
            tensor = c_void_p(library.TF_AllocateTensor(int(kind[0]), dims, len(dims), content.nbytes))
            ctypes.memmove(library.TF_TensorData(tensor), content.ctypes.data, content.nbytes)
            for _ in range(2):  # the first run of a kernel is not like the second
                with checked_status(library) as status:
                    library.TF_SessionRun(
                        session, None, byref(x), byref(tensor), 1, byref(y), byref(result), 1, None, 0, None, status
                    )
            shape = [library.TF_Dim(result, i) for i in range(library.TF_NumDims(result))]
            size = library.TF_TensorByteSize(result)
            seen = ctypes.string_at(library.TF_TensorData(result), size)
            return [library.TF_OperationOutputType(y), shape, hashlib.sha256(seen).hexdigest()]
    except TensorFlowError as error:
        return [str(error).split(" with these attrs")[0].split("\n")[0]]  # their order is another in every process


@contextmanager
def _session(library: ctypes.CDLL, model: Path) -> Iterator[tuple[int, int]]:
    graph, options = library.TF_NewGraph(), library.TF_NewSessionOptions()
    tags = (ctypes.c_char_p * 1)(b"serve")
    with checked_status(library) as status:
        library.TF_SetConfig(options, CONFIG, len(CONFIG), status)
    with checked_status(library) as status:
        session = library.TF_LoadSessionFromSavedModel(options, None, str(model).encode(), tags, 1, graph, None, status)
    yield session, graph
    with checked_status(library) as status:
        library.TF_CloseSession(session, status)
    with checked_status(library) as status:
        library.TF_DeleteSession(session, status)
    library.TF_DeleteGraph(graph)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
