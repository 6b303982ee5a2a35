"""What is wanted of TensorFlow: the operations, and the registries that running a graph on a CPU asks.

The list is what the exporters of TensorFlow 1 and 2 put around a small network, so that another model
of the same kind runs without a thought; `--operations` adds to it.
"""

import re

_FUNCTIONS = """
    TF_Version TF_NewStatus TF_DeleteStatus TF_GetCode TF_Message
    TF_NewGraph TF_DeleteGraph TF_GraphOperationByName TF_OperationNumOutputs TF_OperationOutputType
    TF_NewSessionOptions TF_DeleteSessionOptions TF_SetConfig
    TF_LoadSessionFromSavedModel TF_CloseSession TF_DeleteSession
    TF_SessionListDevices TF_DeviceListCount TF_DeviceListName TF_DeleteDeviceList
    TF_AllocateTensor TF_NewTensor TF_DeleteTensor TF_TensorData TF_TensorByteSize TF_NumDims TF_Dim TF_SessionRun"""

FUNCTIONS = tuple(_FUNCTIONS.split())
"""The functions of TensorFlow's C API that loading a SavedModel and running it takes: `c_api.h`."""

_GROUPS = {
    "the graph's own: inputs, constants, and what the runtime puts between functions and devices": """
        Placeholder PlaceholderWithDefault Const Identity IdentityN NoOp StopGradient
        _Arg _Retval _Send _Recv _HostSend _HostRecv""",
    "convolutional and dense layers": """
        Conv2D DepthwiseConv2dNative BiasAdd BiasAddV1 MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3""",
    "pooling and normalisation; LRN is of the networks of 2015": """
        MaxPool AvgPool FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN""",
    "activations": "Relu Relu6 Elu Selu LeakyRelu Tanh Sigmoid Softplus Softmax LogSoftmax",
    "shapes: flattening, padding, and what Keras writes for a batch of any size": """
        Reshape Shape StridedSlice Slice Squeeze ExpandDims Pad PadV2 Transpose Concat ConcatV2 Pack Unpack
        Split SplitV Tile Fill ZerosLike OnesLike Range GatherV2 Gather Size Rank SpaceToBatchND BatchToSpaceND""",
    "arithmetic: scaling of the input, batch normalisation written out, comparisons": """
        Add AddV2 AddN Sub Mul RealDiv Div Neg Square Sqrt Rsqrt Exp Log Floor Maximum Minimum Pow Abs
        SquaredDifference Equal Greater GreaterEqual Less LogicalAnd LogicalNot Select SelectV2 Cast""",
    "reductions, and what turns probabilities into a digit": """
        Mean Sum Max Min Prod All Any ArgMax ArgMin OneHot TopKV2""",
    "dropout, and initial values, which a training graph that was saved whole still has": """
        RandomUniform RandomStandardNormal TruncatedNormal""",
    "variables of TensorFlow 1, of TensorFlow 2, and their saving": """
        Variable VariableV2 Assign AssignAdd AssignSub VarHandleOp ReadVariableOp AssignVariableOp
        VarIsInitializedOp RestoreV2 Restore SaveV2 MergeV2Checkpoints
        ShardedFilename StringJoin StaticRegexFullMatch""",
    "functions, of TensorFlow 2's SavedModels, and control flow": """
        PartitionedCall StatefulPartitionedCall If StatelessIf While StatelessWhile
        Switch Merge Enter Exit NextIteration LoopCond Assert""",
}

OPERATIONS = frozenset(name for names in _GROUPS.values() for name in names.split())

VARIANT_PREFIX = re.compile(r"^_+(Mkl)?(Native)?(Fused)?(?=[A-Z])")
"""`_FusedMatMul` and `_MklNativeConv2D` are what TensorFlow itself makes of MatMul and Conv2D as it runs them."""

WANTED = (
    "OpDefBuilder",  # operations: a graph is checked against them
    "AddDescriptors",  # protobuf messages, which every model and setting is
    "SessionFactory",
    "DeviceFactory",
    "FileSystemRegistry",
    "OptimizationPassReg",  # what rewrites a graph before it runs: oneDNN's layouts, functions, control flow
    "CustomGraphOptimizer",  # Grappler
)
"""Registries, by a part of the name of a function that an initialiser calls."""

NEVER_WANTED = (
    *("Xla", "3xla", "4mlir", "4llvm", "Mlir", "MLIR", "dnnl4impl5graph"),
    "jit_compilation_pass_registration.cc",
    "functionalize_control_flow_pass_registration.cc",
    "graph_optimization_pass_registration.cc",
    "mlir_bridge_pass_registration.cc",
    "grpc_session.cc",
)
"""Compilers, by a name that an initialiser refers to, or by its source file: XLA, MLIR and LLVM, and oneDNN's
for whole graphs; a session does not use them unless it is told to. And sessions on other machines."""
