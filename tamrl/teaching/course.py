"""The six lessons: titles, aims, questions, and what to read next. Texts of the steps are on the page."""

from dataclasses import dataclass

MINUTES = 10
#: Steps of every lesson, with their minutes.
STEPS = {"ask": ("Question", 1), "try": ("Explore", 5), "check": ("Check", 3), "read": ("Read next", 1)}


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper to read next: ``who`` and ``when``, its title, journal and DOI, and why it is worth an evening."""

    who: str
    title: str
    where: str
    doi: str
    why: str


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
            "differ. Days of net loss in summer are dull or hot, or follow rain. In the southern hemisphere June is "
            "in the dry season. Expect the wrong sign of NEE from about everybody once: NEE is the gain of the "
            "atmosphere."
        ),
        reading=(
            Paper(
                who="Baldocchi (2003)",
                title="Assessing the eddy covariance technique for evaluating carbon dioxide exchange rates of "
                "ecosystems: past, present and future",
                where="Global Change Biology",
                doi="10.1046/j.1365-2486.2003.00629.x",
                why="What the technique can and cannot measure.",
            ),
            Paper(
                who="Reichstein et al. (2005)",
                title="On the separation of net ecosystem exchange into assimilation and ecosystem respiration: review "
                "and improved algorithm",
                where="Global Change Biology",
                doi="10.1111/j.1365-2486.2005.001002.x",
                why="How GPP and RECO are inferred from NEE; gap-filling is in it as well.",
            ),
            Paper(
                who="Pastorello et al. (2020)",
                title="The FLUXNET2015 dataset and the ONEFlux processing pipeline for eddy covariance data",
                where="Scientific Data",
                doi="10.1038/s41597-020-0534-3",
                why="Where the numbers of this lesson come from, and what QC means.",
            ),
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
            Paper(
                who="Tramontana et al. (2016)",
                title="Predicting carbon dioxide and energy fluxes across global FLUXNET sites with regression "
                "algorithms",
                where="Biogeosciences",
                doi="10.5194/bg-13-4291-2016",
                why="The standard comparison of such models at held-out towers.",
            ),
            Paper(
                who="Jung et al. (2020)",
                title="Scaling carbon fluxes from eddy covariance sites to globe: synthesis and evaluation of the "
                "FLUXCOM approach",
                where="Biogeosciences",
                doi="10.5194/bg-17-1343-2020",
                why="What becomes of the errors once the globe is summed up.",
            ),
            Paper(
                who="Ploton et al. (2020)",
                title="Spatial validation reveals poor predictive performance of large-scale ecological mapping models",
                where="Nature Communications",
                doi="10.1038/s41467-020-18321-y",
                why="Why towers must be held out as a whole.",
            ),
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
            Paper(
                who="Perez et al. (2018)",
                title="FiLM: Visual Reasoning with a General Conditioning Layer",
                where="Proceedings of the AAAI Conference on Artificial Intelligence",
                doi="10.1609/aaai.v32i1.11671",
                why="Where scale and shift come from.",
            ),
            Paper(
                who="Renganathan et al. (2025)",
                title="Task Aware Modulation using Representation Learning: An Approach for Few Shot Learning in "
                "Environmental Systems",
                where="arXiv",
                doi="10.48550/arXiv.2310.04727",
                why="The idea of this model.",
            ),
        ),
    ),
)
LESSONS: dict[str, Lesson] = {lesson.name: lesson for lesson in _LESSONS}


def question(lesson: str, name: str) -> str:
    """Return a question in a few words.

    Raises:
        KeyError: there is no such lesson or question.
    """
    return LESSONS[lesson].questions[name]
