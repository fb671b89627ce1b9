"""Hook of mkdocs: equations become pictures when the site is built, so that it needs no script and no network.

In the Markdown they stay TeX between dollar signs, as GitHub and most editors show them.
"""

import html
import io
import re
from typing import Any

from matplotlib import rc_context
from matplotlib.font_manager import FontProperties
from matplotlib.mathtext import math_to_image

#: Code is left alone: fenced blocks and spans.
_CODE = re.compile(r"(^```.*?^```|`[^`\n]+`)", re.DOTALL | re.MULTILINE)
_EQUATION = re.compile(r"\$\$(?P<block>.+?)\$\$|\$(?P<span>[^$\n]+)\$", re.DOTALL)
#: Size of the letters [pt], of which the site makes one em.
_SIZE = 12
_LOOK = {"mathtext.fontset": "cm", "svg.fonttype": "path", "svg.hashsalt": "tamrl"}


def picture(tex: str, block: bool) -> str:
    """Return an equation as SVG in the colour of the text around it.

    Raises:
        ValueError: matplotlib cannot read the TeX.
    """
    tex = " ".join(tex.split())
    buffer = io.StringIO()
    with rc_context(_LOOK):
        depth = math_to_image(f"${tex}$", buffer, prop=FontProperties(size=_SIZE), dpi=72, format="svg")
    drawn = buffer.getvalue()
    width, height = (float(re.search(rf'{side}="([\d.]+)pt"', drawn)[1]) for side in ("width", "height"))  # type: ignore[index]
    shift = "" if block else f"; vertical-align: {-depth / _SIZE:.3f}em"
    style = f"width: {width / _SIZE:.3f}em; max-width: 100%; height: auto{shift}"
    said = f'viewBox="0 0 {width} {height}" role="img" aria-label="{html.escape(tex)}"'
    head = f'<svg {said} fill="currentColor" style="{style}">'
    # The letters alone: neither the white ground nor styles, which would hold for the whole page.
    letters = drawn[drawn.index("<g transform", drawn.index('id="text_1"')) : drawn.rindex("</g>")]
    letters = letters[: letters.rindex("</g>")]
    body = re.sub(r"\s*\n\s*", " ", letters) + "</svg>"
    return f'\n\n<div style="text-align: center; margin: 1em 0">{head}{body}</div>\n\n' if block else head + body


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Draw the equations of a page."""

    def draw(found: re.Match[str]) -> str:
        return picture(found["block"] or found["span"], bool(found["block"]))

    parts = _CODE.split(markdown)
    return "".join(part if i % 2 else _EQUATION.sub(draw, part) for i, part in enumerate(parts))
