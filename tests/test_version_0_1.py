"""What version 0.1 wrote still opens and gives the same: a workspace, a checkpoint, maps, scores and addresses.

``data/version-0.1.zip`` was written by the code of commit 7401eae (25 November 2026): two SIMULATED towers, a network
of one member that was trained on others for twelve steps, its maps of four cells, its predictions, and a benchmark of
one fold.
"""

import zipfile
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest

from tamrl.app.router import FIRST
from tamrl.app.scorecard import sections
from tamrl.app.shared.state import PARAMETERS
from tamrl.app.world import tabs
from tamrl.app.world.view import LAYERS, MODES
from tamrl.bundled import bundled_folder
from tamrl.evaluation.comparison import ask, summary
from tamrl.evaluation.labels import LABELS
from tamrl.evaluation.results import METRICS, PLACEMENTS, SCALES, TABLES, open_results, read_table
from tamrl.globe.contract import check_maps
from tamrl.maps import catalog
from tamrl.maps.regions import KINDS
from tamrl.maps.time_means import SEASONS
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.adapt import adapt
from tamrl.predict.ensemble import predict
from tamrl.predict.methods import METHODS
from tamrl.protocol.designs import DESIGNS
from tamrl.schema import FLUXES, IGBP, VARIABLES
from tamrl.towers.archive import record
from tamrl.towers.quality import valid_days
from tamrl.towers.workspace import Workspace

#: Addresses as the pages of version 0.1 wrote them.
ADDRESSES = (
    "/?map=tamrl-climate&with=xgboost-climate&mode=side&flux=GPP&month=7&section=Hovm%C3%B6ller",
    "/?map=tamrl-climate&mode=difference&with=random-forest-climate&season=JJA&layer=flux&by=koeppen&section=Comparison",
    "/?map=tamrl-climate&layer=extrapolation&lat=51.25&lon=10.75&veg=1&mask=1&dots=0&section=Place",
    "/?map=tamrl-climate&layer=spread&year=2003&range=-2,6.5&tails=2,98&curtain=1&section=Zonal%20mean",
    "/?map=tamrl-climate&section=Totals&by=region",
    "/?map=tamrl-climate&section=At%20towers",
    "/towers?ws=fluxnet2015&site=DE-Tha&igbp=ENF,DBF&climate=Temperate&years=2004-2010&flux=NEE&drivers=TA,SW_IN",
    "/lab?ws=fluxnet2015&model=fluxnet2015-daily&site=DE-Hai&start=2009-06-01&days=12&method=encode&seen=1",
    "/lab?site=DE-Hai&method=all&steps=80&lr=0.05&flux=RECO",
    "/lab?method=site-effect",
    "/lab?method=modulation",
    "/scorecard?design=koeppen&placement=growing&metric=rmse&scale=daily&against=xgboost&flux=GPP&section=Overview",
    "/scorecard?scores=/data/scores&shots=30&show=change&by=igbp&same=1&section=Map%20and%20towers",
    "/scorecard?subject=tamrl&group=ENF&tower=DE-Tha&metric=r2&scale=site-mean&section=Patterns",
    "/scorecard?network=ICOS,AmeriFlux&band=0.1&section=Learning%20curves",
    "/scorecard?design=carbonfluxbench&placement=dormant&scale=anomaly&against=ct-lstm&section=Distribution",
    "/scorecard?section=Intervals",
    "/scorecard?section=Ablations",
    "/scorecard?section=Published",
)
#: Parameter -> values that a page takes today.
CHOICES = {
    "map": {path.stem for path in bundled_folder("maps").glob("*.nc")},
    "mode": MODES,
    "layer": LAYERS,
    "season": SEASONS,
    "by": KINDS,
    "flux": FLUXES,
    "drivers": VARIABLES,
    "method": METHODS,
    "igbp": IGBP,
    "design": DESIGNS,
    "placement": PLACEMENTS,
    "metric": METRICS,
    "scale": SCALES,
    "against": LABELS,
    "subject": LABELS,
    "section": {*sections.TABS, *tabs.TABS},
}


@pytest.fixture(scope="module")
def old(tmp_path_factory) -> Path:
    """The folder of what version 0.1 wrote."""
    folder = tmp_path_factory.mktemp("old")
    with zipfile.ZipFile(Path(__file__).parent / "data" / "version-0.1.zip") as packed:
        packed.extractall(folder)
    return folder


@pytest.fixture(scope="module")
def workspace(old) -> Workspace:
    return Workspace.open(old / "workspace")


def test_a_workspace_opens(workspace):
    archive = workspace.archive()
    assert workspace.simulated
    assert archive.sizes == {"site": 2, "time": 300}
    assert set(archive.data_vars) <= set(VARIABLES)
    assert {"NEE_QC", *FLUXES} <= set(archive.data_vars)
    assert workspace.provenance()[0]["command"] == "tamrl simulate"
    assert [path.name for path in workspace.models()] == ["tiny"]


def test_a_checkpoint_predicts_and_adapts_as_it_did(old, workspace):
    ensemble = load_ensemble(workspace.models()[0])
    assert {"SW_IN_POT", "SW_IN_POT_TREND"} <= set(ensemble.config.model.drivers)
    archive = workspace.archive()
    tower = record(archive, str(archive["site"].values[1]))
    assert str(tower["site"].item()) not in ensemble.seen_sites
    with np.load(old / "expected.npz") as expected:
        days = pd.DatetimeIndex(expected["days"])
        assert days.equals(pd.DatetimeIndex(tower["time"].values[valid_days(tower)])[:30])
        zero_shot, adapted = predict(ensemble, tower), adapt(ensemble, tower, days).adapted
        for flux in FLUXES:
            np.testing.assert_allclose(zero_shot[flux], expected[f"zero_shot_{flux}"], rtol=1e-4, atol=1e-4)
            np.testing.assert_allclose(adapted[flux], expected[f"adapted_{flux}"], rtol=1e-4, atol=1e-4)


def test_maps_are_listed_and_open(workspace):
    (entry,) = (e for e in catalog.entries(workspace).values() if e.path.parent == workspace.path / "maps")
    maps = check_maps(catalog.open_maps(entry))
    assert maps.sizes["lat"] == maps.sizes["lon"] == 2
    assert np.isfinite(maps[[*FLUXES]].to_array()).all()
    np.testing.assert_allclose(maps["NEE"], maps["RECO"] - maps["GPP"], atol=1e-5)


def test_scores_open_and_are_compared(old):
    results = open_results(old / "scores")
    assert results.simulated
    assert results.designs == ("igbp",)
    for name in ("scores", "density", "intervals", "cycles", "sites"):
        assert set(TABLES[name]) <= set(read_table(results.path, name).columns)
    table = summary(ask(read_table(results.path, "scores"), "igbp", "daily", "rmse", "mean"), "climatology")
    assert {"tamrl", "climatology"} <= set(table["model"])
    assert np.isfinite(table["value"]).any()


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_asks_for_what_there_is(address):
    parts = urlsplit(address)
    assert (Path("pages") / f"{parts.path.strip('/') or FIRST}.py").is_file()
    for name, (text,) in parse_qs(parts.query, strict_parsing=True).items():
        value = PARAMETERS[name].read(text)
        assert PARAMETERS[name].write(value) == text
        if name in CHOICES:
            assert set(value if isinstance(value, list) else [value]) <= set(CHOICES[name])
