"""Adapting to many towers at once gives each what adapting to it alone gives."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from tamrl.errors import TamrlError
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.adapt import adapt
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.network import adapt_network
from tamrl.predict.output import before_after
from tamrl.protocol.support_days import plan
from tamrl.schema import FLUXES
from tamrl.towers.archive import record


@pytest.fixture(scope="module")
def model(small_workspace):
    return load_ensemble(small_workspace[0].models()[0])


@pytest.fixture(scope="module")
def archive(small_workspace):
    return small_workspace[0].archive().load()


def test_every_tower_is_as_by_itself(model, archive, small_workspace):
    told = []
    made = adapt_network(model, archive, archive.site.values.tolist(), 14, "growing", told.append)
    assert sorted(told) == sorted(archive.site.values.tolist())
    assert len(made.table) == len(FLUXES) * archive.sizes["site"]
    assert made.left_out == {}
    for site in small_workspace[1]:
        tower = record(archive, site)
        support = plan(tower, "growing", (0, 14)).supports[14]
        alone = before_after(adapt(model, tower, support, AdaptSettings())).set_index("flux")
        rows = made.table[made.table["site"] == site].set_index("flux")
        assert (rows["n"] == alone["n"].reindex(rows.index)).all()
        for column in ("rmse_before", "rmse_after", "r2_before", "r2_after", "bias_after"):
            np.testing.assert_allclose(rows[column], alone[column].reindex(rows.index), rtol=1e-5, atol=1e-7)
        np.testing.assert_allclose(rows["change"], 100 * (rows["rmse_after"] / rows["rmse_before"] - 1))
        assert (pd.DatetimeIndex(rows["first"]) == support[0]).all()
        assert (rows["days"] == 14).all()


def test_a_tower_that_cannot_be_adapted_to_is_left_out_with_the_reason(model, archive, small_workspace):
    short = archive.copy(deep=True)
    site = small_workspace[1][0]
    index = archive.site.values.tolist().index(site)
    short["NEE_QC"].values[index, 20:] = 0.0
    made = adapt_network(model, short, archive.site.values.tolist(), 14, "random")
    assert list(made.left_out) == [site]
    assert "too short" in made.left_out[site]
    assert site not in set(made.table["site"])


def test_what_was_cancelled_is_kept_so_far(model, archive):
    done = []
    made = adapt_network(
        model, archive, archive.site.values.tolist(), 7, "dormant", done.append, cancelled=lambda: len(done) >= 2
    )
    assert 2 <= made.table["site"].nunique() < archive.sizes["site"]
    stopped = adapt_network(model, archive, archive.site.values.tolist(), 7, "dormant", cancelled=lambda: True)
    assert stopped.table.empty


def test_what_cannot_be_asked_is_refused(model, archive):
    sites = archive.site.values.tolist()
    with pytest.raises(TamrlError, match="No tower could be adapted to"):
        adapt_network(model, archive, sites, 100_000, "growing")
    bare = dataclasses.replace(
        model, members=[dataclasses.replace(m, model=SimpleNamespace(site_effect=None)) for m in model.members]
    )
    with pytest.raises(TamrlError, match="no site effect"):
        adapt_network(bare, archive, sites, 7, "growing")
