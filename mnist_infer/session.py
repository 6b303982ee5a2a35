"""A SavedModel in the TensorFlow C library: pictures in, probabilities out."""

import ctypes
import re
from collections.abc import Collection
from contextlib import ExitStack
from ctypes import byref, c_char_p, c_int64, c_void_p
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mnist_infer import c_api, scores
from mnist_infer.c_api import Port, TensorFlowError, checked_status
from mnist_infer.errors import InferenceFailed, ModelUnavailable
from mnist_infer.saved_model import operations_of
from mnist_infer.signature import DIGITS, PIXELS, read_interface

_FLOATS = (np.float32, np.float64, np.float16)
_DTYPES: dict[int, type[np.generic]] = {1: np.float32, 2: np.float64, 4: np.uint8, 19: np.float16}
"""Types by their numbers, TF_DataType in tf_datatype.h."""
_STROKE = np.pad(np.ones((20, 2), np.float32), ((4, 4), (13, 13))).reshape(1, PIXELS)
"""A picture with ink, for the first run: an upright stroke of MNIST's height."""
_MISSING_KERNEL = re.compile(r"No (?:OpKernel was registered to support Op|registered) '(\w+)'")
_UNKNOWN_OPERATION = re.compile(r"Op type not registered '([^']+)'")
_MISSING_VARIABLE = re.compile(r"Could not find variable|uninitialized")
_MISSING_INPUT = re.compile(r"You must feed a value for placeholder tensor '([^']+)'")


class _Tensor(NamedTuple):
    port: Port
    number: int
    dtype: type[np.generic]


