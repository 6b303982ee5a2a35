"""A SavedModel in the TensorFlow C library. The only module that knows TensorFlow.

`import tensorflow` takes seconds and hundreds of megabytes, nearly all of it for Python code that
a prediction never uses. The runtime itself is `libtensorflow_cc.so.2` in the same wheel, and it
exports the stable C API that is bound here. Functions, their types and the ownership rules are
those of TensorFlow's header `tensorflow/c/c_api.h`.
"""

import ctypes
import importlib.util
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from ctypes import POINTER, byref, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from mnist_infer.errors import InferenceFailed, ModelUnavailable

PIXELS = 784
DIGITS = 10

_LIBRARY = "libtensorflow_cc.so.2"
_SERVE_TAG = b"serve"
_TF_FLOAT = 1  # TF_DataType in tf_datatype.h
_Shape = c_int64 * 2  # a type, which would take memory with each request
_MISSING_OPERATION = re.compile(r"No OpKernel was registered to support Op '(\w+)'|Op type not registered '(\w+)'")
_ADVICE = "; its TensorFlow has no operation {0}: build the zip with `build_zip.py --operations {0}`"


class _Port(ctypes.Structure):
    """TF_Output: one output of one operation of a graph."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


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
    "TF_OperationOutputType": (c_int, [_Port]),
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
    "TF_SessionRun": (
        None,
        [
            *(c_void_p, c_void_p),  # session, run options
            *(POINTER(_Port), POINTER(c_void_p), c_int),  # inputs
            *(POINTER(_Port), POINTER(c_void_p), c_int),  # outputs
            *(c_void_p, c_int, c_void_p, c_void_p),  # targets, run metadata, status
        ],
    ),
}


class TensorFlowError(Exception):
    """A C call's status that is not OK: its code and TensorFlow's own message.

    It is only ever the cause of an error of this package, and its text is for the log.

    """

    @property
    def advice(self) -> str:
        """What to do if the zip's TensorFlow was linked without an operation of the model, for everybody to read."""
        found = _MISSING_OPERATION.search(str(self))
        return _ADVICE.format(found[1] or found[2]) if found else ""


class SavedModelSession:
    """One loaded SavedModel, ready to predict from any number of threads.

    Attributes:
        tensorflow_version: of the library, as `2.20.0`.
        devices: names as TensorFlow has them, `/job:localhost/replica:0/task:0/device:CPU:0`.
    """

    def __init__(self, model: Path, config: bytes, tensorflow_dir: Path | None = None) -> None:
        """Load a SavedModel.

        Args:
            model: folder with `saved_model.pb`; the graph has `x:0` float32 [n, 784] and
                `y:0` float32 [n, 10].
            config: a serialised `ConfigProto`, see `session_config`.
            tensorflow_dir: folder of the library; None finds the package `tensorflow`.

        Raises:
            ModelUnavailable: the library or the model cannot be loaded, or lacks `x` or `y`.
        """
        self._library = library = _load_library(tensorflow_dir or _find_tensorflow())
        self.tensorflow_version = library.TF_Version().decode()
        with ExitStack() as on_failure:
            try:
                self._graph = library.TF_NewGraph()
                on_failure.callback(library.TF_DeleteGraph, self._graph)
                self._session = self._load(model, config)
                on_failure.callback(self._delete_session)
                self._input, self._output = self._port(b"x"), self._port(b"y")
                self.devices = self._list_devices()
            except TensorFlowError as error:
                raise ModelUnavailable(f"no model can be loaded from {model}: {error}{error.advice}") from error
            self._close = on_failure.pop_all()  # all went well: freed by close()

    def predict(self, x: NDArray[np.float32]) -> NDArray[np.float32]:
        """Run the model.

        Args:
            x: float32 [n, 784], n at least 1, in 0..1, where 1 is ink.

        Returns:
            float32 [n, 10], the probability of each digit.

        Raises:
            ValueError: x has another dtype or shape: a mistake of the caller.
            InferenceFailed: TensorFlow refused, or the model's output is not [n, 10].
        """
        if x.dtype != np.float32 or x.ndim != 2 or x.shape[1] != PIXELS or not len(x):
            raise ValueError(f"x must be float32 [n, {PIXELS}], and is {x.dtype} {list(x.shape)}")
        library = self._library
        x_tensor, y_tensor = self._to_tensor(x), c_void_p()
        inputs, outputs = (byref(self._input), byref(x_tensor), 1), (byref(self._output), byref(y_tensor), 1)
        try:
            with _status(library) as status:
                library.TF_SessionRun(self._session, None, *inputs, *outputs, None, 0, None, status)
            return self._to_array(y_tensor, (len(x), DIGITS))
        except TensorFlowError as error:
            raise InferenceFailed(f"the model could not be run{error.advice}") from error
        finally:
            library.TF_DeleteTensor(x_tensor)
            library.TF_DeleteTensor(y_tensor)  # NULL if the run failed, which is allowed

    def close(self) -> None:
        """Free the session and its graph; no other call may be in progress or follow."""
        self._close.close()

    def _load(self, model: Path, config: bytes) -> int:
        library = self._library
        options = library.TF_NewSessionOptions()
        try:
            with _status(library) as status:
                library.TF_SetConfig(options, config, len(config), status)
            with _status(library) as status:
                tags = (c_char_p * 1)(_SERVE_TAG)
                session: int = library.TF_LoadSessionFromSavedModel(
                    options, None, str(model).encode(), tags, 1, self._graph, None, status
                )
        finally:
            library.TF_DeleteSessionOptions(options)
        return session

    def _delete_session(self) -> None:
        with _status(self._library) as status:
            self._library.TF_CloseSession(self._session, status)
        with _status(self._library) as status:
            self._library.TF_DeleteSession(self._session, status)

    def _port(self, name: bytes) -> _Port:
        operation = self._library.TF_GraphOperationByName(self._graph, name)
        if not operation or not self._library.TF_OperationNumOutputs(operation):
            raise TensorFlowError(f"its graph has no tensor {name.decode()}:0")
        port = _Port(operation, 0)
        if self._library.TF_OperationOutputType(port) != _TF_FLOAT:
            raise TensorFlowError(f"its tensor {name.decode()}:0 is not float32")
        return port

    def _list_devices(self) -> tuple[str, ...]:
        library = self._library
        with _status(library) as status:
            devices = library.TF_SessionListDevices(self._session, status)
        try:
            names = []
            for i in range(library.TF_DeviceListCount(devices)):
                with _status(library) as status:
                    names.append(library.TF_DeviceListName(devices, i, status).decode())
            return tuple(names)
        finally:
            library.TF_DeleteDeviceList(devices)

    def _to_tensor(self, x: NDArray[np.float32]) -> c_void_p:
        x = np.ascontiguousarray(x)
        tensor = c_void_p(self._library.TF_AllocateTensor(_TF_FLOAT, _Shape(*x.shape), 2, x.nbytes))
        ctypes.memmove(self._library.TF_TensorData(tensor), x.ctypes.data, x.nbytes)
        return tensor

    def _to_array(self, tensor: c_void_p, shape: tuple[int, int]) -> NDArray[np.float32]:
        library = self._library
        dims = [library.TF_Dim(tensor, i) for i in range(library.TF_NumDims(tensor))]
        array = np.empty(shape, np.float32)
        if dims != list(shape) or library.TF_TensorByteSize(tensor) != array.nbytes:
            raise InferenceFailed(f"the model's output is {dims}, and should be {list(shape)}")
        ctypes.memmove(array.ctypes.data, library.TF_TensorData(tensor), array.nbytes)
        return array


