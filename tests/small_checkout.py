"""A checkout in small, to build a zip from: with wheels that are made here, and no model worth the name."""

import hashlib
import io
import re
import sys
import zipfile
from collections.abc import Mapping
from pathlib import Path

import PIL

PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
"""The target's: the one whose interpreter is certainly there."""

LIBRARY = next(Path(PIL.__file__).parent.glob("_imagingmorph.*.so")).read_bytes()
"""A real shared library: x86-64, in need of libc.so.6 and libpthread.so.0, and of no symbol above GLIBC_2.17."""

_WHEELS = {
    "tensorflow-cpu": {
        "tensorflow/__init__.py": b"raise ImportError('not shipped')",
        "tensorflow/libtensorflow_cc.so.2": LIBRARY,
        "tensorflow/libtensorflow_framework.so.2": LIBRARY,
        "tensorflow/THIRD_PARTY_NOTICES.txt": b"notices",
        "tensorflow/include/external/png/LICENSE": b"libpng's licence",
        "tensorflow/include/c_api.h": b"int x;",
        "tensorflow_cpu-1.0.dist-info/LICENSE": b"TensorFlow's licence",
    },
    "numpy": {
        "numpy/__init__.py": b"import numpy.core\nODD = {'one', 'three', 'five', 'seven'}\nis_odd = lambda x: x in"
        b" {'one', 'three', 'five', 'seven'}\n",
        "numpy/__init__.pyi": b"",
        "numpy/core.py": b"def path():\n    return path.__code__.co_filename\n",
        "numpy/_core/_simd.so": LIBRARY,
        "numpy/_core/lib/libnpymath.a": b"!<arch>\n",
        "numpy/_core/include/numpy/arrayobject.h": b"int x;",
        "numpy/_core/_multiarray_umath.so": LIBRARY.replace(b"libpthread.so.0", b"libopenblas.so\0"),
        "numpy/_core/tests/test_umath.py": b"",
        "numpy/_core/tests/_natype.py": b"",
        "numpy/distutils/core.py": b"",
        "numpy/random/LICENSE.md": b"the generators' licences",
        "numpy.libs/libopenblas.so": LIBRARY,
        "numpy-1.0.dist-info/LICENSE.txt": b"NumPy's licence",
        "numpy-1.0.dist-info/entry_points.txt": b"",
        "numpy-1.0.data/scripts/f2py": b"#!python",
    },
    "pillow": {
        "PIL/__init__.py": b"",
        "PIL/PngImagePlugin.py": b"",
        "PIL/EpsImagePlugin.py": b"",
        "PIL/_avif.so": LIBRARY.replace(b"libpthread.so.0", b"libavif.so\0\0\0\0\0"),
        "pillow.libs/libavif.so": LIBRARY.replace(b"libpthread.so.0", b"libdav1d.so\0\0\0\0"),
        "pillow.libs/libdav1d.so": LIBRARY,
        "pillow-1.0.dist-info/licenses/LICENSE": b"Pillow's licence",
    },
    "requests": {"requests/__init__.py": b"", "requests-1.0.dist-info/licenses/AUTHORS": b"its authors"},
}

_OWN_FILES = {
    "handler.py": b"import numpy.core\n\n\ndef demo(event, context):\n    return 7\n",
    "LICENSE": b"our licence",
    "mnist_infer/__init__.py": b"",
    "mnist_infer/__main__.py": b"",
    "mnist_infer/local/__init__.py": b"",
    "mnist_infer/hosting/serve.py": b"",
    "mnist_infer/local/cli.py": b"",
    "mnist_infer/local/trial.py": b"import handler\nprint('tried:', handler.demo({}, {}))\n",
    "mnist_infer/__pycache__/stale.cpython-310.pyc": b"",
    "export/train.py": b"",
    "export/9/saved_model.pb": b"\x08\x09",
    "export/10/saved_model.pb": b"\x08\x01",
    "export/12.partial/saved_model.pb": b"an export that was broken off",
    "export/10/variables/variables.index": b"its variables",
    "export/10/saved_model.pb~": b"what an editor has left",
    "export/10/.DS_Store": b"",
    "tests/test_handler.py": b"",
}


def make_checkout(root: Path, wheel_changes: Mapping[str, Mapping[str, bytes]] | None = None) -> Path:
    """Write a checkout with its wheels in the cache, and return its folder.

    Args:
        root: a folder that does not exist.
        wheel_changes: by distribution, files of its wheel that replace or join those above.
    """
    for name, content in _OWN_FILES.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    cache = root / ".cache" / "wheels" / PYTHON
    cache.mkdir(parents=True)
    lock = f"# Pythons: {PYTHON} 3.1 3.99\n"
    for distribution, files in _WHEELS.items():
        wheel = cache / f"{distribution.replace('-', '_')}-1.0-py3-none-any.whl"
        wheel.write_bytes(_wheel(distribution, {**files, **(wheel_changes or {}).get(distribution, {})}))
        lock += f"{distribution}==1.0 \\\n    --hash=sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}\n"
    (root / "requirements-zip.lock").write_text(lock)
    return root


def too_new_a_library() -> bytes:
    """Return a library that needs a symbol of a later glibc."""
    assert b"GLIBC_2.2.5\0" in LIBRARY
    return LIBRARY.replace(b"GLIBC_2.2.5\0", b"GLIBC_2.28\0\0")


def foreign_library() -> bytes:
    """Return a library of another processor: 183 is 64-bit ARM, at the ELF header's byte 18."""
    return LIBRARY[:18] + (183).to_bytes(2, "little") + LIBRARY[20:]


def greedy_library() -> bytes:
    """Return a library that needs one that is nowhere."""
    return LIBRARY.replace(b"libpthread.so.0", b"libnowhere.so\0\0")


def change_a_pin(root: Path) -> None:
    """Make the checkout's lock name another hash for its first wheel."""
    lock = root / "requirements-zip.lock"
    lock.write_text(re.sub(r"sha256:\w{64}", f"sha256:{'0' * 64}", lock.read_text(), count=1))


def _wheel(distribution: str, files: Mapping[str, bytes]) -> bytes:
    meta = f"{distribution.replace('-', '_')}-1.0.dist-info"
    metadata = {
        f"{meta}/METADATA": f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n".encode(),
        f"{meta}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{meta}/RECORD": b"",
    }
    wheel = io.BytesIO()
    with zipfile.ZipFile(wheel, "w") as archive:
        for name, content in {**files, **metadata}.items():
            archive.writestr(zipfile.ZipInfo(name), content)
    return wheel.getvalue()
