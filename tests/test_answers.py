import json

import numpy as np
import pytest

from mnist_infer.answers import failure, success
from mnist_infer.errors import ImageTooLarge
from mnist_infer.pipeline import Prediction

PREDICTION = Prediction(7, np.full(10, 0.1, np.float32), "base64", 254, {"decode": 0.3}, wants_probabilities=False)


def test_an_answer_holds_the_digit_and_nothing_more_unless_more_was_asked_for() -> None:
    assert success(PREDICTION) == {"result": 7}
    answer = json.loads(json.dumps(success(PREDICTION._replace(wants_probabilities=True))))
    assert answer == {"result": 7, "probabilities": pytest.approx([0.1] * 10)}


def test_an_error_is_answered_with_its_sentence_and_its_code() -> None:
    answer = failure(ImageTooLarge("the image has more than 10 bytes"))
    assert answer == {"result": -1, "errMsg": "the image has more than 10 bytes", "errCode": "image_too_large"}
