"""The page to draw on, and the policy that lets a browser run its style and script and nothing else."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Page(NamedTuple):
    """The page.

    Attributes:
        html: one file with everything in it.
        content_security_policy: value of the header of that name.
    """

    html: str
    content_security_policy: str


@cache
def load_page() -> Page:
    """Read the page at its first request: a container that only reads digits never needs it."""
    from base64 import b64encode
    from hashlib import sha256

    html = Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    sources = {}
    for element in ("script", "style"):
        (content,) = re.findall(f"<{element}>(.*?)</{element}>", html, re.DOTALL)
        sources[element] = f"'sha256-{b64encode(sha256(content.encode()).digest()).decode()}'"
    policy = (
        f"default-src 'none'; script-src {sources['script']}; style-src {sources['style']}; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
    return Page(html, policy)
