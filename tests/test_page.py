"""The page, in a real Chromium against the real server: what a person does with it, and what they see."""

import base64
import io
import json
import re
import subprocess
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
import requests
from axe_playwright_python.sync_playwright import Axe
from PIL import Image
from playwright.sync_api import Browser, Page, Request, Route, expect

from mnist_infer.config import ROOT
from mnist_infer.errors import MnistInferError
from testbed.local_server import local_server
from testbed.pictures import EXAMPLES, digit_png, encode
from tests.browser import (
    CHROMIUM,
    DESKTOP,
    PHONE,
    STROKES,
    draw,
    draw_with_finger,
    expect_digit,
    expect_error,
    give,
    give_text,
    running_chromium,
    unexpected,
    watched_page,
)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium: apt-get install chromium"),
]

PAGE = ROOT / "mnist_infer" / "page.html"
SEVEN = STROKES[7]
WORDS = {
    "en-GB": {
        "image_format_unknown": "This is not a picture that can be read. PNG, JPEG, WebP, GIF and BMP can.",
        "image_damaged": "This picture is broken or incomplete.",
        "no_digit_found": "No digit stands out in this picture.",
        "image_missing": "This file is empty.",
        "unreachable": "The function cannot be reached. Is the network there?",
        "unanswered": "The function does not answer. Please try again later.",
        "fetch_failed": "This picture could not be fetched from its page. Save it, then choose the file.",
        "body_too_large": "This picture is too large.",
        "reading": "Being read",
        "general": "Something went wrong, and it was not your drawing. Please try again. ({})",
    },
    "zh-CN": {
        "image_format_unknown": "无法识别这种文件。支持 PNG、JPEG、WebP、GIF 和 BMP 图片。",
        "image_damaged": "图片已损坏或不完整。",
        "no_digit_found": "图片中未识别到数字。",
        "image_missing": "文件是空的。",
        "unreachable": "无法连接到函数，请检查网络。",
        "unanswered": "函数一直没有响应，请稍后重试。",
        "fetch_failed": "无法从原网页获取这张图片，请先保存图片，再选择文件。",
        "body_too_large": "图片太大了。",
        "reading": "正在识别",
        "general": "出错了，与书写内容无关，请重试。（{}）",
    },
}
BROKEN = {
    "image_format_unknown": b"no picture at all",
    "image_damaged": digit_png(3)[:200],
    "no_digit_found": encode(np.full((40, 40), 255, np.uint8)),
    "image_missing": b"",
}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with local_server() as server:
        yield server.address


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with running_chromium() as browser:
        yield browser


@pytest.fixture
def open_page(chromium: Browser, address: str) -> Iterator[Callable[..., Page]]:
    """Open the page as a browser with these settings does; no test may leave a message in its console."""
    opened = []

    def open_page(locale: str = "en-GB", **settings: Any) -> Page:
        context = chromium.new_context(locale=locale, **(DESKTOP | settings))
        page, messages = watched_page(context)
        opened.append((context, messages))
        page.goto(address)
        return page

    yield open_page
    for context, messages in opened:
        context.close()
        assert not unexpected(messages)


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    return open_page()


# ---- Drawing ----


@pytest.mark.parametrize("digit", STROKES)
def test_a_digit_that_the_mouse_draws_is_read(page: Page, digit: int) -> None:
    draw(page, STROKES[digit])
    expect_digit(page, digit)


@pytest.mark.parametrize("digit", [3, 4])
def test_a_digit_that_a_finger_draws_on_a_phone_is_read_and_nothing_scrolls(
    open_page: Callable[..., Page], digit: int
) -> None:
    page = open_page(**PHONE)
    draw_with_finger(page, STROKES[digit])
    expect_digit(page, digit)
    assert page.evaluate("scrollY") == 0


def test_the_answer_comes_while_the_pointer_is_still_down(page: Page) -> None:
    draw(page, SEVEN, lift=False)
    expect_digit(page, 7)
    page.mouse.up()


