"""The six lessons: titles, aims, questions, and what to read next. Texts of the steps are on the page."""

from dataclasses import dataclass

from tamrl.towers import literature
from tamrl.towers.citations import Work

MINUTES = 10
#: Steps of every lesson, with their minutes.
STEPS = {"ask": ("Question", 1), "try": ("Explore", 5), "check": ("Check", 3), "read": ("Read next", 1)}


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper to read next: its key in ``assets/references.bib``, and why it is worth an evening."""

    key: str
    why: str

    @property
    def work(self) -> Work:
        """The paper."""
        return literature.work(self.key)


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """One lesson.

    Attributes:
        name: in the address and in the results of a class.
        title: of the lesson.
        hook: the question that it answers, one sentence.
        aim: what a student can do afterwards.
        questions: name -> the question in a few words, for the teacher's screen and the table of results.
        answers: what the answers depend on, and what to say about them, for the teacher.
        reading: papers to read next.
        simulated: whether its towers are simulated.
    """

    name: str
    title: str
    hook: str
    aim: str
    questions: dict[str, str]
    answers: str
    reading: tuple[Paper, ...]
    simulated: bool = False


_LESSONS = (
    Lesson(
        name="tower",
        title="What a tower measures",
        hook="Does a forest take up carbon on every summer day?",
        aim="Read NEE, GPP and RECO with their signs; tell what was measured from what was inferred or filled in.",
        questions={
            "guess": "Sign of mean June NEE",
            "source": "A measured day of clear photosynthesis and net loss",
            "nee": "NEE from GPP and RECO",
            "selection": "Mean NEE once only valid days count",
        },
        answers=(
            "Each answer is computed from the tower, year and day that the student has chosen, so neighbours may "
            "differ. Days of net loss in summer are dull or hot, or follow rain. At the Australian savanna June is in "
            "the dry season. Nearly everybody gets the sign of NEE wrong once: NEE is what the atmosphere gains."
        ),
        reading=(
            Paper(key="Baldocchi2003", why="What the technique can and cannot measure."),
            Paper(key="Reichstein2005", why="How GPP and RECO are inferred from NEE; gap-filling is in it as well."),
            Paper(key="Pastorello2020", why="Where the numbers of this lesson come from, and what QC means."),
        ),
    ),
    Lesson(
        name="places",
        title="One model for every place",
        hook="If a model has learnt from a hundred towers, where will it fail?",
        aim="Judge a prediction at a place that no model has seen, and tell an error of level from one of pattern.",
        questions={
            "guess": "Which of two towers is predicted worse",
            "hard": "A tower of the worst-predicted third",
            "kind": "Level or pattern of the error at that tower",
        },
        answers=(
            "R² decides: the share of the day-to-day variance that is explained. The tower with the larger RMSE is "
            "often another one, since large fluxes have large errors. Hard towers are those whose management, water "
            "table or disturbance no driver shows, and those with little season: there the variance is small, so R² "
            "is low even where the level is nearly right. At about six in ten of the worst third the pattern is what "
            "is wrong."
        ),
        reading=(
            Paper(key="Tramontana2016", why="The standard comparison of such models at held-out towers."),
            Paper(key="Jung2020", why="What becomes of the errors once the globe is summed up."),
            Paper(key="Ploton2020", why="Why towers must be held out as a whole."),
        ),
    ),
    Lesson(
        name="modulation",
        title="Modulation by hand",
        hook="Can two numbers turn a network of every place into one of a maize field?",
        aim="Say what scale and shift do to a shared network, and why each place needs its own.",
        questions={
            "guess": "The plain network's July at a maize field",
            "setting": "A setting that lowers the error by 30 %",
            "carried": "The same setting at a beech forest",
        },
        answers=(
            "The plain network gives the maize less than half of its July GPP. A scale of about +1 lowers the RMSE by "
            "half, further than the encoder's own modulation does, because the student looks at the measurements and "
            "the encoder does not: no driver says maize. Carried to the forest the same numbers nearly double the "
            "error. That is the case for labels: thirty days of them let the site effect find what the student found "
            "by eye."
        ),
        reading=(
            Paper(key="Perez2018", why="Where scale and shift come from."),
            Paper(key="Renganathan2025", why="The idea of this model."),
        ),
    ),
    Lesson(
        name="days",
        title="How many days, and which",
        hook="You may label four weeks. Which four?",
        aim="Plan a short campaign: say which season teaches a model most, and when more days stop helping.",
        questions={
            "guess": "What four weeks of January teach",
            "weeks": "Four weeks that beat ten of twelve months",
            "best": "The week that teaches most alone",
        },
        answers=(
            "The value on the screen of the class is the change of the RMSE from zero-shot in percent, so that "
            "towers can be compared; the lowest wins. All errors are on the other years. At the maize field winter "
            "teaches nothing, and one week of July most of what a whole month does. At the beech forest four good "
            "weeks serve as well as the whole year; at the spruce on wet soil August alone serves better. "
            "The weeks from 21 May, 18 June, 16 July and 13 August beat at least eleven months at each of the three. "
            "One tower is an anecdote: the Scorecard has all of them."
        ),
        reading=(
            Paper(key="Laird1982", why="The site effect is a random effect; this is where they come from."),
            Paper(key="Roberts2017", why="Why the error is taken on other years than those of the labels."),
            Paper(key="Hollinger2005", why="How noisy one labelled day is."),
        ),
    ),
    Lesson(
        name="trust",
        title="Believing and not believing",
        hook="A map has a colour everywhere. Where should you not believe it?",
        aim="Read a dissimilarity index and an interval, and say what neither of them can tell.",
        questions={
            "guess": "How much vegetated land the index calls unknown",
            "regions": "Three regions furthest from the towers",
            "coverage": "Days inside the 90 % interval, by eye",
        },
        answers=(
            "The index stays below its threshold on nearly all vegetated land, which surprises everybody. It compares "
            "drivers and task embeddings with those of the training towers: it says how far, not how wrong. Tropical "
            "South America is near by the index, yet its two towers have an R² far below 0. Their relative error is "
            "like that of Europe: there is hardly a season, so there is little variance to explain. With one or two "
            "towers a region, its error is an anecdote in either direction. The intervals hold about 90 % on average "
            "over held-out towers; at single towers anything from a third to all of the days. The tundra tower is "
            "the one to show."
        ),
        reading=(
            Paper(key="Meyer2021", why="The index and its threshold."),
            Paper(key="Meyer2022", why="What one may conclude from scores where samples are clustered."),
            Paper(key="Saleska2003", why="Why the wet tropics surprise models."),
        ),
    ),
    Lesson(
        name="siting",
        title="Where should the next tower stand?",
        hook="You may build four towers. Which places teach the most about the others?",
        aim="Judge a network by what it predicts where it does not stand, and compare a plan with chance.",
        questions={
            "guess": "At random, or as unlike as can be",
            "network": "Four towers better than half of the draws",
            "worst": "The place that is now predicted worst",
        },
        answers=(
            "The planet is SIMULATED, so the truth is known everywhere. The value is the mean RMSE over all 40 places. "
            "Putting each tower as far as possible from all others is no better than chance here: it picks rare "
            "extremes, which teach about themselves alone. A rule that knows the truth is a bound, not a plan. "
            "Networks that do well spread over dry, cold and tropical places, one each. The game has one flux and a "
            "model that interpolates; real networks serve more than one purpose, and access, power and people decide "
            "as well."
        ),
        reading=(
            Paper(key="Papale2015", why="This game, played with real towers."),
            Paper(key="Sulkava2011", why="How to plan a network, and to test the plan."),
            Paper(key="Yang2008", why="Where a real network is blind."),
        ),
        simulated=True,
    ),
)
LESSONS: dict[str, Lesson] = {lesson.name: lesson for lesson in _LESSONS}


def question(lesson: str, name: str) -> str:
    """Return a question in a few words.

    Raises:
        KeyError: there is no such lesson or question.
    """
    return LESSONS[lesson].questions[name]
