"""The one table of variables, and the class tables, that every other module reads.

Units inside the project: fluxes in gC m-2 d-1, NEE negative = uptake, NEE = RECO - GPP.
"""

from collections.abc import Hashable, Iterable
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Literal

from tamrl.errors import TamrlError

FLUXES = ("GPP", "RECO", "NEE")
FLUX_UNIT = "gC m-2 d-1"
#: A day counts as observed when at least this share of its half-hours was measured or well gap-filled.
QC_VALID = 0.7

Role = Literal["flux", "quality", "driver", "auxiliary"]
Resolution = Literal["daily", "monthly", "static"]


@dataclass(frozen=True)
class Variable:
    """One variable of the archive. A driver of the model is this row and nothing else, see docs/extend/driver.md.

    Attributes:
        name: name in every Dataset of the project.
        unit: unit in the archive, CF spelling.
        bounds: smallest and largest physically plausible value in that unit; values outside
            are set to missing and counted when an archive is made.
        long_name: label of axes and legends.
        role: flux (predicted), quality, driver (model input) or auxiliary (kept, not modelled).
        resolution: native resolution; static values are repeated on every step.
        standard_name: CF standard name, empty where CF has none.
        source: where the definition and the bounds come from.
        state: whether a value of a coarser step is one of something that changes slowly and is interpolated to days
            (``tamrl.towers.interpolate``); others are means or sums of their step and are repeated on its days.
        columns: of a FLUXNET daily file that hold it in ``unit``, the first one that is there counts: gap-filled with
            reanalysis first, then from the tower's own values alone.
        group: of drivers that come and go together and are hidden together in training; a driver alone where empty.
        accepted_units: in words, what the driver may come in; any product of these words is read.
        usual_mistakes: (median from, median to, unit): what a value outside the bounds usually is.
    """

    name: str
    unit: str
    bounds: tuple[float, float]
    long_name: str
    role: Role
    _: KW_ONLY
    resolution: Resolution = "daily"
    standard_name: str = ""
    source: str = "FLUXNET2015, Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3"
    state: bool = False
    columns: tuple[str, ...] = ()
    group: str = ""
    accepted_units: str = ""
    usual_mistakes: tuple[tuple[float, float, str], ...] = ()


