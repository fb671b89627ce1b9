"""Which device a job runs on: measured once, kept, and only where there is a choice."""

import json
import threading

import pytest
import torch

from tamrl.errors import TamrlError
from tamrl.predict import fastest, rehearsal
from tamrl.predict.fastest import JOBS, MANY, UPSCALE, Measured, pick, settle

#: Seconds on a GPU and on the CPU: small jobs are faster here, large ones there.
SMALL, LARGE = {"cuda": 0.30, "cpu": 0.10}, {"cuda": 0.02, "cpu": 2.0}


@pytest.fixture(autouse=True)
def _no_wish(monkeypatch, tmp_path):
    monkeypatch.delenv("TAMRL_DEVICE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.fixture
def card(monkeypatch):
    """A machine with one GPU, whose name can be changed."""
    names = ["H100"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: names[0])
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    before = torch.backends.cudnn.allow_tf32
    yield names
    torch.backends.cudnn.allow_tf32 = before


class Timer:
    """Tells made-up seconds and remembers what it was asked."""

    def __init__(self, failing=()):
        self.asked, self.failing = [], failing

    def __call__(self, job, device):
        self.asked.append((job, device.type))
        if (job, device.type) in self.failing:
            raise RuntimeError("CUDA out of memory")
        return (LARGE if job == UPSCALE else SMALL)[device.type]


@pytest.mark.usefixtures("card")
def test_each_job_takes_the_device_that_is_faster_at_it_and_says_so():
    timer = Timer()
    assert pick("modulation").why == "not yet compared with the others"
    assert settle(timer)
    assert sorted(timer.asked) == sorted((job, device) for job in JOBS for device in ("cuda", "cpu"))
    few, many = pick("modulation"), pick(UPSCALE)
    assert (few.device.type, many.device.type) == ("cpu", "cuda")
    assert few.why.startswith("3.0 times as fast at this as GPU (H100), measured on 20")
    assert str(many).startswith("GPU (H100), 100.0 times as fast at this as CPU (")


@pytest.mark.usefixtures("card")
def test_it_is_measured_once_for_all_processes(tmp_path):
    assert settle(Timer())
    again = Timer()
    assert not settle(again)
    assert again.asked == []
    # Another process reads the file.
    assert Measured(tmp_path / "tamrl" / "devices.json").figures()["seconds"][UPSCALE] == LARGE


def test_another_card_or_torch_is_measured_anew_and_both_are_kept(card, monkeypatch):
    settle(Timer())
    card[0] = "RTX 4060"
    assert settle(Timer())
    with monkeypatch.context() as other:
        other.setattr(torch, "__version__", "9.9")
        assert settle(Timer())
    card[0] = "H100"
    assert not settle(Timer())


@pytest.mark.usefixtures("card")
@pytest.mark.parametrize("damage", ["", "[1]", "{", '{"KEY": {"date": "2026-01-01", "seconds": {"modulation": {}}}}'])
def test_a_damaged_file_is_measured_anew(tmp_path, damage):
    file = tmp_path / "tamrl" / "devices.json"
    file.parent.mkdir()
    file.write_text(damage.replace('"KEY"', json.dumps(Measured()._key)))
    assert Measured().figures() is None
    assert settle(Timer())
    assert pick(UPSCALE).device.type == "cuda"


@pytest.mark.usefixtures("card")
def test_a_folder_that_cannot_be_written_costs_a_measurement_a_process_alone(tmp_path):
    (tmp_path / "tamrl").write_text("a file where the folder should be")
    known = Measured()
    assert settle(Timer(), measured=known)
    assert pick("all", measured=known).device.type == "cpu"
    assert not settle(Timer(), measured=known)


@pytest.mark.usefixtures("card")
def test_a_device_that_fails_at_a_job_is_not_taken_for_it():
    settle(Timer(failing=[(UPSCALE, "cuda")]))
    assert pick(UPSCALE) == (torch.device("cpu"), "the only one that can do this")
    with pytest.raises(RuntimeError, match="memory"):
        Measured().measure(Timer(failing=[("all", "cpu")]))


def test_with_a_cpu_alone_nothing_is_measured(monkeypatch):
    monkeypatch.setattr(fastest, "available", lambda: ("cpu",))
    timer = Timer()
    assert not settle(timer)
    assert timer.asked == []
    assert str(pick("site-effect")).startswith("CPU (")
    assert pick("site-effect").why == "the only device"


def test_who_insists_is_heard_and_nothing_is_measured(card, monkeypatch):
    timer = Timer()
    assert pick("all", "cuda") == (torch.device("cuda"), "as asked")
    assert not settle(timer, "cuda")
    monkeypatch.setenv("TAMRL_DEVICE", "cpu")
    assert pick("all") == (torch.device("cpu"), "as TAMRL_DEVICE says")
    assert not settle(timer)
    assert timer.asked == []
    with pytest.raises(TamrlError, match="no mps"):
        pick("all", "mps")


@pytest.mark.usefixtures("card")
def test_two_that_come_at_once_measure_once():
    timer, made = Timer(), []
    threads = [threading.Thread(target=lambda: made.append(settle(timer))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == [False, False, False, True]


def test_the_rehearsal_does_each_job_on_the_cpu(monkeypatch):
    monkeypatch.setattr(rehearsal, "CALLS", 1)
    monkeypatch.setattr(rehearsal, "STEPS", 1)
    monkeypatch.setattr(rehearsal, "CELLS", 2)
    practice = rehearsal.Rehearsal()
    monkeypatch.setattr(rehearsal, "TOWERS", 2)
    for job in ("site-effect", MANY, UPSCALE):
        assert practice.seconds(job, torch.device("cpu")) > 0


@pytest.mark.usefixtures("card")
def test_the_command_line_compares_once_and_says_so(monkeypatch):
    monkeypatch.setattr(rehearsal, "Rehearsal", lambda: type("Fake", (), {"seconds": Timer()}))
    said = []
    assert rehearsal.ready("all", "auto", said.append).device.type == "cpu"
    assert rehearsal.ready(UPSCALE, "auto", said.append).device.type == "cuda"
    assert len(said) == 1


class Practice:
    """A rehearsal that remembers what was done."""

    def __init__(self):
        self.done = []

    def run(self, job, device):
        self.done.append((job, device.type))

    def seconds(self, job, device):
        self.run(job, device)
        return 1.0


@pytest.fixture
def practice(monkeypatch):
    made = Practice()
    monkeypatch.setattr(rehearsal, "Rehearsal", lambda: made)
    return made


def test_on_a_cpu_warming_up_does_no_job(practice, monkeypatch):
    monkeypatch.setattr(fastest, "available", lambda: ("cpu",))
    rehearsal.warm_up()
    rehearsal.warm_up(torch.device("cpu"))
    assert practice.done == []


@pytest.mark.usefixtures("card")
def test_on_a_gpu_warming_up_compares_first_and_then_runs_every_method(practice):
    rehearsal.warm_up(torch.device("cuda"))
    assert {job for job, _ in practice.done} == set(JOBS)
    practice.done.clear()
    rehearsal.warm_up(torch.device("cuda"))
    assert practice.done == [(method, "cuda") for method in rehearsal.METHODS]
