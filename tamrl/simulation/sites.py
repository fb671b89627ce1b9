"""Places, climates and hidden traits of the simulated towers."""

from dataclasses import KW_ONLY, dataclass

import numpy as np

from tamrl.errors import TamrlError
from tamrl.schema import IGBP

#: ISO 3166 leaves XA to XZ to users, so an id with this prefix can never be a real tower's.
PREFIX = "XS"

# Class, its letters in the id, Koeppen class, position, climate (mean temperature degC, half its seasonal range K,
# precipitation mm per year, its wettest day of the year, strength of its season) and management. The climates are
# round numbers typical of such a place, not those of any tower. Ordered so that the first few already differ.
_PLACES = """
DBF DB Dfb  45.2  -68.7   6.0 13.5 1050 200 0.1 -
EBF EB Am   -2.9  -54.9  26.0  0.7 1900  75 0.9 -
GRA GR Dfb  47.1   11.3   6.3  9.5  900 200 0.4 mown
ENF EN Dfc  61.5   24.3   3.8 12.0  640 215 0.3 -
CRO CR Dfa  41.2  -96.5  10.3 14.5  790 170 0.6 summer
SAV SA BSh  15.4  -15.4  27.5  3.5  480 230 3.0 -
OSH OS BSk  36.9   -2.2  16.5  7.5  260 350 0.8 -
WET WE Dfc  64.2   19.6   2.0 12.0  620 215 0.3 -
MF  MF Cfb  50.3    6.0   8.2  8.0 1000   0 0.0 -
EBF EB Cfb -35.6  148.2   9.5  7.0 1100 210 0.3 -
GRA GR Csa  38.4 -120.9  16.0  8.5  560  15 1.6 -
DBF DB Cfb  50.3   10.5   8.5  9.5  800 190 0.1 -
ENF EN Dfc  55.9  -98.5  -1.5 17.0  520 195 0.7 -
CRO CR Cfb  51.1   10.9   9.0  9.0  650 190 0.2 winter
WSA WS Aw  -12.5  131.2  27.3  2.2 1500  30 2.2 -
ENF EN Csb  44.4 -121.6   7.5  8.5  750   5 1.2 -
EBF EB Csa  43.7    3.6  13.5  8.5  870 310 0.6 -
SAV SA Aw  -15.4   23.3  22.5  3.5  950  15 2.2 -
GRA GR BSk  43.6  116.7   1.0 18.0  360 200 1.5 -
DBF DB Cfa  38.9  -84.5  12.5 12.0 1080 130 0.1 -
MF  MF Dwb  42.4  128.1   3.8 17.5  690 205 1.3 -
OSH OS ET   68.6 -149.3  -7.0 16.0  330 215 0.6 -
ENF EN Dfb  51.0   13.6   8.0  9.5  850 200 0.2 -
EBF EB Af    5.3  -52.9  26.0  0.8 2600 120 0.6 -
WET WE Dfb  45.4  -75.5   6.3 14.5  940 200 0.1 -
CRO CR Dwa  36.8  116.6  13.5 14.0  620 200 1.5 double
GRA GR Cfb  51.9    4.9  10.3  7.0  820 270 0.1 mown
WSA WS Csa  39.9   -5.8  16.5  9.0  650   0 0.9 -
DBF DB Dfb  42.6  141.4   6.8 13.5 1150 230 0.3 -
GRA GR ET   37.6  101.3  -1.0 12.0  560 205 1.5 -
ENF EN Cfa  30.2  -82.6  20.0  7.5 1300 200 0.3 -
CSH CS Csa  40.6    8.2  16.3  7.0  590 340 1.0 -
EBF EB Cfb -37.4  145.6  11.0  5.5 1250 210 0.2 -
SAV SA Aw  -13.2  131.1  27.0  2.8 1200  30 2.4 -
ENF EN Dfc  60.8   89.4  -2.5 17.0  580 205 0.5 -
GRA GR Cfa -35.5  -60.0  16.5  7.5  980  30 0.2 -
CRO CR Cfb  43.5    1.3  13.0  7.5  680 130 0.1 winter
OSH OS BSk  31.7 -110.1  17.5  8.5  350 215 1.2 -
WET WE ET   68.4   19.1  -0.5 10.5  360 215 0.5 -
EBF EB Cfa  23.2  112.5  21.5  7.0 1750 170 0.9 -
GRA GR Cfa  36.6  -97.5  15.5 12.0  900 140 0.4 mown
SAV SA BSh -25.0   31.5  22.0  4.5  580  15 1.8 -
MF  MF Dfb  46.2  -89.3   5.0 15.0  800 195 0.5 -
EBF EB Af    3.0  102.3  25.5  0.7 1850 320 0.2 -
""".strip().splitlines()
MAX_SITES = len(_PLACES)