def test_a_palm_that_leaves_the_screen_does_not_end_the_stroke_of_the_finger(page: Page) -> None:
    draw(page, [SEVEN[0][:4]], lift=False)
    for kind in ("pointerdown", "pointermove", "pointerup"):  # primary: it is of another type than what draws
        palm = f"new PointerEvent('{kind}', {{pointerId: 99, isPrimary: true, clientX: 9, clientY: 9}})"
        page.evaluate(f"document.getElementById('canvas').dispatchEvent({palm})")
    sheet = page.locator("#canvas").bounding_box()
    assert sheet
    for x, y in SEVEN[0][4:]:
        page.mouse.move(sheet["x"] + x / 100 * sheet["width"], sheet["y"] + y / 100 * sheet["height"])
    expect_digit(page, 7)
    page.mouse.up()
    page.keyboard.press("Control+z")
    assert not _has_ink(page)


def test_a_pen_draws_although_a_palm_was_down_before_it(open_page: Callable[..., Page]) -> None:
    page = open_page(**PHONE)
    devtools = page.context.new_cdp_session(page)
    sheet = page.locator("#canvas").bounding_box()
    assert sheet

    def on_screen(x: float, y: float) -> dict[str, float]:
        return {"x": sheet["x"] + x / 100 * sheet["width"], "y": sheet["y"] + y / 100 * sheet["height"]}

    devtools.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [on_screen(90, 95)]})
    kinds = ("mousePressed", *["mouseMoved"] * (len(SEVEN[0]) - 2), "mouseReleased")
    for kind, point in zip(kinds, SEVEN[0], strict=True):
        pen = {"type": kind, "button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen"}
        devtools.send("Input.dispatchMouseEvent", {**pen, **on_screen(*point)})
    devtools.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    expect_digit(page, 7)
    page.get_by_role("button", name="Undo").click()
    assert not _has_ink(page)


def test_every_bar_says_its_share_in_words_and_they_come_to_all_of_it(page: Page) -> None:
    draw(page, SEVEN)
    expect_digit(page, 7)
    rows = page.locator("#bars li").all_inner_texts()
    shares = [re.fullmatch(rf"{digit}\s+([\d.]+)%", row) for digit, row in enumerate(rows)]
    assert 99 <= sum(float(share[1]) for share in shares if share) <= 100
    assert len(shares) == 10
    assert all(shares)
    assert shares[7]
    expect(page.locator("#words")).to_have_text(f"{shares[7][1]}% sure")
    expect(page.locator("#milliseconds")).to_have_text(re.compile(r"^\d+ ms$"))


def test_the_bar_is_as_long_as_its_share(page: Page) -> None:
    page.route("**/", lambda route: _answer(route, 4, [0.0, 0.0, 0.0, 0.0, 0.75, 0.0, 0.0, 0.0, 0.0, 0.25]))
    page.emulate_media(reduced_motion="reduce")
    draw(page, SEVEN)
    expect_digit(page, 4)
    width = "(e, part) => parseFloat(getComputedStyle(e, part).width)"
    track, bar = (page.locator("#bars li:nth-child(5) i").evaluate(width, part) for part in (None, "::before"))
    assert bar == pytest.approx(0.75 * track, rel=0.01)
    page.set_viewport_size(PHONE["viewport"])
    height = width.replace("width", "height")
    track, bar = (page.locator("#bars li:nth-child(10) i").evaluate(height, part) for part in (None, "::before"))
    assert bar == pytest.approx(0.25 * track, rel=0.01)


def test_what_is_sent_is_black_on_white_whatever_the_colours_on_the_screen(open_page: Callable[..., Page]) -> None:
    sent = []
    for colours in ("light", "dark"):
        page = open_page(color_scheme=colours)
        asked = _questions(page)
        draw(page, SEVEN)
        expect_digit(page, 7)
        expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
        sent.append(asked[-1])  # the whole drawing: on a busy machine its beginning was sent, too
    assert sent[0] == sent[1]
    image = Image.open(io.BytesIO(sent[0])).convert("L")
    assert image.size == (256, 256)
    assert image.getpixel((0, 0)) == 255
    assert image.getextrema() == (0, 255)