class SavedModelSession:
    """One loaded SavedModel, ready to predict from any number of threads.

    Attributes:
        tensorflow_version: of the library, as `2.20.0`.
        devices: names as TensorFlow has them, `/job:localhost/replica:0/task:0/device:CPU:0`.
    """

    def __init__(
        self,
        model: Path,
        config: bytes,
        tensorflow_dir: Path | None = None,
        input_range: tuple[float, float] | None = None,
    ) -> None:
        """Load a SavedModel.

        Args:
            model: its folder; `signature` says what it must take and give.
            config: a serialised `ConfigProto`, see `session_config`.
            tensorflow_dir: folder of the library; None finds the package `tensorflow`.
            input_range: the model's values of paper and of ink; None is 0 and 1 for floats, 0 and 255 for uint8.

        Raises:
            ModelUnavailable: the library or the model cannot be loaded, or the model takes no picture of a digit.
        """
        self._model, self._interface = model, read_interface(model)
        self._library = library = c_api.load_library(tensorflow_dir or c_api.find_tensorflow())
        self.tensorflow_version = library.TF_Version().decode()
        with ExitStack() as on_failure:
            try:
                self._graph = library.TF_NewGraph()
                on_failure.callback(library.TF_DeleteGraph, self._graph)
                self._session = self._load(config)
                on_failure.callback(self._delete_session)
                self._input, self._candidates = self._find_tensors()
                self.devices = self._list_devices()
            except TensorFlowError as error:
                advice = _advice(error, model, library)
                raise ModelUnavailable(f"no model can be loaded from {model}: {error}{advice}") from error
            self._close = on_failure.pop_all()  # all went well: freed by close()
        self._range = input_range or ((0, 255) if self._input.dtype is np.uint8 else (0, 1))
        # A type, which would take memory with each request.
        self._shape_type = c_int64 * (1 + len(self._interface.picture_shape))
        self._output: _Tensor | None = None
        self._to_probabilities: scores.ToProbabilities = scores.unchanged

    def settle(self) -> None:
        """Run the model once, and find out which of its outputs has ten numbers for a picture, and what they are.

        The first run costs several times what a later one does. `predict` does this first where it was not done.

        Raises:
            InferenceFailed: TensorFlow refused, or no output is [1, 10] and has numbers.
        """
        answers = [(output, self._run(_STROKE, output)) for output in self._candidates]
        ten = [(output, answer) for output, answer in answers if answer.shape == (1, DIGITS)]
        if not ten:
            shapes = ", ".join(str(list(answer.shape)) for _, answer in answers)
            raise InferenceFailed(f"the model's output is {shapes}, and should be [1, {DIGITS}]")
        meanings = [(output, scores.choose(answer)) for output, answer in ten if np.isfinite(answer).all()]
        if not meanings:
            raise InferenceFailed("the model does not answer with numbers")
        ready = [meaning for meaning in meanings if meaning[1] is scores.unchanged]
        self._output, self._to_probabilities = (ready or meanings)[0]

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
        if not self._output:
            self.settle()
        assert self._output
        if self._interface.takes_many:
            answer = self._run(x, self._output)
        else:
            answer = np.concatenate([self._run(x[i : i + 1], self._output) for i in range(len(x))])
        if answer.shape != (len(x), DIGITS):
            raise InferenceFailed(f"the model's output is {list(answer.shape)}, and should be {[len(x), DIGITS]}")
        return self._to_probabilities(answer)

    def close(self) -> None:
        """Free the session and its graph; no other call may be in progress or follow."""
        self._close.close()

    def _load(self, config: bytes) -> int:
        library, tags = self._library, [tag.encode() for tag in self._interface.tags]
        options = library.TF_NewSessionOptions()
        try:
            with checked_status(library) as status:
                library.TF_SetConfig(options, config, len(config), status)
            with checked_status(library) as status:
                tag_array = (c_char_p * len(tags))(*tags)
                session: int = library.TF_LoadSessionFromSavedModel(
                    options, None, str(self._model).encode(), tag_array, len(tags), self._graph, None, status
                )
        finally:
            library.TF_DeleteSessionOptions(options)
        return session

    def _find_tensors(self) -> tuple[_Tensor, list[_Tensor]]:
        interface = self._interface
        try:
            picture = self._tensor(interface.input, (*_FLOATS, np.uint8))
            return picture, [self._tensor(name, _FLOATS) for name in interface.outputs]
        except TensorFlowError as error:
            if not interface.others:
                raise
            wanted = "takes one picture of 784 pixels, floats or uint8, and gives ten floats"
            signatures = f"no signature {wanted} (there are: {interface.others})"
            raise TensorFlowError(f"{signatures}, and {error}") from error

    def _delete_session(self) -> None:
        with checked_status(self._library) as status:
            self._library.TF_CloseSession(self._session, status)
        with checked_status(self._library) as status:
            self._library.TF_DeleteSession(self._session, status)

    def _tensor(self, name: str, dtypes: Collection[type[np.generic]]) -> _Tensor:
        operation_name, _, index = name.partition(":")
        operation = self._library.TF_GraphOperationByName(self._graph, operation_name.encode())
        if not operation or int(index or 0) >= self._library.TF_OperationNumOutputs(operation):
            raise TensorFlowError(f"its graph has no tensor {name}")
        port = Port(operation, int(index or 0))
        number = self._library.TF_OperationOutputType(port)
        dtype = _DTYPES.get(number, np.void)
        if dtype not in dtypes:
            raise TensorFlowError(f"its tensor {name} is of another type than {', '.join(t.__name__ for t in dtypes)}")
        return _Tensor(port, number, dtype)

    def _list_devices(self) -> tuple[str, ...]:
        library = self._library
        with checked_status(library) as status:
            devices = library.TF_SessionListDevices(self._session, status)
        try:
            names = []
            for i in range(library.TF_DeviceListCount(devices)):
                with checked_status(library) as status:
                    names.append(library.TF_DeviceListName(devices, i, status).decode())
            return tuple(names)
        finally:
            library.TF_DeleteDeviceList(devices)

    def _run(self, x: NDArray[np.float32], output: _Tensor) -> NDArray[np.float32]:
        library = self._library
        x_tensor, y_tensor = self._to_tensor(x), c_void_p()
        inputs, outputs = (byref(self._input.port), byref(x_tensor), 1), (byref(output.port), byref(y_tensor), 1)
        try:
            with checked_status(library) as status:
                library.TF_SessionRun(self._session, None, *inputs, *outputs, None, 0, None, status)
            return self._to_array(y_tensor, output.dtype)
        except TensorFlowError as error:
            raise InferenceFailed(f"the model could not be run{_advice(error, self._model, library)}") from error
        finally:
            library.TF_DeleteTensor(x_tensor)
            library.TF_DeleteTensor(y_tensor)  # NULL if the run failed, which is allowed

    def _to_tensor(self, x: NDArray[np.float32]) -> c_void_p:
        """The model's input for pictures of 0..1: in its range, its type and its shape."""
        paper, ink = self._range
        if (paper, ink) != (0, 1):
            x = x * np.float32(ink - paper) + np.float32(paper)
        if self._input.dtype is np.uint8:
            x = np.rint(x).clip(0, 255)
        values = np.ascontiguousarray(x, self._input.dtype)
        shape = (len(x), *self._interface.picture_shape)
        layout = self._input.number, self._shape_type(*shape), len(shape), values.nbytes
        tensor = c_void_p(self._library.TF_AllocateTensor(*layout))
        ctypes.memmove(self._library.TF_TensorData(tensor), values.ctypes.data, values.nbytes)
        return tensor

    def _to_array(self, tensor: c_void_p, dtype: type[np.generic]) -> NDArray[np.float32]:
        library = self._library
        array = np.empty([library.TF_Dim(tensor, i) for i in range(library.TF_NumDims(tensor))], dtype)
        if library.TF_TensorByteSize(tensor) != array.nbytes:
            raise InferenceFailed(f"the model's output of {list(array.shape)} has another size")
        ctypes.memmove(array.ctypes.data, library.TF_TensorData(tensor), array.nbytes)
        return array.astype(np.float32, copy=False)


def _advice(error: TensorFlowError, model: Path, library: ctypes.CDLL) -> str:
    """What to do about an error of TensorFlow's, for everybody to read; empty where only its own text says anything."""
    message = str(error)
    if found := _MISSING_KERNEL.search(message):  # its own, or one that TensorFlow has made of them
        missing = c_api.without_kernels(library, operations_of(model) | {found[1]})
        option = f"build the zip with `build_zip.py --operations {' '.join(missing)}`"
        return f"; its TensorFlow lacks operations of this model, {', '.join(missing)}: {option}" if missing else ""
    if unknown := _UNKNOWN_OPERATION.search(message):
        name = unknown[1]
        return f"; no operation {name} is known to this version of TensorFlow: export the model without it"
    if placeholder := _MISSING_INPUT.search(message):
        return f"; it needs a value for {placeholder[1]} besides the picture: export it without this placeholder"
    if _MISSING_VARIABLE.search(message):
        if not (model / "variables" / "variables.index").exists():
            return "; it has no variables: copy the folder `variables` that stands beside its saved_model.pb"
        return (
            "; Keras 3 writes models that no session can run with `tf.saved_model.save`: write it with `model.export`"
        )
    return ""