# Typical light-use efficiency (gC per MJ of absorbed PAR), largest leaf area index, share of it kept out of season,
# water that roots reach (mm), and RECO over GPP in the long term. Magnitudes after Running et al. 2004,
# doi:10.1641/0006-3568(2004)054[0547:ACSMOG]2.0.CO;2, with efficiencies raised to those of towers by about a third
# (Turner et al. 2003, Global Change Biology 9), and Baldocchi 2008, doi:10.1071/BT07151.
_CLASSES = {
    "ENF": (1.15, 4.0, 0.75, 220, 0.82),
    "EBF": (1.06, 5.2, 0.90, 350, 0.86),
    "DBF": (1.45, 5.0, 0.06, 220, 0.80),
    "MF": (1.25, 4.6, 0.40, 220, 0.82),
    "CSH": (1.15, 2.6, 0.60, 180, 0.88),
    "OSH": (0.95, 1.2, 0.35, 110, 0.92),
    "WSA": (1.25, 2.2, 0.45, 260, 0.85),
    "SAV": (1.20, 2.2, 0.15, 170, 0.86),
    "GRA": (1.35, 3.2, 0.15, 120, 0.90),
    "WET": (0.95, 2.4, 0.20, 500, 0.85),
    "CRO": (1.65, 4.6, 0.02, 170, 0.80),
}


@dataclass(frozen=True)
class Sites:
    """The simulated towers: what is known of them, and the traits that only their fluxes show. Arrays are (S,).

    Attributes:
        site, name, igbp, koeppen: text.
        lat, lon: degrees.
        mean, half_range: of air temperature, degC and K.
        rain: mm per year; ``wettest`` is its day of the year, ``season`` the strength of its season (0 none).
        management: "mown", "summer", "winter" or "double" crop, or "-".
        efficiency: gC per MJ of absorbed PAR.
        leaf_max, evergreen: largest leaf area index (m2 m-2) and the share of it kept out of season.
        roots: water that roots reach, mm.
        green_up: temperature at which leaves start, degC.
        optimum: temperature at which uptake is no longer limited, degC.
        dry_air: VPD at which uptake stops, hPa.
        respired: RECO over GPP in the long term; above 1 after a disturbance.
        fresh: share of RECO that follows recent uptake; ``memory`` is its time scale in days.
        activation: E0 of Lloyd and Taylor 1994, K.
        satellite: factor by which the satellite's leaf area is wrong here.
        noise: factor of the measurement noise.
    """

    site: np.ndarray
    name: np.ndarray
    igbp: np.ndarray
    koeppen: np.ndarray
    management: np.ndarray
    _: KW_ONLY
    lat: np.ndarray
    lon: np.ndarray
    mean: np.ndarray
    half_range: np.ndarray
    rain: np.ndarray
    wettest: np.ndarray
    season: np.ndarray
    efficiency: np.ndarray
    leaf_max: np.ndarray
    evergreen: np.ndarray
    roots: np.ndarray
    green_up: np.ndarray
    optimum: np.ndarray
    dry_air: np.ndarray
    respired: np.ndarray
    fresh: np.ndarray
    memory: np.ndarray
    activation: np.ndarray
    satellite: np.ndarray
    noise: np.ndarray


def make_sites(n_sites: int, seed: int) -> Sites:
    """Return the first ``n_sites`` towers with traits drawn from ``seed``.

    A tower's traits depend on the seed and its place alone, not on how many towers are asked for.

    Raises:
        TamrlError: fewer than 1 or more towers than there are places.
    """
    if not 1 <= n_sites <= MAX_SITES:
        raise TamrlError(f"Cannot simulate {n_sites} towers", "--towers", f"Choose 1 to {MAX_SITES}")
    rows, count = [], dict[str, int]()
    for index, line in enumerate(_PLACES[:n_sites]):
        igbp, letters, koeppen, *numbers, management = line.split()
        count[igbp] = count.get(igbp, 0) + 1
        lat, lon, mean, half_range, rain, wettest, season = (float(value) for value in numbers)
        rows.append(
            {
                "site": f"{PREFIX}-{letters}{count[igbp]}",
                "name": f"Simulated {IGBP[igbp].lower()} {count[igbp]}",
                "igbp": igbp,
                "koeppen": koeppen,
                "management": management,
                "lat": lat,
                "lon": lon,
                "mean": mean,
                "half_range": half_range,
                "rain": rain,
                "wettest": wettest,
                "season": season,
                **_traits(igbp, lat, mean, np.random.default_rng([seed, index, 0])),
            }
        )
    return Sites(**{key: np.array([row[key] for row in rows]) for key in rows[0]})


def _traits(igbp: str, lat: float, mean: float, rng: np.random.Generator) -> dict[str, float]:
    """Draw the hidden traits of one tower around those of its class and climate."""
    efficiency, leaf_max, evergreen, roots, respired = _CLASSES[igbp]
    draw = rng.normal(size=10)
    disturbed = igbp in ("ENF", "DBF", "MF") and rng.random() < 0.15
    return {
        "efficiency": efficiency * np.exp(0.20 * draw[0]),
        "leaf_max": leaf_max * np.exp(0.15 * draw[1]) * (0.7 if abs(lat) > 60 else 1.0),
        "evergreen": evergreen * np.exp(-0.15 * abs(draw[2])),
        "roots": roots * np.exp(0.30 * draw[3]),
        "green_up": np.clip(0.35 * mean, -2.0, 7.0) + 2.0 * draw[4],
        "optimum": np.clip(11.0 + 0.45 * mean, 8.0, 24.0) + 1.5 * draw[5],
        "dry_air": 38.0 * np.exp(0.20 * draw[6]),
        "respired": 1.08 if disturbed else np.clip(respired + 0.07 * draw[7], 0.65, 1.05),
        "fresh": rng.uniform(0.3, 0.6),
        "memory": rng.uniform(5.0, 25.0),
        "activation": 308.56 * np.exp(0.20 * draw[8]),
        "satellite": np.exp(0.12 * draw[9]),
        "noise": rng.uniform(0.7, 1.3),
    }
