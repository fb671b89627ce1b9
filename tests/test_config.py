"""Settings: strict keys, types and ranges, and the way to YAML and back."""

import dataclasses

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl.config import Config, from_dict, load_config, save_config, to_dict
from tamrl.errors import TamrlError


def test_settings_survive_the_way_to_yaml_and_back(tmp_path):
    config = Config(train=dataclasses.replace(Config().train, steps=7, flux_weights=(1.0, 2.0, 0.5)))
    save_config(config, tmp_path / "c.yaml")
    assert load_config(tmp_path / "c.yaml") == config


@given(steps=st.integers(1, 10**6), dropout=st.floats(0, 1), balance=st.sampled_from(["hard", "soft"]))
def test_any_valid_settings_survive(steps, dropout, balance):
    base = Config()
    config = Config(
        dataclasses.replace(base.model, dropout=dropout, balance=balance), dataclasses.replace(base.train, steps=steps)
    )
    assert from_dict(to_dict(config)) == config


def test_what_is_absent_keeps_its_default(tmp_path):
    (tmp_path / "c.yaml").write_text("train:\n  steps: 5\n  learning_rate: 1\n")
    config = load_config(tmp_path / "c.yaml")
    assert config.train.steps == 5
    assert config.train.learning_rate == 1.0
    assert config.model == Config().model
    (tmp_path / "empty.yaml").write_text("")
    assert load_config(tmp_path / "empty.yaml") == Config()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("train: {stepz: 5}", "Unknown setting stepz .*train.*Known settings: .*steps"),
        ("train: {steps: many}", "wrong type: 'many' .*steps.*Give a int"),
        ("train: {steps: true}", "wrong type"),
        ("train: 5", "settings by name"),
        ("model: {balance: firm}", "Known: hard, soft"),
        ("train: {spin_up: 800}", "spin-up must be shorter"),
        ("train: {batch: 0}", "batch must be at least 1"),
        ("train: {labels: 1.5}", "between 0 and 1"),
        ("train: [", "cannot be read"),
    ],
)
def test_wrong_settings_say_what_and_where(tmp_path, text, message):
    file = tmp_path / "c.yaml"
    file.write_text(text)
    with pytest.raises(TamrlError, match=message) as caught:
        load_config(file)
    assert str(file) in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(TamrlError, match=r"cannot be read.*nothing\.yaml"):
        load_config(tmp_path / "nothing.yaml")