def test_clearing_empties_the_sheet_and_the_answer_and_asks_nothing(page: Page) -> None:
    draw(page, SEVEN)
    expect_digit(page, 7)
    asked = _questions(page)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#digit")).to_be_empty()
    expect(page.locator("#words")).to_have_text("Nothing drawn yet")
    expect(page.locator("#terminal")).to_be_hidden()
    assert page.locator("#bars b").all_inner_texts() == [""] * 10
    assert not _has_ink(page)
    draw(page, STROKES[1])  # a question that does come, so that one which should not would have come before
    expect_digit(page, 1)
    page.get_by_role("button", name="Clear").click()
    page.get_by_role("button", name="Clear").click()
    assert all(_ink_share(question) > 0 for question in asked)


def test_undo_takes_back_a_stroke_and_a_clearing(page: Page) -> None:
    draw(page, [*SEVEN, [(35, 50), (70, 50)]])
    expect(page.locator("#answer")).to_have_attribute("aria-busy", "false")
    page.keyboard.press("Control+z")
    expect_digit(page, 7)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#digit")).to_be_empty()
    page.get_by_role("button", name="Undo").click()
    expect_digit(page, 7)
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    assert not _has_ink(page)


def _press(page: Page, **key: Any) -> None:
    page.evaluate("(key) => document.dispatchEvent(new KeyboardEvent('keydown', key))", {"ctrlKey": True} | key)


@pytest.mark.parametrize("key", ["я", "ζ", "ז", "ئ", "Process"])
def test_undo_is_where_the_z_is_on_a_keyboard_without_latin_letters(page: Page, key: str) -> None:
    draw(page, SEVEN)
    _press(page, key=key, code="KeyZ")
    assert not _has_ink(page)


@pytest.mark.parametrize(
    "key",
    [
        pytest.param({"key": "y", "code": "KeyZ"}, id="German, where the Z is elsewhere"),
        pytest.param({"key": ";", "code": "KeyZ"}, id="Dvorak"),
        pytest.param({"key": "ż", "code": "KeyZ", "altKey": True}, id="Polish, a letter of the third level"),
        pytest.param({"key": "Я", "code": "KeyZ", "shiftKey": True}, id="redo"),
        pytest.param({"key": "я", "code": "KeyZ", "ctrlKey": False}, id="a letter"),
    ],
)
def test_no_other_key_undoes(page: Page, key: dict[str, Any]) -> None:
    draw(page, SEVEN)
    _press(page, **key)
    assert _has_ink(page)
    _press(page, key="z", code="KeyY")
    assert not _has_ink(page)


def test_the_newest_answer_wins_over_one_that_comes_late(page: Page) -> None:
    late: list[Route] = []
    page.route("**/", lambda route: late.append(route) if not late else _answer(route, 4))
    with page.expect_request(_is_question):
        draw(page, [SEVEN[0][:4]])
    draw(page, [SEVEN[0][3:]])
    expect_digit(page, 4)
    _answer(late[0], 1)
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
    expect_digit(page, 4)


def test_an_answer_that_comes_after_the_sheet_was_cleared_is_not_shown(page: Page) -> None:
    late: list[Route] = []
    page.route("**/", lambda route: late.append(route))
    with page.expect_request(_is_question):
        draw(page, SEVEN)
    page.get_by_role("button", name="Clear").click()
    _answer(late[0], 1)
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
    expect(page.locator("#digit")).to_be_empty()


def test_the_drawing_survives_a_change_of_size_and_of_colours(page: Page) -> None:
    draw(page, SEVEN)
    expect_digit(page, 7)
    page.set_viewport_size(PHONE["viewport"])
    assert _has_ink(page)
    page.emulate_media(color_scheme="dark")
    assert _has_ink(page)
    expect_digit(page, 7)


# ---- Pictures ----


@pytest.mark.parametrize("how", ["choose", "drop", "paste"])
def test_a_picture_is_read_with_its_own_bytes_and_shown(page: Page, how: str) -> None:
    content = (EXAMPLES / "digits" / "2-photo.jpg").read_bytes()
    with page.expect_request(_is_question) as question:
        give(page, how, "photo.jpg", content)
    expect_digit(page, 2)
    expect(page.get_by_role("img", name="The picture that was chosen")).to_be_visible()
    assert _decoded(_payload(question.value)["image_base64"]) == content


