"""What charts say on hover, in one form everywhere: where or when, then the value with its unit; beside it the series.

Where all series of a moment are told in one box (``hovermode`` is ``x unified``), its title says when, and each line
names its series: then ``value`` is all that a trace needs.
"""

from tamrl.figures.style import unit_label
from tamrl.schema import FLUX_UNIT

#: Unit of a flux as it is written in figures.
FLUX = unit_label(FLUX_UNIT)
#: The day of a point on an axis of dates, and the centre of a cell of a map with longitude on the x axis.
DAY, CELL = "%{x|%Y-%m-%d}", "Latitude %{y:.0f}°, longitude %{x:.0f}°"
#: Titles of unified boxes over numbers of months and of days of the year.
MONTH, DAY_OF_YEAR = "Month %{x}", "Day %{x:.0f} of the year"


def value(unit: str = FLUX, of: str = "y", digits: str = ".2f") -> str:
    """Return a value with its unit as a template of plotly, ``%{y:.2f} gC m⁻² d⁻¹``.

    Args:
        unit: as it is written in figures; empty for none.
        of: what is told: ``x``, ``y``, ``z`` or ``customdata[0]``.
        digits: format of d3.
    """
    return f"%{{{of}:{digits}}} {unit}".rstrip()


def told(where: str, said: str, series: str = "") -> str:
    """Return the template of a box of its own: where or when, what is said of it, and the series in the box beside."""
    return f"{where}: {said}<extra>{series}</extra>"
