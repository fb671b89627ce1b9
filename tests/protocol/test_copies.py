import numpy as np
import pytest
from tower_files import tower

from tamrl.errors import TamrlError
from tamrl.protocol.copies import check_held_out, likenesses
from tamrl.towers.archive import build


def wavy(site: str, seed: int, days: int = 400, **info):
    made = tower(site, days, **info)
    rng = np.random.default_rng(seed)
    gpp = 5 + 4 * np.sin(np.arange(days) / 58) + rng.normal(0, 1, days)
    made.table["GPP"], made.table["RECO"] = gpp, 3 + rng.normal(0, 1, days)
    made.table["NEE"] = made.table["RECO"] - made.table["GPP"]
    return made


def archive(*towers):
    return build(towers)


def test_the_same_record_under_another_id_is_refused():
    copy = wavy("ZZ-Cop", 1)
    copy.table = (copy.table * 1.001 + 0.003).round(2)[100:300]
    ds = archive(wavy("AA-Old", 1), wavy("BB-New", 2), copy)
    found = likenesses(ds, ["BB-New", "ZZ-Cop"], {"AA-Old"})
    assert [(like.site, like.seen, like.copy, like.steps) for like in found] == [("ZZ-Cop", "AA-Old", True, 200)]
    with pytest.raises(TamrlError, match=r"1 held-out towers are towers of the training.*ZZ-Cop is AA-Old"):
        check_held_out(ds, ["BB-New", "ZZ-Cop"], {"AA-Old"})
    assert "Copies of towers" in check_held_out(ds, ["ZZ-Cop"], {"AA-Old"}, allow=True)[0]
    assert check_held_out(ds, ["BB-New"], {"AA-Old"}) == []


def test_the_training_may_lie_in_another_archive():
    ours, theirs = archive(wavy("ZZ-Cop", 1)), archive(wavy("AA-Old", 1), wavy("BB-New", 2))
    assert likenesses(ours, ["ZZ-Cop"], {"AA-Old", "BB-New"}) == []
    assert [like.seen for like in likenesses(ours, ["ZZ-Cop"], {"AA-Old", "BB-New"}, theirs)] == ["AA-Old"]


def test_towers_of_one_cluster_are_a_warning():
    ds = archive(wavy("US-Ne8", 1, lat=41.165, lon=-96.477), wavy("US-Ne9", 2, lat=41.170, lon=-96.477))
    warnings = check_held_out(ds, ["US-Ne9"], {"US-Ne8"})
    assert len(warnings) == 1
    assert "US-Ne9 is 556 m from US-Ne8" in warnings[0]
    far = archive(wavy("US-Ne8", 1, lat=41.165, lon=-96.477), wavy("US-Ne9", 2, lat=41.180, lon=-96.477))
    assert check_held_out(far, ["US-Ne9"], {"US-Ne8"}) == []


def test_a_short_overlap_says_nothing():
    short = wavy("ZZ-Cop", 1)
    short.table = short.table[:40]
    assert likenesses(archive(wavy("AA-Old", 1), short), ["ZZ-Cop"], {"AA-Old"}) == []


def test_no_tower_of_fluxnet2015_is_a_copy_of_another(shared_data):
    from tamrl.towers.readers.tables import read_tables

    ds = archive(*read_tables(shared_data / "fluxnet2015").towers)
    sites = ds["site"].values.astype(str).tolist()
    found = likenesses(ds, sites, set(sites))
    assert not any(like.copy for like in found)
    assert {like.site for like in found} >= {"US-GBT", "US-GLE", "US-Tw1", "GL-ZaF"}
