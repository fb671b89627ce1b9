"""Towers that were read and looked at go into a workspace, with all that is known of them."""

import numpy as np
import pytest
import tower_files

from tamrl.errors import TamrlError
from tamrl.system.account import kept
from tamrl.towers import citations
from tamrl.towers.adopt import adopt
from tamrl.towers.ingest import ingest
from tamrl.towers.workspace import Workspace


@pytest.fixture
def draft(tmp_path):
    folder = tmp_path / "sent"
    paths = [tower_files.write_dd(folder / tower_files.name(site), days=50) for site in ("XX-One", "XX-Two")]
    (folder / "citations.csv").write_text("site,doi\nXX-One,10.18140/FLX/1\nXX-Two,10.18140/FLX/2\n")
    workspace = Workspace.create(tmp_path / "draft")
    assert ingest(paths, workspace).n_sites == 2
    return workspace


def test_chosen_towers_go_in_with_account_and_citation(draft, tmp_path):
    target = Workspace.create(tmp_path / "mine")
    assert adopt(draft, target, ["XX-Two"]) == []
    there = target.archive()
    assert there["site"].values.tolist() == ["XX-Two"]
    np.testing.assert_array_equal(there["GPP"].values[0], draft.archive()["GPP"].sel(site="XX-Two").values)
    assert citations.load(target.path)["XX-Two"].doi == "10.18140/FLX/2"
    assert "XX-One" not in citations.load(target.path)
    entry = target.provenance()[-1]
    assert [one["towers"] for one in entry["inputs"]] == [["XX-Two"]]
    assert all("/" not in one["path"] for one in entry["inputs"])
    assert kept(target.provenance()).of("XX-Two")
    assert not kept(target.provenance()).of("XX-One")


def test_towers_that_are_there_stay_or_are_replaced(draft, tmp_path):
    target = Workspace.create(tmp_path / "mine")
    old = tower_files.write_dd(tmp_path / tower_files.name("XX-Old"), days=20, start="2009-01-01")
    longer = tower_files.write_dd(tmp_path / tower_files.name("XX-One"), days=90)
    ingest([old, longer], target)
    assert adopt(draft, target, ["XX-One", "XX-Two"]) == ["XX-One"]
    there = target.archive()
    assert there["site"].values.tolist() == ["XX-Old", "XX-One", "XX-Two"]
    assert int(np.isfinite(there["GPP"].sel(site="XX-One").values).sum()) == 50


@pytest.mark.parametrize("sites", [[], ["XX-Six"]])
def test_nothing_and_unknown_towers_are_refused(draft, tmp_path, sites):
    target = Workspace.create(tmp_path / "mine")
    with pytest.raises(TamrlError, match="no such tower"):
        adopt(draft, target, sites)
    assert target.archive_version() == 0


def test_simulated_and_real_towers_do_not_mix(draft, small_workspace):
    with pytest.raises(TamrlError, match="do not mix"):
        adopt(draft, small_workspace[0], ["XX-One"])
