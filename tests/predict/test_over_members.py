"""How the work on the members of an ensemble is shared out."""

from types import SimpleNamespace

import pytest
import torch

from tamrl.predict import ensemble


@pytest.mark.parametrize("workers", [1, 2])
def test_members_do_not_share_their_cores_with_threads_of_torch(workers, monkeypatch):
    monkeypatch.setattr(ensemble, "threads", lambda: workers)
    asked = SimpleNamespace(device=torch.device("cpu"), members=("a", "b", "c"))
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        found = ensemble.over_members(asked, lambda index, member: (index, member, torch.get_num_threads()), workers)
        assert found == [(0, "a", 1), (1, "b", 1), (2, "c", 1)]
        assert torch.get_num_threads() == 3, "the process is its owner's"
    finally:
        torch.set_num_threads(before)
