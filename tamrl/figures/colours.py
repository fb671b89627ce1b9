"""Colours of fluxes, classes, models and fields, each with its source, whose maker checked it for colour-blind readers.

Categorical colours follow Okabe and Ito (2008), https://jfly.uni-koeln.de/color/. Sequential scales are
cmocean 4.0.3 (Thyng et al. 2016, doi:10.5670/oceanog.2016.66) sampled at 13 steps. The diverging scales are
those of ColorBrewer (Brewer, https://colorbrewer2.org, Apache-2.0).
"""

from typing import Literal, NamedTuple

from tamrl.schema import IGBP, UNKNOWN

#: Colour of one flux as a line or marker, by theme.
FLUX = {
    "light": {"GPP": "#00835c", "RECO": "#c05a00", "NEE": "#2563a8"},
    "dark": {"GPP": "#3ecf9a", "RECO": "#f0934a", "NEE": "#7ab8f0"},
}
#: Colour of what is compared in the lab, by theme.
ROLE = {
    "light": {"observed": "#3b4252", "zero-shot": "#d48a00", "adapted": "#0072b2", "support": "#8a63d2"},
    "dark": {"observed": "#d5dae3", "zero-shot": "#f0b840", "adapted": "#56b4e9", "support": "#b79cf0"},
}
#: Colour of a driver as a line, by theme.
DRIVER = {"light": "#5b6675", "dark": "#aab4c2"}
#: Colour of TAM-RL beside other models; and of what cannot be told from no difference, as its 95 % interval holds zero.
ACCENT = {"light": "#0a7d4f", "dark": "#4fd39a"}
UNSURE = {"light": "#8b929c", "dark": "#7d858f"}
#: Colours of each model in the light and the dark theme: TAM-RL wears the accent, the baselines are muted.
MODEL = {
    "tamrl": (ACCENT["light"], ACCENT["dark"]),
    "tamrl-1": ("#3f9c78", "#8fdcc0"),
    "tamrl-published": ("#6fb39b", "#b5e6d3"),
    "tamrl-encode": ("#4fa888", "#a6e3cb"),
    "xgboost": ("#66717f", "#a9b4c0"),
    "xgboost-support": ("#5c7fa3", "#8fb4da"),
    "lightgbm-lags": ("#7b6a58", "#c2ad95"),
    "lightgbm": ("#97a1ac", "#77818d"),
    "random-forest": ("#a3abb5", "#77818d"),
    "ct-lstm": ("#8a5fa0", "#c7a0da"),
    "lstm": ("#b08fc0", "#93739f"),
    "maml": ("#a8703a", "#d9a16b"),
    "seasonal-cycle": ("#a89a3c", "#cfc06a"),
    "climatology": ("#b5ab98", "#7d776b"),
}
UNKNOWN_MODEL = ("#7a7f86", "#9aa1a9")
#: Better, neither and worse: blue and orange stay apart for every reader; and type on them.
WIN = {"light": "#2f7fb8", "dark": "#5aa9dd"}
TIE = {"light": "#d4d3cb", "dark": "#454d48"}
LOSS = {"light": "#d8812b", "dark": "#e39a4f"}
ON_OUTCOME = {
    "light": {"win": "#ffffff", "tie": "#23302a", "loss": "#1b1206"},
    "dark": {"win": "#08121a", "tie": "#e6e9e3", "loss": "#1b1206"},
}
#: What is worse, as points and bars beside those of the accent.
LOSS_INK = {"light": "#c06a2b", "dark": "#dc9257"}
#: Colours of runs of the lab, none of them that of a flux.
RUNS = {
    "light": ("#0072b2", "#a3478a", "#6b5b00", "#4b5563", "#8a4b2a", "#00798c"),
    "dark": ("#56b4e9", "#e08cc8", "#dcc94a", "#b8c0cc", "#d0987c", "#5cc8d6"),
}
#: Colours of sets of maps in the order in which they are on offer: Okabe and Ito (2008), darkened or lightened; none
#: is that of RECO or NEE.
MAPS = {
    "light": ("#00735a", "#a3487f", "#7a6a00", "#4b5563", "#2c8fbf", "#8a4b2a", "#6f5aa8"),
    "dark": ("#3ecf9a", "#e39ac6", "#d9c95a", "#b8c0cc", "#6fc7ea", "#d0987c", "#b9a5e8"),
}
#: Regions beside each other, by turns.
REGION = {"light": ("#c9ccc4", "#dcded7"), "dark": ("#3b433e", "#4a534d")}

