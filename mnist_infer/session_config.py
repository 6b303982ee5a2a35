"""The settings of a session, in the wire format of TensorFlow's `ConfigProto`."""


def session_config(*, intra_op_threads: int, inter_op_threads: int, hide_gpus: bool) -> bytes:
    """Return a serialised `ConfigProto` with what the function needs of it.

    Memory of a GPU is taken as needed rather than all at once, and an operation that a GPU has
    no kernel for runs on the CPU. The graph is not rewritten as it loads: an exported one is as
    small as it gets, and the search for better costs 12 to 20 ms of every cold start. And only what
    a run needs is placed on a device, which is where TensorFlow asks for kernels: what training
    has left in a graph may be of operations that the zip's library has no kernel for.

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
    # graph_options {place_pruned_graph: true rewrite_options {disable_meta_optimizer: true}}
    return config + _field(10, _field(6, 1) + _field(10, _field(19, 1)))


def _field(number: int, value: int | bytes) -> bytes:
    """Return one field in protobuf's wire format: an integer, or bytes behind their length."""
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value % 2**64)  # a negative one as its two's complement
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    if value < 0x80:
        return bytes([value])
    return bytes([value & 0x7F | 0x80]) + _varint(value >> 7)