def test_a_picture_that_the_browser_cannot_show_is_named_and_read_all_the_same(page: Page) -> None:
    content = digit_png(6)
    pixels = content.index(b"IDAT") - 4
    unknown = b"ABCD"  # a chunk that no decoder may pass over, by its first letter, and that says nothing of the pixels
    chunk = bytes(4) + unknown + zlib.crc32(unknown).to_bytes(4, "big")
    give(page, "choose", "six.png", content[:pixels] + chunk + content[pixels:])
    expect_digit(page, 6)
    expect(page.locator("#invitation")).to_have_text("six.png")
    expect(page.locator("#preview")).to_be_hidden()


def test_a_large_transparent_picture_keeps_its_transparency(page: Page) -> None:
    ink = np.asarray(Image.open(io.BytesIO(digit_png(7))).resize((1200, 1200)).convert("L"))
    colours = np.random.default_rng(0).integers(0, 256, (1200, 1200, 3), np.uint8)  # unseen, but for the ink's white
    pixels = np.dstack([np.where(ink[:, :, None] > 0, 255, colours), ink]).astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels, "RGBA").save(file, "PNG")
    assert len(file.getvalue()) > 2_000_000
    with page.expect_request(_is_question) as question:
        give(page, "choose", "white.png", file.getvalue())
    expect_digit(page, 7)
    assert len(_decoded(_payload(question.value)["image_base64"])) < 1_000_000


def test_a_large_picture_is_made_smaller_before_it_is_sent(page: Page) -> None:
    large = Image.open(EXAMPLES / "digits" / "1-canvas.png").convert("RGB").resize((3000, 2400))
    noise = np.random.default_rng(1).integers(0, 3, (2400, 3000, 3), np.uint8)
    content = encode((np.asarray(large) // 4 * 4 + noise).astype(np.uint8))
    assert len(content) > 2_000_000
    with page.expect_request(_is_question) as question:
        give(page, "choose", "large.png", content)
    expect_digit(page, 1)
    sent = Image.open(io.BytesIO(_decoded(_payload(question.value)["image_base64"])))
    assert sent.format == "JPEG"
    assert sent.size == (2048, 1639)


def test_a_large_file_that_is_no_picture_is_refused_without_asking(page: Page) -> None:
    asked = _questions(page)
    give(page, "drop", "film.mp4", bytes(4_100_000))
    expect_error(page, "This picture is too large.")
    assert not asked


IMAGE = "http://pictures.example/3.png"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"text/uri-list": IMAGE, "text/html": f'<meta><img src="{IMAGE}">'}, id="a picture"),
        pytest.param(
            {"text/uri-list": "https://a.example/", "text/html": f'<a><img src="{IMAGE}"></a>'}, id="in a link"
        ),
        pytest.param({"text/uri-list": f"{IMAGE}\r\n"}, id="an address"),
        pytest.param({"text/plain": f" {IMAGE} "}, id="text"),
    ],
)
@pytest.mark.parametrize("how", ["drop", "paste"])
def test_a_picture_of_another_page_is_read_by_its_address(page: Page, how: str, given: dict[str, str]) -> None:
    page.route("**/", lambda route: _answer(route, 3))
    with page.expect_request(_is_question) as question:
        give_text(page, how, given)
    expect_digit(page, 3)
    assert _payload(question.value) == {"image_url": IMAGE, "probabilities": True}
    expect(page.locator("#invitation")).to_have_text(IMAGE)
    expect(page.locator("#command")).to_contain_text(f"""-d '{{"image_url": "{IMAGE}"}}'""")


def test_a_picture_that_stands_in_another_page_itself_is_read_and_shown(page: Page) -> None:
    give_text(
        page, "drop", {"text/html": f'<img src="data:image/png;base64,{base64.b64encode(digit_png(6)).decode()}">'}
    )
    expect_digit(page, 6)
    expect(page.locator("#preview")).to_be_visible()


