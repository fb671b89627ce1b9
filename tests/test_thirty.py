"""Several people at one server at once, through its own protocol: nobody gets what is another's, all get their turn."""

import numpy as np
import pytest

from benchmarks.thirty import Visit, asked, told, warm

pytestmark = pytest.mark.slow


def test_each_gets_the_numbers_that_the_package_gives_alone(small_workspace, tmp_path):
    workspace, held_out = small_workspace
    checkpoint = workspace.path / "models" / "tiny"
    people = [one for method in ("site-effect", "encode") for one in asked(workspace, "tiny", checkpoint, 2, method)]
    assert {one.site for one in people} == set(held_out)
    assert len({tuple(one.expected) for one in people}) == len(people), "whose numbers are whose can be told"
    settings = {"TAMRL_WORKSPACE": str(workspace.path), "TAMRL_WORKERS": "1"}
    with warm(tmp_path / "log.txt", people[0], **settings) as server:
        times = Visit(server, people).run()
    assert times.wrong == []
    assert (len(times.opened), len(times.adapted)) == (4, 4)
    assert any("line" in line for line in times.lines), "with one worker some were shown their place"
    assert server.peak_mb > 100
    lines = []
    told(times, lines.append)
    assert [line.split("|")[2].strip() for line in lines] == ["4", "4"]
    assert f"{np.median(times.adapted):.2f} s" in lines[1]
