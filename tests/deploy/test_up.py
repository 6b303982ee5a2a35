"""`python -m deploy` against the stand-in: what each command makes of the cloud."""

import json
from pathlib import Path

import pytest
import requests

from tests.cloud.server import Cloud
from tests.deploy.conftest import BUCKET, FUNCTION, Run, write_zip

Zips = tuple[Path, Path, Path]


def test_up_makes_everything_that_an_empty_account_lacks(cloud: Cloud, up: Run, zips: Zips) -> None:
    done = up(zips[0])
    print(done.output)
    print(len(cloud.requests), cloud.requests)
    assert 0
