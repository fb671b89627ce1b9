"""How pages look: small pictures of them that are kept, and what counts as another look.

A page is shrunk to a picture of at most 300 px and softened, so that the edges of letters, which differ between
machines, are no difference. Two pictures are compared block by block: what is gone or has moved fills a block, and a
block that differs is not lost in the mean of the page.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter

FOLDER = Path(__file__).resolve().parents[1] / "browser" / "looks"
WIDTH, BLOCK = 300, 12
#: Mean difference of a block that is still the same look [levels of 255].
SAME = 8.0


def shrunk(png: bytes) -> Image.Image:
    """Return a screenshot as the picture that is kept."""
    with Image.open(io.BytesIO(png)) as image:
        # Of a telephone's page half: letters of which two pixels are left still differ by their edges.
        width = min(WIDTH, image.width // 2)
        height = round(image.height * width / image.width)
        return image.convert("RGB").resize((width, height), Image.Resampling.BOX)


def stored(name: str) -> Image.Image | None:
    """Return the picture that is kept under a name, None where there is none."""
    file = FOLDER / f"{name}.webp"
    if not file.is_file():
        return None
    with Image.open(file) as image:
        return image.convert("RGB")


def store(name: str, picture: Image.Image) -> None:
    """Keep a picture."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    picture.save(FOLDER / f"{name}.webp", quality=80, method=6)


def blocks(one: Image.Image, other: Image.Image) -> np.ndarray:
    """Return the mean absolute difference of each block (rows, columns) of two pictures [levels of 255].

    Raises:
        ValueError: they differ in size.
    """
    if one.size != other.size:
        raise ValueError(f"pictures of {one.size} and {other.size} pixels")
    soft = [np.asarray(image.filter(ImageFilter.GaussianBlur(1)), float) for image in (one, other)]
    apart = np.abs(soft[0] - soft[1]).mean(axis=2)
    room = [(0, -size % BLOCK) for size in apart.shape]
    apart = np.pad(apart, room, mode="edge")
    rows, columns = (size // BLOCK for size in apart.shape)
    return apart.reshape(rows, BLOCK, columns, BLOCK).mean(axis=(1, 3))


def worst(one: Image.Image, other: Image.Image) -> float:
    """Return the largest difference of a block of two pictures; above ``SAME`` they do not look the same."""
    return float(blocks(one, other).max())


def side_by_side(seen: Image.Image, kept: Image.Image) -> Image.Image:
    """Return what is kept, what is seen, and where they differ, in one picture."""
    apart = np.kron(blocks(seen, kept), np.ones((BLOCK, BLOCK)))[: seen.height, : seen.width]
    marked = np.asarray(seen.convert("L").convert("RGB"), float)
    marked[apart > SAME] = 0.4 * marked[apart > SAME] + 0.6 * np.array([255, 0, 0])
    both = Image.new("RGB", (3 * seen.width + 20, seen.height), "white")
    for place, picture in enumerate((kept, seen, Image.fromarray(marked.astype(np.uint8)))):
        both.paste(picture, (place * (seen.width + 10), 0))
    return both
