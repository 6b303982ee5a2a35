import subprocess
import sys

import numpy as np
import pytest

from mnist_infer.config import ROOT, Settings
from mnist_infer.pipeline import run
from mnist_infer.session import SavedModelSession
from testbed.image_host import Server
from testbed.pictures import digit_png, to_base64

STEPS = ["payload", "read", "decode", "normalise", "session"]


def test_a_prediction_says_where_its_image_came_from_and_how_long_each_step_took(
    session: SavedModelSession, server: Server, local_settings: Settings
) -> None:
    inline = run({"image_base64": to_base64(digit_png(3))}, session, local_settings)
    remote = run({"image_url": f"http://127.0.0.1:{server.port}/3.png"}, session, local_settings)
    assert (inline.digit, inline.source, inline.image_bytes) == (3, "base64", len(digit_png(3)))
    assert (remote.digit, remote.source, remote.image_bytes) == (3, "url", len(digit_png(3)))
    np.testing.assert_array_equal(inline.probabilities, remote.probabilities)
    assert type(inline.digit) is int
    assert inline.probabilities.sum() == pytest.approx(1)
    assert list(inline.milliseconds) == STEPS
    assert min(inline.milliseconds.values()) >= 0


def test_only_a_url_imports_what_fetches_urls() -> None:
    code = (
        "import sys, handler;"
        f"assert handler.demo({{'image_base64': '{to_base64(digit_png(3))}'}}, None) == 3;"
        "assert {'requests', 'urllib3', 'mnist_infer.download', 'tensorflow'}.isdisjoint(sys.modules);"
        "handler.demo({'image_url': 'x'}, None);"
        "assert 'requests' in sys.modules and 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
