"""The comparison of pages: letters drawn a little otherwise are the same look; what is gone, moved or dark is not."""

import io

import looks
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter


def page(width, legend=True, figure=True, panel=0, dark=False, shift=0.0):
    """A made-up page of a width; ``shift`` moves every edge by a part of a pixel, as another font engine does."""
    ground, ink = ("#151a17", "#e6e9e3") if dark else ("#fdfcf9", "#23302a")
    image = Image.new("RGB", (width, 3 * width // 4), ground)
    draw = ImageDraw.Draw(image)
    for line in range(6):
        for word in range(width // 60):
            left, top = 20 + 50 * word, 20 + 18 * line
            draw.text((left, top), "words", fill=ink)
    if figure:
        draw.rectangle((20, 160, width // 2, 380), outline=ink)
        points = [(20 + x, 270 + 90 * np.sin(x / 25)) for x in range(width // 2 - 20)]
        draw.line(points, fill="#0072b2", width=2)
    draw.rectangle((width // 2 + 20 + panel, 160, width // 2 + 150 + panel, 220), fill="#2f7d4f")
    if legend:
        for place in range(4):
            draw.ellipse((30 + 70 * place, 140, 38 + 70 * place, 148), fill="#c05a00")
            draw.text((42 + 70 * place, 138), "series", fill=ink)
    if shift:
        moved = (1, 0, shift, 0, 1, shift)
        image = image.transform(image.size, Image.Transform.AFFINE, moved, Image.Resampling.BICUBIC)
        image = image.filter(ImageFilter.GaussianBlur(0.4))
    out = io.BytesIO()
    image.save(out, "png")
    return looks.shrunk(out.getvalue())


@pytest.mark.parametrize("width", [390, 1024])
@pytest.mark.parametrize("dark", [False, True])
def test_a_lost_legend_a_moved_panel_and_a_lost_figure_are_seen_and_letters_are_not(width, dark):
    kept = page(width, dark=dark)
    assert looks.worst(page(width, dark=dark, shift=0.4), kept) < 0.8 * looks.SAME
    for other in ({"legend": False}, {"figure": False}, {"panel": 24}, {"dark": not dark}):
        assert looks.worst(page(width, **({"dark": dark} | other)), kept) > looks.SAME, other


def test_the_picture_of_a_difference_shows_all_three_and_marks_the_place():
    kept, now = page(390), page(390, legend=False)
    both = np.asarray(looks.side_by_side(now, kept))
    assert both.shape == (kept.height, 3 * kept.width + 20, 3)
    marked = both[:, 2 * kept.width + 20 :].astype(int)
    red = marked[..., 0] - marked[..., 2] > 100
    rows = np.flatnonzero(red.any(axis=1))
    assert 0 < red.mean() < 0.3
    assert rows.min() >= 48  # the legend, not the words above it
    with pytest.raises(ValueError, match="pixels"):
        looks.blocks(kept, kept.resize((kept.width, 100)))


def test_kept_pictures_are_small_and_both_themes_differ():
    files = sorted(looks.FOLDER.glob("*.webp"))
    assert files
    assert sum(file.stat().st_size for file in files) < 600_000
    for file in files:
        if file.stem.endswith("-light"):
            light, dark = (looks.stored(file.stem.removesuffix("light") + theme) for theme in ("light", "dark"))
            assert looks.worst(light, dark) > 10 * looks.SAME
            gone = light.copy()
            box = (light.width // 4, light.height // 3, 3 * light.width // 4, 2 * light.height // 3)
            gone.paste(gone.getpixel((1, 1)), box)
            assert looks.worst(gone, light) > looks.SAME, file.name