# cmocean "algae", "matter".
ALGAE = (
    "#d7f9d0",
    "#bde6b1",
    "#a2d595",
    "#84c47a",
    "#64b463",
    "#3ba654",
    "#129450",
    "#08814c",
    "#126e45",
    "#185b3b",
    "#1a482f",
    "#173622",
    "#122414",
)
MATTER = (
    "#feedb0",
    "#fbd094",
    "#f7b37c",
    "#f29567",
    "#eb7858",
    "#e05d53",
    "#ce4356",
    "#b8315d",
    "#9f2462",
    "#821c63",
    "#66185c",
    "#4a154f",
    "#2f0f3e",
)
# ColorBrewer BrBG with 11 classes, turned round: low (uptake) green, high (release) brown.
GREEN_BROWN = (
    "#003c30",
    "#01665e",
    "#35978f",
    "#80cdc1",
    "#c7eae5",
    "#f5f5f5",
    "#f6e8c3",
    "#dfc27d",
    "#bf812d",
    "#8c510a",
    "#543005",
)
# ColorBrewer RdBu with 11 classes, turned round: low (uptake) blue, high (release) red.
BLUE_RED = (
    "#053061",
    "#2166ac",
    "#4393c3",
    "#92c5de",
    "#d1e5f0",
    "#f7f7f7",
    "#fddbc7",
    "#f4a582",
    "#d6604d",
    "#b2182b",
    "#67001f",
)
# ColorBrewer PuOr with 11 classes: low purple, high orange.
PURPLE_ORANGE = (
    "#2d004b",
    "#542788",
    "#8073ac",
    "#b2abd2",
    "#d8daeb",
    "#f7f7f7",
    "#fee0b6",
    "#fdb863",
    "#e08214",
    "#b35806",
    "#7f3b08",
)
# ColorBrewer PuRd with 9 classes.
PURPLE_RED = ("#f7f4f9", "#e7e1ef", "#d4b9da", "#c994c7", "#df65b0", "#e7298a", "#ce1256", "#980043", "#67001f")
#: cividis of matplotlib 3.11 (Nunez et al. 2018, doi:10.1371/journal.pone.0199239, CC0) at 9 steps.
CIVIDIS = ("#00224e", "#1a386f", "#434e6c", "#61656f", "#7d7c78", "#9b9476", "#bcae6c", "#dec958", "#fee838")
# viridis of matplotlib (Smith and van der Walt 2015, CC0) at 10 steps.
VIRIDIS = ("#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725")
# ColorBrewer Greys with 9 classes, turned round, without white, which is that of the page.
GREYS = ("#000000", "#252525", "#525252", "#737373", "#969696", "#bdbdbd", "#d9d9d9", "#f0f0f0")


class Palette(NamedTuple):
    """Colours of maps of fluxes that the reader can choose.

    Attributes:
        label: its name.
        sequential: of GPP and RECO, from dark to bright.
        diverging: of NEE, from uptake to release.
    """

    label: str
    sequential: tuple[str, ...]
    diverging: tuple[str, ...]


#: Palettes by the name that the URL uses, besides the own colours of each flux.
PALETTES = {
    "safe": Palette("Colour-blind safe", CIVIDIS, BLUE_RED),
    "viridis": Palette("Viridis", VIRIDIS, BLUE_RED),
    "grey": Palette("Grey, for print", GREYS, BLUE_RED),
}
#: Name of the own colours of each flux.
OWN = "own"
#: Field scale of each flux; NEE is diverging and always drawn centred on zero.
SCALE = {"GPP": ALGAE, "RECO": MATTER, "NEE": GREEN_BROWN}

#: Zero of a diverging scale on a dark ground.
_DARK_ZERO = "#262a27"

