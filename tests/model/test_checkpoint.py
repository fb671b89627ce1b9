"""Checkpoints: what is written is read, and nothing damaged is trusted."""

import pickle
import shutil

import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

from tamrl.errors import TamrlError
from tamrl.model.checkpoint import load_ensemble
from tamrl.predict.ensemble import predict


@pytest.fixture
def copied(ensemble, tmp_path):
    return shutil.copytree(ensemble.path, tmp_path / "copy")


def test_a_copy_predicts_the_same(ensemble, copied, unseen):
    assert predict(load_ensemble(copied), unseen).equals(predict(ensemble, unseen))


def test_weights_are_frozen_and_in_evaluation_mode(ensemble):
    for member in ensemble.members:
        assert not member.model.training
        assert not any(p.requires_grad for p in member.model.parameters())
        assert not any(m.training for m in member.model.modules() if isinstance(m, torch.nn.Dropout))
        # cuDNN needs this for the backward pass of an adaptation; without dropout it changes no value.
        recurrent = member.model.forward_model.recurrent
        assert recurrent.training
        assert recurrent.num_layers == 1
        assert recurrent.dropout == 0


def test_the_manifest_says_what_a_result_depends_on(copied):
    manifest = yaml.safe_load((copied / "ensemble.yaml").read_text())
    assert set(manifest["versions"]) == {"tamrl", "torch", "python"}
    assert manifest["config"]["model"]["code"] == 6
    assert all(m["training_sites"] and m["validation_sites"] for m in manifest["members"])
    assert not list(copied.glob("state")), "the state of a finished run is gone"


def test_a_folder_that_is_no_checkpoint_is_named(tmp_path):
    with pytest.raises(TamrlError, match=r"no readable checkpoint.*made by tamrl train"):
        load_ensemble(tmp_path)


def test_another_format_is_refused(copied):
    manifest = yaml.safe_load((copied / "ensemble.yaml").read_text())
    (copied / "ensemble.yaml").write_text(yaml.safe_dump({**manifest, "format": 99}))
    with pytest.raises(TamrlError, match="format 99, this version reads 2"):
        load_ensemble(copied)


def test_a_truncated_weight_file_is_named(copied):
    file = copied / "member-0.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(TamrlError, match=r"cannot be read.*member-0\.safetensors.*damaged"):
        load_ensemble(copied)


def test_a_missing_weight_file_is_named(copied):
    (copied / "member-1.safetensors").unlink()
    with pytest.raises(TamrlError, match=r"member-1\.safetensors"):
        load_ensemble(copied)


def test_weights_that_do_not_fit_the_settings_are_refused(copied):
    manifest = yaml.safe_load((copied / "ensemble.yaml").read_text())
    manifest["config"]["model"]["hidden"] = 13
    (copied / "ensemble.yaml").write_text(yaml.safe_dump(manifest))
    with pytest.raises(TamrlError, match="cannot be read"):
        load_ensemble(copied)


def test_weights_that_are_not_numbers_are_refused(copied):
    file = copied / "member-0.safetensors"
    tensors = load_file(file)
    tensors["model.forward_model.head.bias"][0] = float("nan")
    save_file(tensors, file)
    with pytest.raises(TamrlError, match=r"not finite.*member-0"):
        load_ensemble(copied)


def test_loading_executes_no_pickle(copied):
    """A pickle in the place of the weights is refused, not run."""

    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("the pickle was executed",))

    (copied / "member-0.safetensors").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(TamrlError, match="cannot be read"):
        load_ensemble(copied)
    torch.save(Bomb(), copied / "member-0.safetensors")
    with pytest.raises(TamrlError, match="cannot be read"):
        load_ensemble(copied)
