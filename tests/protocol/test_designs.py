"""Designs: who is held out together, in memory and on disk."""

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.protocol.designs import DESIGNS, Split, load_split, make_split, save_split

IGBP = {f"T{i:02}": name for i, name in enumerate(["ENF"] * 23 + ["GRA"] * 10 + ["CSH"] * 3 + ["SNO"] + ["DBF"] * 13)}


@given(classes=st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.sampled_from("XYZ"), min_size=8))
def test_every_design_is_disjoint_reproducible_and_covers_what_it_says(classes):
    for design in DESIGNS:
        split = make_split(design, classes)
        held = [site for fold in split.folds for site in fold]
        assert len(held) == len(set(held))
        assert set(held) == set(classes) if split.covers else set(held) < set(classes)
        assert make_split(design, dict(reversed(classes.items()))) == split


def test_koeppen_is_split_by_its_first_letter():
    classes = {f"T{i:02}": "Dfb" if i % 2 else "Dfc" if i < 10 else "unknown" for i in range(20)}
    main = {site: label if label == "unknown" else "D" for site, label in classes.items()}
    assert make_split("koeppen", classes).folds == make_split("koeppen", main).folds
    for fold in make_split("koeppen", classes).folds:
        assert sum(main[site] == "D" for site in fold) == 3


def test_carbonfluxbench_halves_small_classes_and_takes_a_fifth_of_the_others():
    (held,) = make_split("carbonfluxbench", IGBP).folds
    count = {name: sum(IGBP[site] == name for site in held) for name in set(IGBP.values())}
    assert count == {"ENF": 5, "GRA": 5, "CSH": 1, "SNO": 0, "DBF": 3}
    assert make_split("carbonfluxbench", IGBP).seed == 56
    assert make_split("carbonfluxbench", IGBP, seed=1).folds != (held,)


def test_carbonfluxbench_by_koeppen_takes_a_fifth_of_each_main_class():
    labels = ["Dfb"] * 7 + ["Dfc"] * 3 + ["Cfb"] * 21 + ["Am"] * 4 + ["ET"] + ["unknown"] * 5
    classes = {f"T{i:02}": label for i, label in enumerate(labels)}
    (held,) = make_split("carbonfluxbench-koeppen", classes).folds
    count = {name: sum(classes[site][:1] == name for site in held) for name in "ABCDEu"}
    assert count == {"A": 1, "B": 0, "C": 4, "D": 2, "E": 0, "u": 1}
    assert make_split("carbonfluxbench-koeppen", classes).seed == 56


def test_the_draw_of_carbonfluxbench_is_the_one_that_results_were_made_with():
    (held,) = make_split("carbonfluxbench", IGBP).folds
    assert [int(site[1:]) for site in held] == [2, 4, 14, 18, 20, 23, 26, 27, 28, 31, 33, 39, 41, 43]


def test_a_split_survives_its_file(tmp_path):
    split = make_split("igbp", IGBP)
    save_split(split, tmp_path / "splits" / "igbp.yaml")
    assert load_split(tmp_path / "splits" / "igbp.yaml", IGBP) == split
    content = yaml.safe_load((tmp_path / "splits" / "igbp.yaml").read_text())
    assert list(content) == ["design", "seed", "rule", "folds"]
    assert [len(fold) for fold in content["folds"]] == [10] * 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"folds": [["T00", "T01"], ["T01"]]}, "both fold 0 and fold 1: T01"),
        ({"folds": [["T00", "T00"], ["T01"]]}, "twice in a fold: T00"),
        ({"folds": [["T00", "T01"], []]}, "no empty one"),
        ({"folds": []}, "at least one fold"),
        ({"folds": ["T00"]}, "lists of tower ids"),
        ({"folds": [["T00"], ["T01"]]}, "Towers are in no fold: T02"),
        ({"folds": [["T00", "T01"], ["T02", "T99"]]}, "unknown towers: T99"),
        ({"folds": [["T00", "T01", "T02"]]}, "leaves no tower to train on"),
        ({"design": "magic"}, "Known designs: igbp, koeppen"),
        ({"more": 1}, "needs the keys"),
    ],
)
def test_files_that_are_wrong_say_how(tmp_path, change, message):
    good = {"design": "igbp", "seed": 56, "rule": "", "folds": [["T00", "T01"], ["T02"]]}
    file = tmp_path / "split.yaml"
    file.write_text(yaml.safe_dump(good))
    assert isinstance(load_split(file, ["T00", "T01", "T02"]), Split)
    file.write_text(yaml.safe_dump(good | change))
    with pytest.raises(TamrlError, match=message):
        load_split(file, ["T00", "T01", "T02"])


def test_a_file_that_cannot_be_read_and_an_unknown_design_are_errors(tmp_path):
    with pytest.raises(TamrlError, match="cannot be read"):
        load_split(tmp_path / "none.yaml")
    (tmp_path / "bad.yaml").write_text("folds: [")
    with pytest.raises(TamrlError, match="cannot be read"):
        load_split(tmp_path / "bad.yaml")
    with pytest.raises(TamrlError, match="Known designs"):
        make_split("magic", IGBP)
