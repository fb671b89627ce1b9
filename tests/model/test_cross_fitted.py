"""A cross-fitted model has for each tower an ensemble that has not seen it."""

import pytest
import yaml

from tamrl.bundled import CROSS_FITTED, bundled_models
from tamrl.errors import TamrlError
from tamrl.model.checkpoint import load_ensemble
from tamrl.model.cross_fitted import CrossFitted, open_model
from tamrl.predict.ensemble import predict
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled

FOLDER = bundled_models()["cross-fitted"]


@pytest.fixture(scope="module")
def model():
    return open_model(FOLDER)


def test_no_tower_of_the_archive_was_seen_by_the_ensemble_that_it_gets(model):
    sites = bundled().archive().site.values.tolist()
    assert len(sites) == 163
    for site in sites:
        assert site not in model.for_site(site).seen_sites
    assert model.seen_sites == frozenset()
    groups = model.groups(tuple(sites))
    assert len(groups) == 5
    assert sorted(site for _, part in groups for site in part) == sorted(sites)
    for ensemble, part in groups:
        assert not ensemble.seen_sites & set(part)


def test_any_other_place_gets_the_model_of_all_towers(model):
    whole = load_ensemble(bundled_models()["fluxnet2015-daily"])
    assert model.for_site("XX-New").path.resolve() == whole.path.resolve()
    tower = record(bundled().archive(), "DE-Hai")
    assert predict(model.for_site("XX-New"), tower).equals(predict(whole, tower))
    assert not predict(model.for_site("DE-Hai"), tower).equals(predict(whole, tower))


def test_a_checkpoint_is_its_own_model_for_every_tower():
    plain = open_model(bundled_models()["fluxnet2015-daily"])
    assert not isinstance(plain, CrossFitted)
    assert plain.for_site("DE-Hai") is plain
    assert plain.groups(("a", "b")) == [(plain, ("a", "b"))]
    assert plain.groups(()) == []


def test_where_one_ensemble_is_needed_a_cross_fitted_model_is_refused():
    with pytest.raises(TamrlError, match="cross-fitted") as refused:
        load_ensemble(FOLDER)
    assert "fluxnet2015-daily" in refused.value.todo


def test_damage_is_told(tmp_path):
    file = tmp_path / CROSS_FITTED
    file.write_text("all: [")
    with pytest.raises(TamrlError, match="cannot be read"):
        open_model(tmp_path)
    said = yaml.safe_load((FOLDER / CROSS_FITTED).read_text(encoding="utf-8"))
    said |= {"split": str(FOLDER / "splits" / "igbp.yaml"), "all": str(FOLDER / "fold-0")}
    file.write_text(yaml.safe_dump(said | {"folds": [str(FOLDER / "fold-0")]}))
    with pytest.raises(TamrlError, match="1 checkpoints for 5 folds"):
        open_model(tmp_path)
    # A fold in the wrong place has seen the towers that it is asked for.
    order = [str(FOLDER / f"fold-{i}") for i in (1, 0, 2, 3, 4)]
    file.write_text(yaml.safe_dump(said | {"folds": order}))
    with pytest.raises(TamrlError, match="has seen towers"):
        open_model(tmp_path).for_site("AU-Ade")
