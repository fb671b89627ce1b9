"""Build the files of static/ from the packages that hold their sources; run once, the results are committed.

Run ``python assets/build_static.py [--font FOLDER]``. FOLDER is the unpacked npm package @fontsource-variable/inter
(``npm pack @fontsource-variable/inter && tar xzf fontsource-variable-inter-*.tgz`` makes ``package/``); without it the
font is left as it is. Sources and licences: assets/PROVENANCE.md.
"""

import argparse
import json
import shutil
from pathlib import Path

import geopandas as gpd
import pyogrio
import shapely

STATIC = Path(__file__).resolve().parent.parent / "static"
FONT = "inter-latin-wght-normal.woff2"
#: 2 decimals of a degree are about 1 km: finer than the source, Natural Earth at 1:110 million.
DECIMALS = 2


def build_countries(target: Path) -> None:
    """Write the country polygons with their names and continents as GeoJSON."""
    source = Path(pyogrio.__file__).parent / "tests" / "fixtures" / "naturalearth_lowres" / "naturalearth_lowres.shp"
    frame = gpd.read_file(source)[["name", "continent", "geometry"]].sort_values("name")
    # The grid snaps neighbours to the same vertices; rounding the text alone would leave slivers.
    frame["geometry"] = shapely.set_precision(frame.geometry.values, 10**-DECIMALS)
    features = []
    for row in frame.itertuples():
        geometry = json.loads(shapely.to_geojson(row.geometry), parse_float=lambda text: round(float(text), DECIMALS))
        properties = {"name": row.name, "continent": row.continent}
        features.append({"type": "Feature", "properties": properties, "geometry": geometry})
    text = json.dumps({"type": "FeatureCollection", "features": features}, separators=(",", ":"), ensure_ascii=False)
    target.write_text(text + "\n", encoding="utf-8")


def build_blank_style(target: Path) -> None:
    """Write a MapLibre style without layers: a map that asks no tile server for anything."""
    style = {"version": 8, "name": "blank", "sources": {}, "layers": []}
    target.write_text(json.dumps(style) + "\n", encoding="utf-8")


def copy_font(package: Path) -> None:
    """Copy the latin variable font and its licence out of the unpacked npm package."""
    (STATIC / "fonts").mkdir(parents=True, exist_ok=True)
    shutil.copyfile(package / "files" / FONT, STATIC / "fonts" / FONT)
    shutil.copyfile(package / "LICENSE", STATIC / "fonts" / "LICENSE-Inter.txt")


def main() -> None:
    """Build everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--font", type=Path, metavar="FOLDER", help="unpacked npm package @fontsource-variable/inter")
    args = parser.parse_args()
    STATIC.mkdir(exist_ok=True)
    build_countries(STATIC / "countries.geojson")
    build_blank_style(STATIC / "blank.json")
    if args.font:
        copy_font(args.font)


if __name__ == "__main__":
    main()
