"""What the fuzzer of image files starts from."""

from testbed.valid_images import valid_images
from tests.fuzz.broken_images import broken_images


def image_seeds() -> dict[str, bytes]:
    """Return files by their names."""
    return {f"valid-{name}": content for name, content in valid_images().items()} | {
        f"broken-{name}": content for name, content in broken_images().items()
    }
