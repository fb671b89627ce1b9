"""The stories hold on the bundled towers and the bundled model."""

import pandas as pd
import pytest

from tamrl.app.lab.stories import DAYS, stories
from tamrl.bundled import bundled_models
from tamrl.model.cross_fitted import open_model
from tamrl.predict.adapt import adapt
from tamrl.predict.methods import AdaptSettings
from tamrl.predict.output import before_after
from tamrl.protocol.support_days import support_days
from tamrl.schema import FLUXES
from tamrl.towers.archive import record
from tamrl.towers.workspace import bundled


@pytest.fixture(scope="module")
def archive():
    return bundled().archive()


@pytest.fixture(scope="module")
def model():
    return open_model(bundled_models()["cross-fitted"])


def test_there_are_twelve_each_a_sentence_and_no_two_alike():
    told = stories()
    assert len(told) == 12
    assert len({(story.site, story.start) for story in told}) == 12
    assert {story.expect for story in told} == {"better", "worse", "same"}
    for story in told:
        assert story.flux in FLUXES
        assert story.text.endswith(".")
        assert story.text.count(". ") == 0


@pytest.mark.parametrize("story", stories(), ids=lambda story: f"{story.site}-{story.start}")
def test_a_story_is_true(story, archive, model):
    tower, ensemble = record(archive, story.site), model.for_site(story.site)
    assert story.site not in ensemble.seen_sites
    time = pd.DatetimeIndex(tower.time.values)
    support = support_days(tower, DAYS, skip=int(time.searchsorted(pd.Timestamp(story.start))))
    assert support[0].date() == story.start
    scores = before_after(adapt(ensemble, tower, support, AdaptSettings())).set_index("flux").loc[story.flux]
    change = scores["rmse_after"] / scores["rmse_before"] - 1
    assert {"better": change <= -0.1, "worse": change >= 0.1, "same": abs(change) < 0.05}[story.expect], change
