"""A real Chromium on the real page, and a hand that draws in it."""

import base64
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
DESKTOP: dict[str, Any] = {"viewport": {"width": 1120, "height": 900}}

Stroke = Sequence[tuple[float, float]]

STROKES: dict[int, list[Stroke]] = {
    0: [[(50, 20), (38, 23), (30, 35), (27, 50), (30, 66), (38, 77), (50, 80), (62, 77), (70, 66), (73, 50), (70, 35),
         (62, 23), (50, 20)]],
    1: [[(41, 33), (47, 28), (53, 20), (52, 40), (51, 60), (50, 80)]],
    2: [[(31, 34), (35, 25), (45, 20), (57, 21), (66, 28), (66, 39), (58, 51), (45, 64), (31, 78), (45, 78), (58, 77),
         (71, 78)]],
    3: [[(32, 26), (42, 20), (55, 20), (65, 26), (66, 36), (60, 44), (47, 48), (60, 51), (69, 59), (69, 69), (61, 77),
         (48, 80), (36, 78), (30, 71)]],
    4: [[(44, 20), (38, 33), (32, 46), (28, 56), (42, 56), (58, 55), (73, 55)],
        [(60, 32), (60, 48), (59, 64), (58, 80)]],
    5: [[(67, 21), (54, 21), (38, 22), (36, 34), (34, 46), (45, 42), (57, 43), (67, 51), (69, 63), (63, 74), (51, 80),
         (39, 79), (30, 73)]],
    6: [[(62, 20), (50, 28), (39, 41), (33, 55), (33, 68), (40, 78), (52, 80), (63, 74), (67, 64), (62, 54), (51, 50),
         (41, 54), (34, 62)]],
    7: [[(28, 22), (42, 22), (57, 21), (72, 21), (65, 35), (57, 50), (50, 65), (45, 80)]],
    8: [[(64, 29), (56, 21), (45, 20), (36, 26), (36, 36), (45, 45), (57, 53), (66, 63), (64, 74), (53, 80), (41, 78),
         (33, 69), (37, 58), (48, 50), (60, 41), (65, 32)]],
    9: [[(66, 31), (57, 22), (45, 21), (35, 28), (33, 39), (40, 48), (52, 49), (62, 43), (66, 32), (66, 46), (63, 62),
         (57, 80)]],
}  # fmt: skip
"""How a hand draws each digit, in hundredths of the sheet, over some 60 of them."""


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run a headless Chromium for the length of a `with` block."""
    sandbox = ["--no-sandbox"] if os.getuid() == 0 else []  # Chromium has none for root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield browser
        browser.close()


def watched_page(context: BrowserContext) -> tuple[Page, list[str]]:
    """Return a new page, and the list that its console messages and errors will be in.

    Of an answer that is no 200, Chromium itself writes one line, which no page can prevent: it is left out.
    """
    page = context.new_page()
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.add_init_script("addEventListener('securitypolicyviolation', (e) => console.error(`CSP ${e.blockedURI}`))")
    return page, messages


def unexpected(messages: Iterable[str]) -> list[str]:
    """Return the console messages that are not Chromium's own about an answer's status."""
    return [text for text in messages if not text.startswith("Failed to load resource: the server responded with")]


def draw(page: Page, strokes: Iterable[Stroke], lift: bool = True) -> None:
    """Draw with the mouse; without `lift` its button is down in the end."""
    for points in strokes:
        (x, y), *others = _on_screen(page, points)
        page.mouse.move(x, y)
        page.mouse.down()
        for x, y in others:
            page.mouse.move(x, y)
        if lift:
            page.mouse.up()


def draw_with_finger(page: Page, strokes: Iterable[Stroke]) -> None:
    """Draw with touches, as a finger makes them: Playwright itself can only tap."""
    devtools = page.context.new_cdp_session(page)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        devtools.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    for points in strokes:
        first, *others = _on_screen(page, points)
        touch("touchStart", first)
        for point in others:
            touch("touchMove", point)
        touch("touchEnd")


def _on_screen(page: Page, points: Stroke) -> list[tuple[float, float]]:
    sheet = page.locator("#canvas").bounding_box()
    assert sheet
    scale, corner = sheet["width"] / 100, (sheet["x"], sheet["y"])
    return [(float(x), float(y)) for x, y in _rounded(np.array(points)) * scale + corner]


def _rounded(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a Catmull-Rom spline through the points, float64 [n, 2]: a hand draws no polygons."""
    ahead = np.concatenate([points[:1], points, points[-1:]])
    at = np.linspace(0, 1, 6, endpoint=False).reshape(-1, 1)
    weights = (-at + 2 * at**2 - at**3, 2 - 5 * at**2 + 3 * at**3, at + 4 * at**2 - 3 * at**3, at**3 - at**2)
    pieces = [
        sum(weight / 2 * point for weight, point in zip(weights, ahead[i : i + 4], strict=True))
        for i in range(len(points) - 1)
    ]
    return np.concatenate([*pieces, points[-1:]])


def give(page: Page, how: str, name: str, content: bytes) -> None:
    """Give a file to the page.

    Args:
        page: where.
        how: `choose`, `drop` or `paste`.
        name: of the file.
        content: of the file.
    """
    if how == "choose":
        with page.expect_file_chooser() as chooser:
            page.locator("label").click()
        chooser.value.set_files({"name": name, "mimeType": "application/octet-stream", "buffer": content})
    else:
        page.evaluate(_GIVE, [how, name, base64.b64encode(content).decode()])


def give_text(page: Page, how: str, given: Mapping[str, str]) -> None:
    """Drop or paste what another page gives: text, by its media type."""
    page.evaluate(_GIVE, [how, given, None])


_GIVE = """([how, name, base64]) => {
  const data = new DataTransfer();
  if (base64 === null) {
    for (const [type, text] of Object.entries(name)) data.setData(type, text);
  } else {
    data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name));
  }
  const options = {bubbles: true, cancelable: true};
  document.body.dispatchEvent(how === 'drop'
    ? new DragEvent('drop', {...options, dataTransfer: data})
    : new ClipboardEvent('paste', {...options, clipboardData: data}));
}"""


def expect_digit(page: Page, digit: int) -> None:
    """Wait for the answer to the newest question, and expect it to be this digit."""
    expect(_answer(page)).to_have_attribute("aria-busy", "false")
    expect(page.locator("#digit")).to_have_text(str(digit))


def expect_error(page: Page, words: str) -> None:
    """Wait for the answer to the newest question, and expect it to be an error in these words."""
    expect(_answer(page)).to_have_attribute("aria-busy", "false")
    expect(page.locator("#words")).to_have_text(words)
    expect(page.locator("#digit")).to_be_empty()


def _answer(page: Page) -> Locator:
    return page.locator("#answer")