def session_config(*, intra_op_threads: int, inter_op_threads: int, hide_gpus: bool) -> bytes:
    """Return a serialised `ConfigProto` with what the function needs of it.

    Memory of a GPU is taken as needed rather than all at once, and an operation that a GPU has
    no kernel for runs on the CPU. The graph is not rewritten as it loads: an exported one is as
    small as it gets, and the search for better costs 12 to 20 ms of every cold start.

    Args:
        intra_op_threads: within one operation, at least 1.
        inter_op_threads: among operations; 0 runs them in the calling thread, which saves
            waking another one, 0.03 ms of every prediction.
        hide_gpus: whether to ignore GPUs even if there are some.

    Source:
        Field numbers: `tensorflow/core/protobuf/config.proto` and `rewriter_config.proto`.
    """
    config = b""
    if hide_gpus:  # device_count {key: "GPU" value: 0}
        config += _field(1, _field(1, b"GPU") + _field(2, 0))
    config += _field(2, intra_op_threads)
    config += _field(5, inter_op_threads or -1)
    config += _field(6, _field(4, 1))  # gpu_options {allow_growth: true}
    config += _field(7, 1)  # allow_soft_placement
    # graph_options {rewrite_options {disable_meta_optimizer: true}}
    return config + _field(10, _field(10, _field(19, 1)))


def _field(number: int, value: int | bytes) -> bytes:
    """Return one field in protobuf's wire format: an integer, or bytes behind their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value % 2**64)  # a negative one as its two's complement
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    return bytes([value & 0x7F | 0x80]) + _varint(value >> 7)


def _find_tensorflow() -> Path:
    """Return the folder of the package `tensorflow`, which is not imported."""
    spec = importlib.util.find_spec("tensorflow")
    for folder in (spec and spec.submodule_search_locations) or ():
        if (Path(folder) / _LIBRARY).exists():
            return Path(folder)
    raise ModelUnavailable("no TensorFlow library is installed: install tensorflow-cpu, or set MNIST_TENSORFLOW_DIR")


def _load_library(folder: Path) -> ctypes.CDLL:
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
def _status(library: ctypes.CDLL) -> Iterator[int]:
    """Give a status to one C call, and raise TensorFlowError if the call sets it to an error."""
    status = library.TF_NewStatus()
    try:
        yield status
        if code := library.TF_GetCode(status):
            raise TensorFlowError(f"{library.TF_Message(status).decode(errors='replace')} (code {code})")
    finally:
        library.TF_DeleteStatus(status)