@pytest.mark.parametrize("locale", WORDS)
def test_a_picture_that_cannot_be_fetched_is_to_be_saved_and_chosen(
    open_page: Callable[..., Page], locale: str
) -> None:
    page = open_page(locale)
    for address in ("http://10.0.0.1/3.png", "http://nowhere.invalid/3.png", "http://nowhere.invalid:1/'\"$(x)"):
        give_text(page, "drop", {"text/uri-list": address})
        expect_error(page, WORDS[locale]["fetch_failed"])
        page.get_by_role("button").nth(1).click()
    give_text(page, "drop", {"text/html": '<img src="blob:https://a.example/1">'})
    expect_error(page, WORDS[locale]["fetch_failed"])


def test_text_that_is_no_address_changes_nothing(page: Page) -> None:
    draw(page, SEVEN)
    expect_digit(page, 7)
    for text in ("seven", "ftp://a.example/7.png", "javascript:alert(7)", ""):
        give_text(page, "paste", {"text/plain": text})
    expect_digit(page, 7)
    assert _has_ink(page)


def test_drawing_on_a_picture_begins_anew_and_undo_brings_the_picture_back(page: Page) -> None:
    give(page, "paste", "eight.png", digit_png(8))
    expect_digit(page, 8)
    draw(page, SEVEN)
    expect_digit(page, 7)
    expect(page.locator("#preview")).to_be_hidden()
    page.keyboard.press("Control+z")
    expect_digit(page, 8)
    expect(page.locator("#preview")).to_be_visible()


# ---- Errors ----


@pytest.mark.parametrize("locale", WORDS)
@pytest.mark.parametrize("code", BROKEN)
def test_what_cannot_be_read_is_answered_in_words(open_page: Callable[..., Page], code: str, locale: str) -> None:
    page = open_page(locale)
    give(page, "drop", "broken", BROKEN[code])
    expect_error(page, WORDS[locale][code])
    page.keyboard.press("Control+z")
    draw(page, SEVEN)
    expect_digit(page, 7)


@pytest.mark.parametrize("locale", WORDS)
@pytest.mark.parametrize(
    ("body", "shown"),
    [
        pytest.param('{"result": -1, "errMsg": "…", "errCode": "inference_failed"}', "inference_failed", id="a fault"),
        pytest.param('{"errorCode": -1, "errorMessage": "…"}', "500", id="the platform's own answer"),
        pytest.param("<h1>Bad gateway</h1>", "500", id="no JSON"),
    ],
)
def test_any_other_failure_is_a_sentence_and_a_code(
    open_page: Callable[..., Page], body: str, shown: str, locale: str
) -> None:
    page = open_page(locale)
    page.route("**/", lambda route: route.fulfill(status=500, body=body))
    draw(page, SEVEN)
    expect_error(page, WORDS[locale]["general"].format(shown))


@pytest.mark.parametrize("body", ["[]", "null", "7", '{"result": 7}', '{"result": 12, "probabilities": [1]}'])
def test_an_answer_that_makes_no_sense_is_shown_as_a_failure(page: Page, body: str) -> None:
    page.route("**/", lambda route: route.fulfill(body=body, content_type="application/json"))
    draw(page, SEVEN)
    expect_error(page, WORDS["en-GB"]["general"].format(200))


@pytest.mark.parametrize("locale", WORDS)
def test_the_page_says_that_there_is_no_network(chromium: Browser, address: str, locale: str) -> None:
    page, _ = watched_page(chromium.new_context(locale=locale))  # Chromium itself writes of it into the console
    page.goto(address)
    page.route("**/", lambda route: route.abort())
    draw(page, SEVEN)
    expect_error(page, WORDS[locale]["unreachable"])
    page.unroute("**/")
    draw(page, SEVEN)
    expect_digit(page, 7)
    page.context.close()


