"""What is wanted of TensorFlow: the operations, and the registries that running a graph on a CPU asks.

A node needs its operation's *definition* as the graph is read, but a *kernel* only if it is placed on a device, which
the function's session does for what a run comes to and nothing else (`place_pruned_graph`; by default TensorFlow places
the whole graph as it is loaded, the gradients of training too). So all definitions are kept, and kernels for what
exporters put between a picture and ten numbers; `--operations` adds to them. docs/zip.md has what the dear ones cost.
"""

import re

_FUNCTIONS = """
    TF_Version TF_NewStatus TF_DeleteStatus TF_GetCode TF_Message
    TF_NewGraph TF_DeleteGraph TF_GraphOperationByName TF_OperationNumOutputs TF_OperationOutputType
    TF_NewSessionOptions TF_DeleteSessionOptions TF_SetConfig
    TF_LoadSessionFromSavedModel TF_CloseSession TF_DeleteSession
    TF_SessionListDevices TF_DeviceListCount TF_DeviceListName TF_DeleteDeviceList
    TF_GetRegisteredKernelsForOp TF_DeleteBuffer
    TF_AllocateTensor TF_NewTensor TF_DeleteTensor TF_TensorData TF_TensorByteSize TF_NumDims TF_Dim TF_SessionRun"""

FUNCTIONS = tuple(_FUNCTIONS.split())
"""The functions of TensorFlow's C API that loading a SavedModel and running it takes: `c_api.h`."""

_GROUPS = {
    "the graph's own: inputs, constants, and what the runtime puts between functions and devices": """
        Placeholder PlaceholderV2 PlaceholderWithDefault Const Identity IdentityN NoOp StopGradient PreventGradient
        Snapshot EnsureShape ControlTrigger _Arg _Retval _Send _Recv _HostSend _HostRecv""",
    "convolutional and dense layers": """
        Conv2D DepthwiseConv2dNative BiasAdd BiasAddV1 MatMul BatchMatMul BatchMatMulV2 BatchMatMulV3""",
    "pooling and normalisation; LRN is of the networks of 2015": """
        MaxPool MaxPoolV2 MaxPoolWithArgmax AvgPool FusedBatchNorm FusedBatchNormV2 FusedBatchNormV3 LRN""",
    "activations; what begins with _ TensorFlow makes of several operations in a function": """
        Relu Relu6 Elu Selu LeakyRelu Tanh Sigmoid Softplus Softsign Softmax LogSoftmax Erf Erfc
        _MklSwish _MklFusedMish _MklLayerNorm _MklFusedInstanceNorm _UnaryOpsComposition""",
    "shapes: flattening, padding, and what Keras writes for a batch of any size": """
        Reshape Shape ShapeN StridedSlice Slice Squeeze ExpandDims Pad PadV2 Transpose Concat ConcatV2 ConcatOffset
        Pack Unpack Split SplitV Tile Fill ZerosLike OnesLike Range LinSpace GatherV2 Gather GatherNd Size Rank
        SpaceToBatch SpaceToBatchND BatchToSpace BatchToSpaceND SpaceToDepth DepthToSpace ExtractImagePatches
        BroadcastTo BroadcastArgs ReverseV2 Roll Where InvertPermutation""",
    "arithmetic: scaling of the input, batch normalisation written out": """
        Add AddV2 AddN Sub Mul RealDiv Div FloorDiv FloorMod TruncateDiv DivNoNan MulNoNan Neg Reciprocal Inv
        Square Sqrt Rsqrt Exp Expm1 Log Log1p Floor Ceil Round Rint Sign Maximum Minimum ClipByValue Pow Abs
        SquaredDifference Sin Cos Tan Asin Acos Atan Cast Bitcast""",
    "comparisons": """
        Equal NotEqual ApproximateEqual Greater GreaterEqual Less LessEqual IsFinite IsInf IsNan
        LogicalAnd LogicalOr LogicalNot Select SelectV2 Bucketize""",
    "reductions, and what turns probabilities into a digit": """
        Mean Sum Max Min Prod All Any ArgMax ArgMin OneHot TopKV2""",
    "attention": "Einsum MatrixBandPart MatrixDiag MatrixDiagV3 MatrixDiagPart MatrixDiagPartV3",
    "recurrent layers over the rows of a picture, and loops over a batch": """
        TensorListReserve TensorListFromTensor TensorListGetItem TensorListSetItem TensorListStack TensorListLength
        TensorListPushBack TensorListPopBack TensorListResize TensorListElementShape TensorListConcatV2 EmptyTensorList
        TensorArrayV3 TensorArrayReadV3 TensorArrayWriteV3 TensorArrayGatherV3 TensorArrayScatterV3 TensorArraySizeV3
        TensorArraySplitV3 TensorArrayConcatV3 TensorArrayCloseV3""",
    "preprocessing: sizes, rotations, contrast": """
        ResizeBilinear ResizeNearestNeighbor ResizeBicubic ResizeArea ScaleAndTranslate
        ImageProjectiveTransformV2 ImageProjectiveTransformV3 AdjustContrastv2""",
    "dropout, random preprocessing, and initial values in a graph that was saved whole": """
        RandomUniform RandomUniformInt RandomStandardNormal TruncatedNormal RngReadAndSkip StatelessRandomGetKeyCounter
        StatelessRandomUniform StatelessRandomNormal StatelessTruncatedNormal
        StatelessRandomUniformV2 StatelessRandomNormalV2 StatelessTruncatedNormalV2""",
    "training with the arithmetic of a quantised network": """
        FakeQuantWithMinMaxArgs FakeQuantWithMinMaxVars FakeQuantWithMinMaxVarsPerChannel
        QuantizeAndDequantizeV2 QuantizeAndDequantizeV3 QuantizeAndDequantizeV4""",
    "tables of labels, which are filled as a model is loaded": """
        HashTable HashTableV2 InitializeTable InitializeTableV2 InitializeTableFromTextFile
        InitializeTableFromTextFileV2 LookupTableFind LookupTableFindV2 LookupTableImportV2 LookupTableSizeV2""",
    "what watches a graph": "Assert CheckNumerics CheckNumericsV2 Print PrintV2 StringFormat AsString",
    "variables of TensorFlow 1, of TensorFlow 2, and their saving": """
        Variable VariableV2 IsVariableInitialized Assign AssignAdd AssignSub VarHandleOp ReadVariableOp VariableShape
        AssignVariableOp AssignAddVariableOp AssignSubVariableOp VarIsInitializedOp DisableCopyOnRead
        ResourceGather ResourceGatherNd RestoreV2 Restore SaveV2 MergeV2Checkpoints
        ShardedFilename StringJoin StaticRegexFullMatch""",
    "functions, of TensorFlow 2's SavedModels, and control flow": """
        PartitionedCall StatefulPartitionedCall If StatelessIf Case StatelessCase While StatelessWhile For
        Switch _SwitchN Merge Enter Exit NextIteration LoopCond
        RefSwitch RefMerge RefEnter RefExit RefNextIteration RefIdentity RefSelect""",
}

OPERATIONS = frozenset(name for names in _GROUPS.values() for name in names.split())

VARIANT_PREFIX = re.compile(r"^_+(Mkl)?(Native)?(Fused)?(?=[A-Z])")
"""`_FusedMatMul` and `_MklNativeConv2D` are what TensorFlow itself makes of MatMul and Conv2D as it runs them."""

WANTED = (
    "OpDefBuilder",  # definitions of operations: a graph is checked against them
    "TF_NewOpDefinitionBuilder",  # those that are made through the C API
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
