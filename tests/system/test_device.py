"""The choice of the device, on machines that this one is not."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from tamrl.errors import TamrlError
from tamrl.system import device


@pytest.mark.parametrize(
    ("cuda", "mps", "expected"), [(True, True, "cuda"), (False, True, "mps"), (False, False, "cpu")]
)
def test_auto_takes_the_best_there_is(monkeypatch, cuda, mps, expected):
    monkeypatch.delenv("TAMRL_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert device.choose().type == expected
    assert device.choose("cpu").type == "cpu"


def test_a_device_that_is_not_there_is_refused_with_those_that_are(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert device.choose("cuda:1") == torch.device("cuda:1")
    with pytest.raises(TamrlError, match=r"no cuda:2.*auto, cuda, cpu"):
        device.choose("cuda:2")
    with pytest.raises(TamrlError, match="no mps"):
        device.choose("mps")


def test_the_environment_decides_what_auto_means(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setenv("TAMRL_DEVICE", "cpu")
    assert device.choose().type == "cpu"
    monkeypatch.setenv("TAMRL_DEVICE", "mps")
    with pytest.raises(TamrlError, match="no mps"):
        device.choose()


@pytest.mark.parametrize("name", ["gpu", "cpu:1", "cuda:x", ""])
def test_a_name_that_is_no_device_is_refused(name):
    with pytest.raises(TamrlError, match="Unknown device"):
        device.choose(name)


def test_devices_are_described_in_words(monkeypatch):
    assert device.describe(torch.device("cpu")).startswith("CPU (")
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda d: "H100")
    assert device.describe(torch.device("cuda")) == "GPU (H100)"
    assert device.describe(torch.device("mps")) == "GPU (Apple MPS)"


def test_members_take_the_gpus_in_turn(monkeypatch):
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    chosen = [str(device.one_of(torch.device("cuda"), k)) for k in range(3)]
    assert chosen == ["cuda:0", "cuda:1", "cuda:0"]
    assert device.one_of(torch.device("cuda:1"), 0) == torch.device("cuda:1")
    assert device.one_of(torch.device("cpu"), 3) == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    assert device.one_of(torch.device("cuda"), 3) == torch.device("cuda")


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def test_torch_has_one_thread_meanwhile_and_then_as_many_as_before(three_threads):
    with device.one_thread_meanwhile():
        assert torch.get_num_threads() == 1
        with device.one_thread_meanwhile(), ThreadPoolExecutor(2, initializer=device.one_thread) as pool:
            assert list(pool.map(lambda _: torch.get_num_threads(), range(4))) == [1, 1, 1, 1]
        assert torch.get_num_threads() == 1, "the outer context goes on"
    assert torch.get_num_threads() == 3
    with pytest.raises(ValueError, match="stop"), device.one_thread_meanwhile():
        raise ValueError("stop")
    assert torch.get_num_threads() == 3


@pytest.mark.parametrize("knew_torch", [True, False])
def test_threads_that_overlap_have_their_own_number_again(three_threads, knew_torch):
    inside, leave, seen = threading.Event(), threading.Event(), {}

    def other():
        if knew_torch:
            torch.set_num_threads(3)
        inside.wait(10)
        with device.one_thread_meanwhile():
            seen["inside"] = torch.get_num_threads()
            leave.wait(10)
            seen["alone"] = torch.get_num_threads()
        seen["after"] = torch.get_num_threads()

    beside = threading.Thread(target=other)
    beside.start()
    with device.one_thread_meanwhile():
        inside.set()
        while "inside" not in seen:
            time.sleep(0.001)
    assert torch.get_num_threads() == 3, "who leaves first has its threads again"
    leave.set()
    beside.join(10)
    assert seen == {"inside": 1, "alone": 1, "after": 3}
    assert torch.get_num_threads() == 3
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(torch.get_num_threads).result() == 3, "threads that begin later"
