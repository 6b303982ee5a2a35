"""`demo`: the example events and pictures through the function."""

import contextlib
import io
import json
import sys
from pathlib import Path
from types import ModuleType

from mnist_infer.config import ROOT, load_settings
from mnist_infer.hosting.platform import has_failed, load_handler, sample_context, through_json
from mnist_infer.local.predict import predict
from mnist_infer.local.trial import try_model

EXAMPLES = ROOT / "examples"
NO_NETWORK = ("host_not_found", "host_unreachable", "fetch_timeout")


def demo() -> int:
    """Run every example, print what it gives, and return the exit status.

    Returns:
        0, or 1 if an example failed or the model reads too few pictures right; the event with a URL may fail without a
        network.
    """
    print("Events through the entry points of handler.py")
    with contextlib.redirect_stdout(io.StringIO()):
        handler = load_handler()
    statuses = [_run_event(handler, path) for path in sorted(EXAMPLES.glob("*.json"))]
    print("\nPictures: the digit, its probability, the file")
    pictures = [str(path.relative_to(ROOT)) for path in sorted((EXAMPLES / "digits").iterdir())]
    statuses.append(predict(pictures))
    trial = try_model(load_settings(), EXAMPLES / "digits")
    if not trial.is_good:
        print(f"\n{trial.sentence}", file=sys.stderr)
    return max(*statuses, int(not trial.is_good))


def _run_event(handler: ModuleType, path: Path) -> int:
    name = entry_of(path)
    with contextlib.redirect_stdout(io.StringIO()) as log:
        answer = through_json(getattr(handler, name)(json.loads(path.read_text()), sample_context()))
    outcome = json.loads(log.getvalue().splitlines()[-1])["outcome"]
    no_network = has_failed(answer) and outcome in NO_NETWORK
    remark = f"   ({outcome}: there is no network here)" if no_network else ""
    print(f"{name:16} {path.name:24} {json.dumps(answer)}{remark}")
    return int(has_failed(answer) and not no_network)


def entry_of(event_file: Path) -> str:
    """Return the entry point that an example event is for: the file's name begins with its sender."""
    sender = event_file.name.partition("_")[0]
    return {"demo": "demo", "apigw": "apigw_interface", "function": "http_interface"}[sender]