_PTJPL = "A map that comes with PT-JPL, see the bundled global drivers (tamrl.globe.earth)"
_BESS = "Maps that come with BESS-JPL, see the bundled global drivers (tamrl.globe.earth)"
_SATELLITE = "Satellite series of the user, for example MODIS MCD15A2H and MOD13A1 (tamrl.towers.satellite)"
_MODIS = "MODIS as collected by Nathaniel et al. 2023, doi:10.1038/s41597-023-02349-y"
_KELVIN, _POWER, _PRESSURE = "K, degC", "W m-2, J m-2, MJ m-2 d-1", "Pa, hPa, kPa, mbar"
_WATER, _FRACTION = "m, mm, mm d-1, m s-1, kg m-2 s-1", "1, %"
_KELVINS = ((180, 340, "kelvin"), (60, 400, "0.1 degC"))
_PRESSURES = (
    *((400, 1100, "hPa"), (300, 825, "mmHg"), (40000, 110000, "Pa")),
    *((0.4, 1.1, "bar or atm"), (12, 33, "inHg"), (4, 11, "10 kPa")),
)
_FRACTIONS_OF_AIR = (
    *((1e-4, 1e-3, "mol mol-1"), (0.1, 1, "mmol mol-1")),
    *((1e5, 1e6, "nmol mol-1"), (10, 30, "mmol m-3")),
)
_SCALED = ((1000, 10_000, "steps of 1e-4"), (1, 100, "percent"))
_driver = partial(Variable, role="driver")
# Flux bounds: in 435,380 FLUXNET2015 site-days GPP above 30 or below -4 gC m-2 d-1 occurs only in
# runs that the partitioning of night-time fluxes broke (US-Syv 2003, AU-Tum, CA-Man).
_VARIABLES = (
    Variable(
        "GPP",
        FLUX_UNIT,
        (-4, 30),
        "Gross primary productivity",
        "flux",
        standard_name="gross_primary_productivity_of_biomass_expressed_as_carbon",
    ),
    Variable("RECO", FLUX_UNIT, (-4, 30), "Ecosystem respiration", "flux"),
    Variable("NEE", FLUX_UNIT, (-25, 25), "Net ecosystem exchange", "flux"),
    Variable(
        "NEE_QC",
        "1",
        (0, 1),
        "Share of half-hours measured or well gap-filled",
        "quality",
        usual_mistakes=((1, 3, "the half-hourly flag 0 to 3"), (3, 100, "percent")),
    ),
    Variable("GPP_DT", FLUX_UNIT, (-4, 30), "Gross primary productivity, day-time partitioning", "auxiliary"),
    Variable("RECO_DT", FLUX_UNIT, (-4, 30), "Ecosystem respiration, day-time partitioning", "auxiliary"),
    _driver(
        "TA",
        "degC",
        (-80, 60),
        "Air temperature",
        standard_name="air_temperature",
        columns=("TA_F", "TA_F_MDS"),
        accepted_units=_KELVIN,
        usual_mistakes=_KELVINS,
    ),
    _driver(
        "TA_MIN",
        "degC",
        (-90, 55),
        "Daily minimum air temperature",
        standard_name="air_temperature",
        group="TA extremes",
        accepted_units=_KELVIN,
        usual_mistakes=_KELVINS,
    ),
    _driver(
        "TA_MAX",
        "degC",
        (-75, 65),
        "Daily maximum air temperature",
        standard_name="air_temperature",
        group="TA extremes",
        accepted_units=_KELVIN,
        usual_mistakes=_KELVINS,
    ),
    _driver(
        "SW_IN",
        "W m-2",
        (0, 500),
        "Incoming shortwave radiation",
        standard_name="surface_downwelling_shortwave_flux_in_air",
        columns=("SW_IN_F", "SW_IN_F_MDS"),
        accepted_units=_POWER,
        usual_mistakes=((1000.0, 1000000000.0, "J m-2"),),
    ),
    _driver(
        "VPD",
        "hPa",
        (0, 100),
        "Vapour pressure deficit",
        standard_name="water_vapor_saturation_deficit_in_air",
        columns=("VPD_F", "VPD_F_MDS"),
        accepted_units=_PRESSURE,
        usual_mistakes=((100, 10000, "Pa"),),
    ),
    _driver(
        "LW_IN",
        "W m-2",
        (50, 600),
        "Incoming longwave radiation",
        standard_name="surface_downwelling_longwave_flux_in_air",
        columns=("LW_IN_F", "LW_IN_F_MDS"),
        accepted_units=_POWER,
        usual_mistakes=((1000.0, 1000000000.0, "J m-2"), (10, 50, "MJ m-2 d-1"), (-250, 50, "net longwave radiation")),
    ),
    _driver("P", "mm d-1", (0, 600), "Precipitation", columns=("P_F",), accepted_units=_WATER),
    _driver(
        "PA",
        "kPa",
        (40, 110),
        "Air pressure",
        standard_name="surface_air_pressure",
        columns=("PA_F",),
        accepted_units=_PRESSURE,
        usual_mistakes=_PRESSURES,
    ),
    _driver(
        "WS",
        "m s-1",
        (0, 50),
        "Wind speed",
        standard_name="wind_speed",
        columns=("WS_F",),
        accepted_units="m s-1, km h-1",
    ),
    _driver(
        "CO2",
        "umol mol-1",
        (250, 800),
        "CO2 mole fraction",
        columns=("CO2_F_MDS",),
        accepted_units="umol mol-1, ppm, mol mol-1",
        usual_mistakes=_FRACTIONS_OF_AIR,
    ),
    _driver(
        "SWC",
        "%",
        (0, 100),
        "Soil water content, top layer",
        columns=("SWC_F_MDS_1", "SWC_F_MDS"),
        accepted_units="%, 1, m3 m-3",
        usual_mistakes=((100, 1000, "per mille"),),
    ),
    _driver("P_MON", "mm d-1", (0, 100), "Precipitation, monthly mean", resolution="monthly", accepted_units=_WATER),
    _driver(
        "LAI",
        "m2 m-2",
        (0, 10),
        "Leaf area index",
        resolution="monthly",
        standard_name="leaf_area_index",
        source=_MODIS,
        state=True,
        group="leaves",
        accepted_units="1, m2 m-2",
        usual_mistakes=((10, 100, "steps of 0.1"), (100, 1000, "percent")),
    ),
    _driver(
        "EVI",
        "1",
        (-0.2, 1),
        "Enhanced vegetation index",
        resolution="monthly",
        source=_MODIS,
        state=True,
        group="leaves",
        accepted_units=_FRACTION,
        usual_mistakes=_SCALED,
    ),
    _driver(
        "NDVI",
        "1",
        (-0.3, 1),
        "Normalised difference vegetation index",
        source=_SATELLITE,
        state=True,
        accepted_units=_FRACTION,
        usual_mistakes=_SCALED,
    ),
    _driver(
        "FAPAR",
        "1",
        (0, 1),
        "Fraction of absorbed photosynthetically active radiation",
        standard_name="fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation",
        source=_SATELLITE,
        state=True,
        accepted_units=_FRACTION,
        usual_mistakes=((1, 100, "percent"),),
    ),
    _driver(
        "NDVI_MIN",
        "1",
        (-0.3, 1),
        "Smallest NDVI of the year",
        resolution="static",
        source=_BESS,
        group="NDVI range",
        accepted_units=_FRACTION,
    ),
    _driver(
        "NDVI_MAX",
        "1",
        (-0.3, 1),
        "Largest NDVI of the year",
        resolution="static",
        source=_BESS,
        group="NDVI range",
        accepted_units=_FRACTION,
    ),
    Variable(
        "C4", "1", (0, 1), "Share of C4 plants", "driver", resolution="static", source=_BESS, accepted_units=_FRACTION
    ),
    _driver(
        "FAPAR_MAX",
        "1",
        (0, 1),
        "Largest fAPAR of the year",
        resolution="static",
        source=_PTJPL,
        accepted_units=_FRACTION,
    ),
)
VARIABLES: dict[str, Variable] = {v.name: v for v in _VARIABLES}
DRIVERS = tuple(v.name for v in _VARIABLES if v.role == "driver")