@pytest.mark.parametrize("locale", WORDS)
def test_a_drawing_that_is_being_read_is_not_called_missing_and_a_wait_has_an_end(
    open_page: Callable[..., Page], locale: str
) -> None:
    page = open_page(locale)
    page.clock.install()
    page.route("**/", lambda _: None)  # nothing ever answers
    draw(page, SEVEN)
    expect(page.locator("#words")).to_have_text(WORDS[locale]["reading"])
    with page.expect_request(_is_question):
        page.clock.run_for(1000)
    page.clock.fast_forward(58_000)
    expect(page.locator("#words")).to_have_text(WORDS[locale]["reading"])
    page.clock.fast_forward(2_000)
    expect_error(page, WORDS[locale]["unanswered"])
    page.unroute("**/")
    draw(page, [SEVEN[0][:2]])
    page.clock.run_for(1000)
    expect_digit(page, 7)


def test_a_drawing_that_undo_brings_back_is_not_called_missing(page: Page) -> None:
    draw(page, SEVEN)
    expect_digit(page, 7)
    page.get_by_role("button", name="Clear").click()
    expect(page.locator("#words")).to_have_text("Nothing drawn yet")
    page.route("**/", lambda _: None)
    page.keyboard.press("Control+z")
    expect(page.locator("#words")).to_have_text(WORDS["en-GB"]["reading"])


@pytest.mark.parametrize("locale", WORDS)
def test_a_proxy_that_finds_a_picture_too_large_is_understood(open_page: Callable[..., Page], locale: str) -> None:
    page = open_page(locale)
    page.route("**/", lambda route: route.fulfill(status=413, body="<h1>413 Request Entity Too Large</h1>"))
    draw(page, SEVEN)
    expect_error(page, WORDS[locale]["body_too_large"])


@pytest.mark.parametrize("path", ["//", "//behind/a/prefix/", "//other.example"])
def test_the_page_asks_its_own_host_whatever_its_path_begins_with(chromium: Browser, address: str, path: str) -> None:
    page, messages = watched_page(chromium.new_context())
    own = address.rstrip("/") + path
    html = PAGE.read_text(encoding="utf-8")
    page.route(own, lambda route: _answer(route, 7) if _is_question(route.request) else route.fulfill(body=html))
    page.goto(own)
    with page.expect_request(_is_question) as question:
        draw(page, SEVEN)
    expect_digit(page, 7)
    assert question.value.url == own
    assert not messages
    page.context.close()


def test_the_words_for_errors_are_those_of_codes_that_exist_and_the_same_in_both_languages() -> None:
    tables = re.findall(r"errors: {(.*?)}", PAGE.read_text(), re.S)
    first, second = (re.findall(r"^ *(\w+): '", table, re.M) for table in tables)
    assert first == second
    assert set(first) - {"unreachable", "unanswered", "file_unreadable"} <= {
        error.code for error in _all_errors(MnistInferError)
    }


# ---- The line for a terminal ----


