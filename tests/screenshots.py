"""Takes pictures of the page in a real Chromium: `python -m tests.screenshots`.

Chinese needs a font, `apt-get install fonts-noto-cjk`.
"""

import io
import itertools
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Page

from mnist_infer.config import ROOT
from testbed.local_server import local_server
from testbed.pictures import EXAMPLES
from tests.browser import (
    DESKTOP,
    PHONE,
    STROKES,
    draw,
    expect_digit,
    give,
    running_chromium,
    watched_page,
)

FOLDER = ROOT / "build" / "screenshots"
DEVICES = {"desktop": DESKTOP, "phone": PHONE}
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")
EXAMPLE_DIGITS = {"en": (EXAMPLES / "page.png", 3), "zh": (EXAMPLES / "page_zh.png", 8)}


def main() -> None:
    """Write `build/screenshots/`, and the two pictures of the README to `examples/`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with local_server() as server, running_chromium() as browser:
        for language, device, colours in itertools.product(EXAMPLE_DIGITS, DEVICES, COLOURS):
            context = browser.new_context(
                locale=language, color_scheme=colours, reduced_motion="reduce", **DEVICES[device]
            )
            page, _ = watched_page(context)
            page.goto(server.address)
            example, digit = EXAMPLE_DIGITS[language]
            name = f"{language}-{device}-{colours}"
            save(page, FOLDER / f"{name}-empty.png")
            draw(page, STROKES[digit])
            expect_digit(page, digit)
            save(page, FOLDER / f"{name}.png")
            if (device, colours) == ("desktop", "light"):
                save(page, example)
            give(page, "drop", "notes.txt", b"no picture")
            page.locator(".error").wait_for()
            save(page, FOLDER / f"{name}-error.png")
            context.close()


def save(page: Page, path: Path) -> None:
    """Save what the page shows, in few enough colours to be small."""
    shown = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    shown.quantize(64, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.relative_to(ROOT)}: {path.stat().st_size} bytes")


if __name__ == "__main__":
    main()
