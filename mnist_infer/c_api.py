"""TensorFlow's C API: its library, the functions that are used of it, and its errors.

`import tensorflow` takes seconds and hundreds of megabytes, nearly all of it for Python code that
a prediction never uses. The runtime itself is `libtensorflow_cc.so.2` in the same wheel, and it
exports the stable C API that is bound here. Functions, their types and the ownership rules are
those of TensorFlow's header `tensorflow/c/c_api.h`.
"""

import ctypes
import importlib.util
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path

from mnist_infer.errors import ModelUnavailable

_LIBRARY = "libtensorflow_cc.so.2"


class Port(ctypes.Structure):
    """TF_Output: one output of one operation of a graph."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


class _Buffer(ctypes.Structure):
    """TF_Buffer: bytes that TensorFlow owns."""

    _fields_ = (("content", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


_PROTOTYPES = {
    "TF_Version": (c_char_p, []),
    "TF_NewStatus": (c_void_p, []),
    "TF_DeleteStatus": (None, [c_void_p]),
    "TF_GetCode": (c_int, [c_void_p]),
    "TF_Message": (c_char_p, [c_void_p]),
    "TF_NewGraph": (c_void_p, []),
    "TF_DeleteGraph": (None, [c_void_p]),
    "TF_GraphOperationByName": (c_void_p, [c_void_p, c_char_p]),
    "TF_OperationNumOutputs": (c_int, [c_void_p]),
    "TF_OperationOutputType": (c_int, [Port]),
    "TF_NewSessionOptions": (c_void_p, []),
    "TF_DeleteSessionOptions": (None, [c_void_p]),
    "TF_SetConfig": (None, [c_void_p, c_char_p, c_size_t, c_void_p]),
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        [c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, c_void_p, c_void_p],
    ),
    "TF_CloseSession": (None, [c_void_p, c_void_p]),
    "TF_DeleteSession": (None, [c_void_p, c_void_p]),
    "TF_SessionListDevices": (c_void_p, [c_void_p, c_void_p]),
    "TF_DeviceListCount": (c_int, [c_void_p]),
    "TF_DeviceListName": (c_char_p, [c_void_p, c_int, c_void_p]),
    "TF_DeleteDeviceList": (None, [c_void_p]),
    "TF_AllocateTensor": (c_void_p, [c_int, POINTER(c_int64), c_int, c_size_t]),
    "TF_DeleteTensor": (None, [c_void_p]),
    "TF_TensorData": (c_void_p, [c_void_p]),
    "TF_TensorByteSize": (c_size_t, [c_void_p]),
    "TF_NumDims": (c_int, [c_void_p]),
    "TF_Dim": (c_int64, [c_void_p, c_int]),
    "TF_GetRegisteredKernelsForOp": (POINTER(_Buffer), [c_char_p, c_void_p]),
    "TF_DeleteBuffer": (None, [POINTER(_Buffer)]),
    "TF_SessionRun": (
        None,
        [
            *(c_void_p, c_void_p),  # session, run options
            *(POINTER(Port), POINTER(c_void_p), c_int),  # inputs
            *(POINTER(Port), POINTER(c_void_p), c_int),  # outputs
            *(c_void_p, c_int, c_void_p, c_void_p),  # targets, run metadata, status
        ],
    ),
}


class TensorFlowError(Exception):
    """A C call's status that is not OK: its code and TensorFlow's own message.

    It is only ever the cause of an error of this package, and its text is for the log.
    """


def find_tensorflow() -> Path:
    """Return the folder of the package `tensorflow`, which is not imported.

    Raises:
        ModelUnavailable: it is not installed.
    """
    spec = importlib.util.find_spec("tensorflow")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / _LIBRARY).exists():
            return Path(folder)
    raise ModelUnavailable("no TensorFlow library is installed: install tensorflow-cpu, or set MNIST_TENSORFLOW_DIR")


def load_library(folder: Path) -> ctypes.CDLL:
    """Return the library of a folder, its functions' types declared.

    Raises:
        ModelUnavailable: it cannot be loaded, or is another library.
    """
    # Local symbols, the default: with global ones TensorFlow's clash with those of NumPy's
    # libraries, and the process crashes. It finds its framework library beside itself.
    try:
        library = ctypes.CDLL(str(folder / _LIBRARY))
        for name, (result, arguments) in _PROTOTYPES.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise ModelUnavailable(f"the TensorFlow library in {folder} cannot be loaded: {error}") from error
    return library


@contextmanager
def checked_status(library: ctypes.CDLL) -> Iterator[int]:
    """Give a status to one C call, and raise TensorFlowError if the call sets it to an error."""
    status = library.TF_NewStatus()
    try:
        yield status
        if code := library.TF_GetCode(status):
            raise TensorFlowError(f"{library.TF_Message(status).decode(errors='replace')} (code {code})")
    finally:
        library.TF_DeleteStatus(status)


def without_kernels(library: ctypes.CDLL, operations: Iterable[str]) -> list[str]:
    """Return, in order, those of some operations that a library cannot run, whatever their types."""
    found = []
    for operation in sorted(operations):
        with checked_status(library) as status:
            kernels = library.TF_GetRegisteredKernelsForOp(operation.encode(), status)
        if not kernels.contents.length:
            found.append(operation)
        library.TF_DeleteBuffer(kernels)
    return found
