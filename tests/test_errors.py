import re

import pytest

from mnist_infer import errors
from mnist_infer.errors import MnistInferError


def subclasses(parent: type[MnistInferError] = MnistInferError) -> list[type[MnistInferError]]:
    children = parent.__subclasses__()
    return children + [grandchild for child in children for grandchild in subclasses(child)]


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [MnistInferError.code, *(error.code for error in subclasses())]
    assert len(set(codes)) == len(codes) > 20
    assert all(re.fullmatch(r"[a-z0-9_]+", code) for code in codes)


@pytest.mark.parametrize("error", subclasses(), ids=lambda error: error.__name__)
def test_every_error_is_in_the_drawing_under_its_parent_with_its_status(error: type[MnistInferError]) -> None:
    parent = error.__mro__[1]
    assert issubclass(parent, MnistInferError)
    drawn = dict(re.findall(r"── (\w+) *(\d{3})?", errors.__doc__ or ""))
    assert error.__name__ in drawn
    assert error.status == int(drawn[error.__name__] or parent.status)
