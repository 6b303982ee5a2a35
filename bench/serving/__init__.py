"""The servers that are compared: each as its own documentation would have it, around this project's model and steps.

`servers` starts each in an environment of its own. All take a POST of `{"image_base64": …}` and answer with
`{"result": 7}`, on two worker processes where the server has them.
"""

from typing import NamedTuple

OURS = "ours"


class Server(NamedTuple):
    """A server as its documentation has it.

    Attributes:
        title: in the tables.
        packages: that its environment needs besides the function's; none for the development environment.
        arguments: of Python; `{port}` stands for the port.
        path: that takes requests.
    """

    title: str
    packages: tuple[str, ...]
    arguments: tuple[str, ...]
    path: str


SERVERS = {
    OURS: Server("this server", (), ("-m", "mnist_infer", "serve", "--processes", "2", "--port", "{port}"), "/"),
    "litserve": Server("LitServe", ("litserve",), ("-m", "bench.serving.litserve_app", "{port}"), "/predict"),
    "bentoml": Server(
        "BentoML",
        ("bentoml",),
        ("-m", "bentoml", "serve", "bench.serving.bentoml_app:Digits", "--host", "127.0.0.1", "--port", "{port}"),
        "/predict",
    ),
    "fastapi": Server(
        "FastAPI, uvicorn",
        ("fastapi", "uvicorn[standard]"),  # with uvloop, as FastAPI's own extra brings it
        ("-m", "uvicorn", "bench.serving.fastapi_app:app", "--workers", "2", "--port", "{port}"),
        "/predict",
    ),
}
