"""The zip is built where it is stale, and only there."""

import os
from pathlib import Path

import pytest

from deploy import package
from deploy.errors import DeployError

BUILD = """
import os
import sys
import zipfile
from pathlib import Path

print(*sys.argv[1:], os.environ.get("MNIST_INPUT_RANGE"))
if Path("broken").exists():
    sys.exit("no wheels")
output = Path(sys.argv[sys.argv.index("--output") + 1])
output.parent.mkdir(exist_ok=True)
builds = int(output.with_suffix(".builds").read_text()) if output.exists() else 0
output.with_suffix(".builds").write_text(str(builds + 1))
with zipfile.ZipFile(output, "w") as archive:
    for file in [*Path("mnist_infer").rglob("*.py"), *Path("export").rglob("*.pb")]:
        archive.write(file)
"""


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout whose files are of long ago, with a build that takes no time."""
    for name in ("build_zip.py", "handler.py", "requirements-zip.lock", "mnist_infer/a.py", "export/5/saved_model.pb"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(BUILD if name == "build_zip.py" else "")
        os.utime(tmp_path / name, (1e9, 1e9))
    monkeypatch.setattr(package, "ROOT", tmp_path)
    monkeypatch.setattr(package, "ZIP", tmp_path / "dist" / "mnist_infer.zip")
    return tmp_path


def builds() -> int:
    """Ask for the zip, and return how often it has been built."""
    return int(package.build_zip_if_stale(None, {}, False).with_suffix(".builds").read_text())


@pytest.mark.parametrize("name", ["handler.py", "mnist_infer/a.py", "export/6/saved_model.pb", "requirements-zip.lock"])
def test_the_zip_is_built_where_something_in_it_is_newer(checkout: Path, name: str) -> None:
    for _ in range(2):
        assert builds() == 1
    (checkout / name).parent.mkdir(exist_ok=True)
    (checkout / name).write_text("changed")
    os.utime(package.ZIP, (1.5e9, 1.5e9))
    assert builds() == 2


@pytest.mark.parametrize("name", ["mnist_infer/a.py", "export/5/saved_model.pb"])
def test_the_zip_is_built_where_something_in_it_has_been_deleted(checkout: Path, name: str) -> None:
    assert builds() == 1
    (checkout / name).unlink()
    assert [builds() for _ in range(2)] == [2, 2]


@pytest.mark.usefixtures("checkout")
def test_a_zip_that_is_none_is_built_again() -> None:
    assert builds() == 1
    package.ZIP.write_bytes(b"half a zip")
    assert builds() == 2


def test_compiled_files_make_no_zip_stale(checkout: Path) -> None:
    package.build_zip_if_stale(None, {}, False)
    os.utime(package.ZIP, (1.5e9, 1.5e9))
    (checkout / "mnist_infer" / "__pycache__").mkdir()
    (checkout / "mnist_infer" / "__pycache__" / "a.pyc").write_text("")
    assert builds() == 1


def test_the_build_gets_the_interpreter_and_the_variables_and_its_failure_ends_the_command(
    checkout: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    package.build_zip_if_stale("/usr/bin/python3.10", {"MNIST_INPUT_RANGE": "0,255"}, True)
    assert "--interpreter /usr/bin/python3.10 --accept-model 0,255" in capfd.readouterr().out
    (checkout / "broken").touch()
    package.ZIP.unlink()
    with pytest.raises(DeployError, match="There is no zip to deploy"):
        package.build_zip_if_stale(None, {}, False)
    assert "no wheels" in capfd.readouterr().err