#: Land-cover classes: forests green, shrubs and savannas yellow to brown, water blue, people pink.
CLASS = {
    "ENF": "#1f7a4d",
    "EBF": "#35b86a",
    "DNF": "#5f8f3c",
    "DBF": "#8fce4f",
    "MF": "#0f8f86",
    "CSH": "#8a6d1f",
    "OSH": "#c9a83e",
    "WSA": "#b4632b",
    "SAV": "#e3913a",
    "GRA": "#f2d33c",
    "WET": "#3f83d6",
    "CRO": "#d65a9c",
    "URB": "#6d6f78",
    "CVM": "#9d6bc4",
    "SNO": "#9fd3f2",
    "BSV": "#a08f7c",
    "WAT": "#20479c",
    UNKNOWN: "#8b929c",
}
assert set(CLASS) == {*IGBP, UNKNOWN}
#: Kinds of vegetation differ in sign as well, since twelve classes are too many for colours alone.
CLASS_SIGN = {
    **dict.fromkeys(("ENF", "EBF", "DNF", "DBF", "MF"), "circle"),
    **dict.fromkeys(("CSH", "OSH"), "diamond"),
    **dict.fromkeys(("WSA", "SAV"), "triangle-up"),
    **dict.fromkeys(("GRA",), "square"),
    **dict.fromkeys(("CRO", "CVM"), "cross"),
    **dict.fromkeys(("WET", "WAT"), "triangle-down"),
}
OTHER_SIGN = "x"
#: The markers of plotly as characters, for legends outside figures.
GLYPHS = {
    "circle": "●",
    "circle-open": "○",
    "square": "■",
    "square-open": "□",
    "hexagon": "⬢",
    "hexagon-open": "⬡",
    "triangle-up": "▲",
    "triangle-down": "▼",
    "diamond": "◆",
    "diamond-open": "◇",
    "cross": "✚",
    "x": "✖",
    "star": "★",
}
#: Main climates.
CLIMATE = {"A": "#009e73", "B": "#e69f00", "C": "#56b4e9", "D": "#0072b2", "E": "#cc79a7", UNKNOWN: CLASS[UNKNOWN]}


def on_dark(diverging: tuple[str, ...]) -> tuple[str, ...]:
    """Return a diverging scale for a dark ground: dark where it parts, brightest at its ends, the hues as they are.

    The darkest step of either side is left out: it would be darker than zero.
    """
    half = len(diverging) // 2
    return (*diverging[1:half][::-1], _DARK_ZERO, *diverging[half + 1 : -1][::-1])


def field_scale(name: str, dark: bool = False, palette: str = OWN) -> tuple[str, ...]:
    """Return the field scale of flux ``name`` from low to high: large values contrast most with the background.

    On a dark ground sequential scales run from dark to bright, and that of NEE from bright by dark to bright.

    Args:
        name: GPP, RECO or NEE.
        dark: whether the ground is dark.
        palette: a name in ``PALETTES``, or ``OWN``.
    """
    chosen = PALETTES.get(palette)
    if name == "NEE":
        colours = chosen.diverging if chosen else SCALE[name]
        return on_dark(colours) if dark else colours
    if chosen:
        return chosen.sequential if dark else chosen.sequential[::-1]
    # The two darkest steps would drown in the sea of the dark theme.
    return SCALE[name][:-2][::-1] if dark else SCALE[name][:-2]


def plotly_scale(name: str, dark: bool = False, palette: str = OWN) -> list[list[float | str]]:
    """Return the field scale of flux ``name`` as plotly's list of [position 0-1, colour], see ``field_scale``."""
    colours = SCALE[name] if palette == OWN and not dark else field_scale(name, dark, palette)
    return [[i / (len(colours) - 1), c] for i, c in enumerate(colours)]


def rgb(colour: str, alpha: int = 255) -> list[int]:
    """Return ``#rrggbb`` as [red, green, blue, alpha], each 0-255, as deck.gl reads it."""
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)] + [alpha]


def rgba(colour: str, alpha: float) -> str:
    """Return ``#rrggbb`` as a CSS colour with opacity ``alpha`` (0-1)."""
    r, g, b, _ = rgb(colour)
    return f"rgba({r},{g},{b},{alpha})"


def density_scale(theme: Literal["light", "dark"]) -> list[list[float | str]]:
    """Return the colours of counts and areas for plotly, from few, near the paper, to many."""
    colours = ALGAE if theme == "light" else ALGAE[::-1]
    return [[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)]
