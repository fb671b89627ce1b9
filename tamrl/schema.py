"""The one table of variables, and the class tables, that every other module reads.

Units inside the project: fluxes in gC m-2 d-1, NEE negative = uptake, NEE = RECO - GPP.
"""

from dataclasses import dataclass
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
    """One variable of the archive.

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
    """

    name: str
    unit: str
    bounds: tuple[float, float]
    long_name: str
    role: Role
    resolution: Resolution = "daily"
    standard_name: str = ""
    source: str = "FLUXNET2015, Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3"
    state: bool = False


_PTJPL = "A map that comes with PT-JPL, see the small Earth (tamrl.globe.earth)"
_BESS = "Maps that come with BESS-JPL, see the small Earth (tamrl.globe.earth)"
_SATELLITE = "Satellite series of the user, for example MODIS MCD15A2H and MOD13A1 (tamrl.towers.satellite)"
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
    Variable("QC", "1", (0, 1), "Share of half-hours measured or well gap-filled", "quality"),
    Variable("GPP_DT", FLUX_UNIT, (-4, 30), "Gross primary productivity, day-time partitioning", "auxiliary"),
    Variable("RECO_DT", FLUX_UNIT, (-4, 30), "Ecosystem respiration, day-time partitioning", "auxiliary"),
    Variable("TA", "degC", (-80, 60), "Air temperature", "driver", standard_name="air_temperature"),
    Variable("TA_MIN", "degC", (-90, 55), "Daily minimum air temperature", "driver", standard_name="air_temperature"),
    Variable("TA_MAX", "degC", (-75, 65), "Daily maximum air temperature", "driver", standard_name="air_temperature"),
    Variable(
        "SW_IN",
        "W m-2",
        (0, 500),
        "Incoming shortwave radiation",
        "driver",
        standard_name="surface_downwelling_shortwave_flux_in_air",
    ),
    Variable(
        "VPD",
        "hPa",
        (0, 100),
        "Vapour pressure deficit",
        "driver",
        standard_name="water_vapor_saturation_deficit_in_air",
    ),
    Variable(
        "LW_IN",
        "W m-2",
        (50, 600),
        "Incoming longwave radiation",
        "driver",
        standard_name="surface_downwelling_longwave_flux_in_air",
    ),
    Variable("P", "mm d-1", (0, 600), "Precipitation", "driver"),
    Variable("PA", "kPa", (40, 110), "Air pressure", "driver", standard_name="surface_air_pressure"),
    Variable("WS", "m s-1", (0, 50), "Wind speed", "driver", standard_name="wind_speed"),
    Variable("CO2", "umol mol-1", (250, 800), "CO2 mole fraction", "driver"),
    Variable("SWC", "%", (0, 100), "Soil water content, top layer", "driver"),
    Variable("P_MON", "mm d-1", (0, 100), "Precipitation, monthly mean", "driver", "monthly"),
    Variable(
        "LAI",
        "m2 m-2",
        (0, 10),
        "Leaf area index",
        "driver",
        "monthly",
        "leaf_area_index",
        "MODIS as collected by Nathaniel et al. 2023, doi:10.1038/s41597-023-02349-y",
        state=True,
    ),
    Variable(
        "EVI",
        "1",
        (-0.2, 1),
        "Enhanced vegetation index",
        "driver",
        "monthly",
        "",
        "MODIS as collected by Nathaniel et al. 2023, doi:10.1038/s41597-023-02349-y",
        state=True,
    ),
    Variable("NDVI", "1", (-0.3, 1), "Normalised difference vegetation index", "driver", source=_SATELLITE, state=True),
    Variable(
        "FAPAR",
        "1",
        (0, 1),
        "Fraction of absorbed photosynthetically active radiation",
        "driver",
        standard_name="fraction_of_surface_downwelling_photosynthetic_radiative_flux_absorbed_by_vegetation",
        source=_SATELLITE,
        state=True,
    ),
    Variable("NDVI_MIN", "1", (-0.3, 1), "Smallest NDVI of the year", "driver", "static", "", _BESS),
    Variable("NDVI_MAX", "1", (-0.3, 1), "Largest NDVI of the year", "driver", "static", "", _BESS),
    Variable("C4", "1", (0, 1), "Share of C4 plants", "driver", "static", "", _BESS),
    Variable("FAPAR_MAX", "1", (0, 1), "Largest fAPAR of the year", "driver", "static", "", _PTJPL),
)
VARIABLES: dict[str, Variable] = {v.name: v for v in _VARIABLES}
DRIVERS = tuple(v.name for v in _VARIABLES if v.role == "driver")

#: IGBP land-cover classes, Loveland and Belward 1997, doi:10.1080/014311697217990.
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
#: Main groups of the Koeppen-Geiger classification, Beck et al. 2023, doi:10.1038/s41597-023-02549-6.
#: Classes without a flux: bare, snow and ice, water.
BARE = ("SNO", "BSV", "WAT")
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
