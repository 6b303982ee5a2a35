"""The image host in a process of its own: `python -m testbed.image_host_process`.

Its memory, descriptors and threads are not the function's. It serves until its input is closed,
so it never outlives the process that started it.
"""

import json
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

import trustme

from mnist_infer.config import ROOT
from testbed.image_host import running_server


class Ports(NamedTuple):
    """Where the server is, on 127.0.0.1.

    Attributes:
        plain, tls: of the server.
        closed: of nobody; connections are refused.
        authority: certificate, as PEM, that the one of `tls` is signed with.
    """

    plain: int
    tls: int
    closed: int
    authority: str


@contextmanager
def server_process() -> Iterator[Ports]:
    """Run the server for the length of a `with` block."""
    with subprocess.Popen(
        [sys.executable, "-m", __name__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        assert process.stdout
        try:
            yield Ports(**json.loads(process.stdout.readline()))
        finally:
            process.stdin.close()


def main() -> None:
    """Serve, and say where."""
    authority, context = trustme.CA(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with running_server() as plain, running_server(context) as tls, socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and never listens
        certificate = authority.cert_pem.bytes().decode()
        ports = Ports(plain.port, tls.port, closed.getsockname()[1], certificate)
        print(json.dumps(ports._asdict()), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
