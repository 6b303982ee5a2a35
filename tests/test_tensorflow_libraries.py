"""The libraries that the tests load: all of them, or no folder that make would take for done."""

from pathlib import Path

import pytest

from testbed import tensorflow_libraries
from testbed.tensorflow_libraries import WHEELS, main


def test_a_download_that_is_broken_off_leaves_no_folder_and_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache, calls = tmp_path / "tensorflow", list[str]()

    def fetch(version: str, _python: str, _platform: str, scratch: Path) -> None:
        calls.append(version)
        if len(calls) == 2:
            raise KeyboardInterrupt
        (scratch / "unpacked").mkdir()

    monkeypatch.setattr(tensorflow_libraries, "_fetch", fetch)
    with pytest.raises(KeyboardInterrupt):
        main(cache)
    assert not cache.exists()
    main(cache)
    first, second = WHEELS
    assert calls == [first, second, second]
    assert {path.name for path in cache.iterdir()} == {first, second}
