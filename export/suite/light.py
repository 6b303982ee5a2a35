"""Light, noise, colours and image files."""

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

from export.suite.kind import Kind

Colour = tuple[int, int, int]


@cache
def _noise_sheet() -> NDArray[np.float32]:
    """Return a sheet of normal noise, float32, from which pictures take pieces: to make it anew takes too long."""
    return np.random.default_rng(1).standard_normal((2048, 2048), np.float32)


def noise_around_128(random: np.random.Generator, size: tuple[int, int], deviation: float) -> Image.Image:
    """Return noise around 128, an image of mode L."""
    left, top = (int(random.integers(2048 - length + 1)) for length in size)
    piece = _noise_sheet()[top : top + size[1], left : left + size[0]]
    return Image.fromarray((piece * np.float32(deviation) + np.float32(128.5)).clip(0, 255).astype(np.uint8))


def with_noise(kind: Kind, random: np.random.Generator, picture: Image.Image) -> Image.Image:
    """Return a colour picture with the noise of a sensor."""
    noise = noise_around_128(random, picture.size, random.uniform(*kind.noise))
    return ImageChops.add(picture, Image.merge("RGB", (noise,) * 3), offset=-128)


def grain_mask(random: np.random.Generator, size: tuple[int, int], grain: float, low: float) -> Image.Image:
    """Return what paper or board leaves of the ink: noise with grains of some pixels, from `low` of 255 upwards."""
    small = (max(round(size[0] / grain), 1), max(round(size[1] / grain), 1))
    noise = np.asarray(noise_around_128(random, small, 60), np.float32) / 255
    level = (low + (1 - low) * (noise * 1.6 - 0.1).clip(0, 1)) * 255
    return Image.fromarray(level.astype(np.uint8)).resize(size, Image.Resampling.BILINEAR)


def light_level(kind: Kind, random: np.random.Generator, size: tuple[int, int]) -> Image.Image:
    """Return how bright white paper is: a gradient, the corners' vignette and perhaps a shadow, of mode L."""
    small = (round(size[0] / 8), round(size[1] / 8))
    y, x = np.mgrid[-1 : 1 : small[1] * 1j, -1 : 1 : small[0] * 1j]
    angle = random.uniform(0, 2 * np.pi)
    light = 1 - random.uniform(*kind.gradient) * (1 + (np.cos(angle) * x + np.sin(angle) * y) / np.sqrt(2)) / 2
    light *= 1 - random.uniform(*kind.vignette) * (x**2 + y**2) / 2
    if random.uniform() < 0.6:
        light *= 1 - random.uniform(*kind.shadow) * _shadow(kind, random, small)
    level = (light * random.uniform(*kind.light) * 255).clip(0, 255).astype(np.uint8)
    return Image.fromarray(level).resize(size, Image.Resampling.BICUBIC)


def _shadow(kind: Kind, random: np.random.Generator, size: tuple[int, int]) -> NDArray[np.float64]:
    """Return the shadow of a phone or of a hand that reaches in from an edge: float64 [height, width], 1 is full."""
    longer = max(size)
    mask = Image.new("L", size)
    draw = ImageDraw.Draw(mask)
    angle = random.uniform(0, 2 * np.pi)
    inwards = np.array([np.cos(angle), np.sin(angle)])
    across = np.array([-inwards[1], inwards[0]])
    tip = np.array(size) / 2 - inwards * longer * random.uniform(-0.25, 0.3)
    if random.uniform() < 0.5:
        half = across * longer * random.uniform(0.15, 0.35)
        back = tip - inwards * longer * 1.5
        draw.polygon([tuple(corner) for corner in (tip - half, tip + half, back + half, back - half)], fill=255)
    else:
        palm = random.uniform(0.18, 0.3) * longer
        for i in range(4):
            finger = tip + across * palm * (i - 1.5) * 0.55 - inwards * palm * abs(i - 1.3) * 0.25
            knuckle = finger - inwards * palm * 1.2
            draw.line((*finger, *knuckle), fill=255, width=max(round(palm * 0.42), 1))
            r = palm * 0.21
            draw.ellipse((*(finger - r), *(finger + r)), fill=255)
        arm = tip - inwards * palm * 1.6
        draw.ellipse((*(arm - palm), *(arm + palm)), fill=255)
        draw.line((*arm, *(arm - inwards * longer * 1.5)), fill=255, width=max(round(palm * 1.3), 1))
    soft = mask.filter(ImageFilter.GaussianBlur(random.uniform(*kind.penumbra) * longer / 2))
    return np.asarray(soft, np.float64) / 255


def tint(light: Image.Image, colour: Colour) -> Image.Image:
    """Return a surface of a colour in a light."""
    channels = [light.point([round(level * part / 255) for level in range(256)]) for part in colour]
    return Image.merge("RGB", channels)


def save(image: Image.Image, file_format: str, **options: object) -> bytes:
    """Return an image file."""
    file = io.BytesIO()
    image.save(file, file_format, **options)
    return file.getvalue()


def save_jpeg(kind: Kind, random: np.random.Generator, image: Image.Image) -> bytes:
    """Return a JPEG file of the kind's quality."""
    return save(image, "JPEG", quality=round(random.uniform(*kind.quality)))


def vary(random: np.random.Generator, colour: Colour, spread: int) -> Colour:
    """Return a colour like another."""
    red, green, blue = (int(c) for c in (np.array(colour) + random.integers(-spread, spread + 1, 3)).clip(0, 255))
    return red, green, blue


def choose(random: np.random.Generator, options: Sequence[Colour]) -> Colour:
    """Return one of the colours, each as likely as any other."""
    return options[int(random.integers(len(options)))]
