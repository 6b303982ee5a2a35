"""Pictures as people send them, made from MNIST's digits: the user-picture suite.

A digit of MNIST is 20x20 pixels of blurred ink. What a person would have drawn is won back from it
in two forms: the *outline*, enlarged, and the *strokes*, the path of the pen along the middle of the ink,
which can be drawn again with a pen of any width. Then it goes on a canvas, a board or a
sheet of paper, and becomes an image file.

A picture depends on its kind, its index and the digits alone: it has the same bytes on every run, in
whatever order the pictures are made. Nothing here is used in training.
"""

from export.suite.kind import Kind, Picture
from export.suite.kinds import HANDS, KINDS, NOT_DIGITS, make_picture, make_pictures
from export.suite.strokes import NoPenPath

__all__ = ["HANDS", "KINDS", "NOT_DIGITS", "Kind", "NoPenPath", "Picture", "make_picture", "make_pictures"]
