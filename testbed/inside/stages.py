"""Inside the sandbox: where one cold start spends its time, stage by stage.

Imports and loads in the order that handler.py does, and prints a line of JSON: for each stage,
its CPU and wall milliseconds. Standard library only, beside what is measured.
"""

import json
import os
import time
from pathlib import Path

started = float(os.environ["STARTED_AT"])  # by the parent, on the same monotonic clock
stages: list[tuple[str, float, float]] = []


def stage(name: str) -> None:
    stages.append((name, time.process_time(), time.monotonic()))


# What is imported is timed, not used, and between two readings of the clock: so the linter is told.
stage("interpreter")
import mnist_infer  # isort: skip  # noqa: F401, E402
import numpy as np  # noqa: E402, F401

stage("NumPy")
from PIL import Image  # noqa: F401, E402

stage("Pillow")
from mnist_infer import answers, c_api, events, log, pipeline, session  # noqa: F401, E402
from mnist_infer.config import load_settings  # noqa: E402
from mnist_infer.session_config import session_config  # noqa: E402
from mnist_infer.versions import find_version  # noqa: E402

settings = load_settings()
stage("our code")
library = c_api.load_library(c_api.find_tensorflow())
stage("dlopen")
c_api.load_library = lambda folder: library  # noqa: ARG005
config = session_config(intra_op_threads=1, inter_op_threads=0, hide_gpus=False)
model = session.SavedModelSession(find_version(settings.model_dir, None), config)
stage("model load")
model.settle()
stage("first run")
event = events.parse_event(json.loads(Path(os.environ["EVENT"]).read_text(encoding="utf-8")))
answers.integrated_success(pipeline.run(events.parse_body(event, settings.max_body_bytes), model, settings), None)
stage("first request")

before = ("", 0.0, started)
rows = []
for row in stages:
    rows.append({"stage": row[0], "cpu_ms": (row[1] - before[1]) * 1000, "wall_ms": (row[2] - before[2]) * 1000})
    before = row
print(json.dumps(rows))
