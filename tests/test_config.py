from pathlib import Path
from typing import Any

import pytest

from mnist_infer.config import Settings, load_settings
from mnist_infer.errors import SettingInvalid


def test_without_variables_every_setting_has_its_default() -> None:
    assert load_settings({"PATH": "/bin", "SCF_FUNCTIONNAME": "f"}) == Settings()


def test_every_setting_can_be_set() -> None:
    values: dict[str, tuple[str, Any]] = {
        "model_dir": ("/models", Path("/models")),
        "model_version": ("7", 7),
        "device": ("gpu", "gpu"),
        "input_range": (" -1, 1 ", (-1.0, 1.0)),
        "tensorflow_dir": ("/opt/tensorflow", Path("/opt/tensorflow")),
        "intra_op_threads": ("2", 2),
        "inter_op_threads": ("0", 0),
        "max_image_bytes": ("1000", 1000),
        "max_decode_bytes": ("2000", 2000),
        "fetch_connect_timeout_s": ("0.5", 0.5),
        "fetch_read_timeout_s": ("1", 1.0),
        "fetch_total_timeout_s": ("2.5", 2.5),
        "fetch_max_redirects": ("0", 0),
        "url_fetch": ("off", False),
        "max_body_bytes": ("3000", 3000),
        "url_allowed_hosts": (
            " Example.com, image_host:8080, my_bucket-.example,10.0.0.1:8080 ,::1,[::1]:80",
            frozenset({"example.com", "image_host:8080", "my_bucket-.example", "10.0.0.1:8080", "::1", "[::1]:80"}),
        ),
    }
    assert set(values) == set(Settings._fields)
    settings = load_settings({f"MNIST_{name.upper()}": text for name, (text, _) in values.items()})
    assert settings == Settings(**{name: value for name, (_, value) in values.items()})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MNIST_INPUT_RANGE", "255"),
        ("MNIST_INPUT_RANGE", "0,127,255"),
        ("MNIST_INPUT_RANGE", "1,1"),
        ("MNIST_INPUT_RANGE", "nan,1"),
        ("MNIST_INPUT_RANGE", "0,inf"),
        ("MNIST_INPUT_RANGE", "0;255"),
        ("MNIST_DEVICE", "GPU"),
        ("MNIST_DEVICE", ""),
        ("MNIST_MODEL_VERSION", "latest"),
        ("MNIST_MODEL_VERSION", "0"),
        ("MNIST_MODEL_DIR", ""),
        ("MNIST_INTRA_OP_THREADS", "0"),
        ("MNIST_INTER_OP_THREADS", "-1"),
        ("MNIST_INTRA_OP_THREADS", "257"),
        ("MNIST_INTER_OP_THREADS", "3000000000"),
        ("MNIST_URL_ALLOWED_HOSTS", "http://10.0.0.1"),
        ("MNIST_URL_ALLOWED_HOSTS", "example.com, *.example.com"),
        ("MNIST_URL_ALLOWED_HOSTS", "user@example.com"),
        ("MNIST_MAX_IMAGE_BYTES", "-1"),
        ("MNIST_MAX_IMAGE_BYTES", "10MB"),
        ("MNIST_FETCH_TOTAL_TIMEOUT_S", "0"),
        ("MNIST_FETCH_TOTAL_TIMEOUT_S", "nan"),
        ("MNIST_FETCH_TOTAL_TIMEOUT_S", "inf"),
        ("MNIST_URL_FETCH", "no"),
        ("MNIST_MAX_DECODE_BYTE", "1"),
    ],
)
def test_a_value_or_a_name_that_makes_no_sense_is_refused_by_its_name(variable: str, value: str) -> None:
    with pytest.raises(SettingInvalid, match=variable):
        load_settings({variable: value})