@pytest.mark.parametrize("clipboard", ["allowed", "absent"])
@pytest.mark.parametrize("size", ["short", "long"])
def test_the_line_that_is_copied_gives_the_digit_that_is_shown(
    open_page: Callable[..., Page], size: str, clipboard: str
) -> None:
    page = open_page(permissions=["clipboard-read", "clipboard-write"])
    if clipboard == "absent":  # as on an address without TLS
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined, configurable: true})")
    if size == "long":
        noise = np.random.default_rng(1).integers(0, 8, (448, 448), np.uint8)
        photo = np.asarray(Image.open(EXAMPLES / "digits" / "2-photo.jpg").convert("L"))
        give(page, "drop", "long.png", encode((photo // 8 * 8 + noise).astype(np.uint8)))
        expect_digit(page, 2)
    else:
        draw(page, SEVEN)
        expect_digit(page, 7)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    line = page.evaluate("delete navigator.clipboard && navigator.clipboard.readText()")
    assert ("<<'JSON'" in line) == (size == "long") == (len(line) > 100_000)
    said = subprocess.run(["bash"], input=line, capture_output=True, text=True, timeout=60, check=True).stdout
    assert json.loads(said) == {"result": 2 if size == "long" else 7}
    shown = page.locator("#command").inner_text()
    assert len(shown) < 400
    assert shown.split("…")[0] in line


def test_the_line_names_the_address_of_the_page_with_its_path(page: Page, address: str) -> None:
    draw(page, SEVEN)
    expect_digit(page, 7)
    expect(page.locator("#command")).to_contain_text(f"'{address}'")


# ---- Language ----


@pytest.mark.parametrize(
    ("locale", "lang", "title"),
    [
        ("en-GB", "en", "Draw a digit"),
        ("zh-CN", "zh-CN", "写一个数字"),
        ("zh-TW", "zh-CN", "写一个数字"),
        ("fr-FR", "en", "Draw a digit"),
    ],
)
def test_the_page_speaks_the_browsers_language(
    open_page: Callable[..., Page], locale: str, lang: str, title: str
) -> None:
    page = open_page(locale)
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    expect(page.locator("html")).to_have_attribute("lang", lang)
    assert page.title().startswith(title)


def test_the_switch_changes_the_language_and_keeps_drawing_and_answer(page: Page) -> None:
    draw(page, SEVEN)
    expect_digit(page, 7)
    page.get_by_role("link", name="中文").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("写一个数字")
    expect(page.locator("#words")).to_have_text(re.compile("^置信度 [0-9.]+%$"))
    expect(page.locator("#milliseconds")).to_have_text(re.compile("毫秒"))
    expect_digit(page, 7)
    assert _has_ink(page)
    page.get_by_role("link", name="English").click()
    expect(page.locator("#words")).to_have_text(re.compile("sure$"))


def test_both_languages_have_words_for_everything(open_page: Callable[..., Page]) -> None:
    for locale in WORDS:
        text = open_page(locale).locator("html").inner_html()
        assert "undefined" not in text.split("<script>")[0]
    keys = "(words) => Object.keys(words).sort()"
    page = open_page()
    assert page.evaluate(f"({keys})(WORDS.en)") == page.evaluate(f"({keys})(WORDS.zh)")


# ---- Keyboard and screen reader ----


def test_a_digit_is_drawn_and_cleared_with_the_keyboard_alone(page: Page) -> None:
    expect_focus = ["#switch", "#canvas", "#undo", "#clear", "#file"]
    for target in expect_focus:
        page.keyboard.press("Tab")
        expect(page.locator(target)).to_be_focused()
    for _ in range(3):
        page.keyboard.press("Shift+Tab")
    for _ in range(8):
        page.keyboard.press("ArrowUp")
    page.keyboard.press("Space")
    expect(page.locator("#aside")).to_have_text("The pen is down")
    for _ in range(16):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#aside")).to_have_text("The pen is up")
    expect_digit(page, 1)
    page.keyboard.press("Delete")
    expect(page.locator("#digit")).to_be_empty()


def test_a_space_bar_that_is_held_down_is_one_press_and_undo_lifts_the_pen(page: Page) -> None:
    page.locator("#canvas").focus()
    for _ in range(4):
        page.keyboard.down("Space")
    page.keyboard.up("Space")
    page.keyboard.press("ArrowDown")
    assert [len(stroke) for stroke in page.evaluate("sheet().strokes")] == [2]
    page.keyboard.press("Control+z")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    expect(page.locator("#aside")).to_have_text("The pen is down")
    assert [len(stroke) for stroke in page.evaluate("sheet().strokes")] == [1]
    page.keyboard.press("Backspace")  # as Mac laptops call their delete key
    assert page.evaluate("isEmpty()")


def test_a_file_is_chosen_with_the_keyboard_alone(page: Page) -> None:
    with page.expect_file_chooser() as chooser:  # around all of it: the browser is told of it without waiting for it
        page.locator("#clear").focus()
        page.keyboard.press("Tab")
        expect(page.locator("#file")).to_be_focused()
        page.keyboard.press("Space")
    chooser.value.set_files(EXAMPLES / "digits" / "2-photo.jpg")
    expect_digit(page, 2)


def test_what_has_the_focus_is_outlined(page: Page) -> None:
    for outlined in ("#switch", "#sheet", "#undo", "#clear", "label"):
        page.keyboard.press("Tab")
        assert page.locator(outlined).evaluate("(e) => getComputedStyle(e).outlineStyle") == "solid", outlined


def test_the_answer_is_announced_politely(page: Page) -> None:
    draw(page, SEVEN)
    expect_digit(page, 7)
    expect(page.get_by_role("status").first).to_have_text(re.compile(r"7\s*[\d.]+% sure\s*\d+ ms"))
    expect(page.get_by_role("list", name="Probability of each digit").get_by_role("listitem")).to_have_count(10)
    for landmark in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(landmark)).to_have_count(1)


@pytest.mark.parametrize("locale", WORDS)
@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("device", [PHONE, DESKTOP], ids=["phone", "desktop"])
def test_axe_finds_nothing_to_improve(
    open_page: Callable[..., Page], device: dict[str, Any], colours: str, locale: str
) -> None:
    page = open_page(locale, color_scheme=colours, reduced_motion="reduce", **device)
    _expect_no_violation(page)
    draw(page, SEVEN)
    expect_digit(page, 7)
    _expect_no_violation(page)
    give(page, "drop", "broken", b"no picture")
    expect_error(page, WORDS[locale]["image_format_unknown"])
    _expect_no_violation(page)


@pytest.mark.parametrize("width", [320, 390, 768, 1120])
def test_nothing_is_wider_than_the_screen(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    draw(page, [SEVEN[0][:4]])
    expect(page.locator("#terminal")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


# ---- What is served ----


def test_the_page_is_one_file_that_asks_for_nothing_else(open_page: Callable[..., Page]) -> None:
    page = open_page()
    assert page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.name)") == []


def test_its_policy_allows_its_own_script_and_style_and_no_other(chromium: Browser, address: str) -> None:
    page, _ = watched_page(chromium.new_context())  # what is blocked is written into the console
    page.goto(address)
    policy = requests.get(address, timeout=10).headers["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["default-src"] == "'none'"
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", directives["script-src"])
    assert re.fullmatch(r"'sha256-[\w+/]{43}='", directives["style-src"])
    blocked = page.evaluate("""new Promise((resolve) => {
      document.addEventListener('securitypolicyviolation', (event) => {
        event.stopImmediatePropagation();
        resolve(event.effectiveDirective);
      });
      document.head.append(Object.assign(document.createElement('script'), {textContent: 'window.foreign = 1'}));
    })""")
    assert blocked == "script-src-elem"
    assert page.evaluate("window.foreign") is None
    page.context.close()


# ---- Around the tests ----


def _answer(route: Route, digit: int, probabilities: list[float] | None = None) -> None:
    shares = probabilities or [float(other == digit) for other in range(10)]
    route.fulfill(json={"result": digit, "probabilities": shares})


def _is_question(request: Request) -> bool:
    return request.method == "POST"


def _payload(request: Request) -> dict[str, Any]:
    payload = request.post_data_json
    assert isinstance(payload, dict)
    return payload


def _questions(page: Page) -> list[bytes]:
    """Return the list that the pictures of every question from now on will be in."""
    pictures: list[bytes] = []

    def note(request: Request) -> None:
        if _is_question(request):
            pictures.append(_decoded(_payload(request)["image_base64"]))

    page.on("request", note)
    return pictures


def _decoded(base64_text: str) -> bytes:
    return base64.b64decode(base64_text, validate=True)


def _ink_share(content: bytes) -> float:
    return float((np.asarray(Image.open(io.BytesIO(content)).convert("L")) < 128).mean())


def _has_ink(page: Page) -> bool:
    """Whether much of the sheet, as it is on the screen, has the colour of ink."""
    page.evaluate("new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)))")
    colour = page.locator("#canvas").evaluate("(canvas) => getComputedStyle(canvas).color")
    ink = [int(part) for part in re.findall(r"\d+", colour)]
    sheet = np.asarray(Image.open(io.BytesIO(page.locator("#sheet").screenshot())).convert("RGB"))
    return bool((sheet == ink).all(2).mean() > 0.02)


def _all_errors(base: type[MnistInferError]) -> Iterator[type[MnistInferError]]:
    yield base
    for error in base.__subclasses__():
        yield from _all_errors(error)


def _expect_no_violation(page: Page) -> None:
    results = Axe().run(page, options={"resultTypes": ["violations"]})
    assert not results.violations_count, results.generate_snapshot()