#: Names of version 0.1 -> names of today. Files keep the old ones; whatever reads them renames as it reads.
FORMER_NAMES = {"QC": "NEE_QC", "SW_POT": "SW_IN_POT", "SW_POT_TREND": "SW_IN_POT_TREND"}

#: IGBP land-cover classes, Loveland and Belward 1997, doi:10.1080/014311697217099.
IGBP = {
    "ENF": "Evergreen needleleaf forest",
    "EBF": "Evergreen broadleaf forest",
    "DNF": "Deciduous needleleaf forest",
    "DBF": "Deciduous broadleaf forest",
    "MF": "Mixed forest",
    "CSH": "Closed shrubland",
    "OSH": "Open shrubland",
    "WSA": "Woody savanna",
    "SAV": "Savanna",
    "GRA": "Grassland",
    "WET": "Permanent wetland",
    "CRO": "Cropland",
    "URB": "Urban and built-up",
    "CVM": "Cropland and natural vegetation mosaic",
    "SNO": "Snow and ice",
    "BSV": "Barren or sparsely vegetated",
    "WAT": "Water",
}
#: Classes without a flux: bare, snow and ice, water.
BARE = ("SNO", "BSV", "WAT")
#: Main groups of the Koeppen-Geiger classification, Beck et al. 2023, doi:10.1038/s41597-023-02549-6.
KOEPPEN = {"A": "Tropical", "B": "Arid", "C": "Temperate", "D": "Cold", "E": "Polar"}
#: The explicit class of a tower whose class is not known.
UNKNOWN = "unknown"
#: Order of the land-cover classes in the static inputs of a place.
IGBP_CLASSES = (*IGBP, UNKNOWN)


def variable(name: str) -> Variable:
    """Return one variable of the table.

    Raises:
        TamrlError: the name is not in the table; the message lists the known names.
    """
    try:
        return VARIABLES[name]
    except KeyError:
        raise TamrlError(f"Unknown variable {name!r}", "schema", f"Known variables: {', '.join(VARIABLES)}") from None


def current_name(name: str) -> str:
    """Return the name of today of a variable or driver that is named in a file; other names are returned as given."""
    return FORMER_NAMES.get(name, name)


def former_names(present: Iterable[Hashable]) -> dict[Hashable, str]:
    """Return old name -> name of today of those ``present`` that are old, as ``xarray`` renames by it."""
    return {name: FORMER_NAMES[name] for name in present if name in FORMER_NAMES}


def check_class(value: str, table: dict[str, str], kind: str) -> str:
    """Return ``value`` where it is in ``table`` or is the explicit unknown class.

    Koeppen classes may carry their second and third letters (``Dfb``): the first decides.

    Raises:
        TamrlError: the class is not known; the message lists the known ones.
    """
    key = value[:1] if table is KOEPPEN and value != UNKNOWN else value
    if key in table or value == UNKNOWN:
        return value
    raise TamrlError(f"Unknown {kind} class {value!r}", kind, f"Known classes: {', '.join(table)}, {UNKNOWN}")
