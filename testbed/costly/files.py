"""All makers of costly files, by name. A file is made when it is asked for: together they have gigabytes."""

from collections.abc import Callable

from testbed.costly.bmp_files import bmp_files
from testbed.costly.gif_files import gif_files
from testbed.costly.jpeg_files import jpeg_files
from testbed.costly.png_files import png_files
from testbed.costly.webp_files import webp_files

COSTLY_FILES: dict[str, Callable[[], bytes]] = dict(
    [*png_files(), *jpeg_files(), *webp_files(), *gif_files(), *bmp_files()]
)
