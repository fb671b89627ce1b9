"""What one is looking at: two sentences and a term of the glossary for every figure, shown beside its source line."""

import re
from typing import NamedTuple

import streamlit as st

from tamrl.app.shared import static


class About(NamedTuple):
    """What is said of figures.

    Attributes:
        pattern: of their names, a regular expression; the first row that matches counts.
        text: two sentences: what is drawn, and how to read it.
        term: key of the glossary (``tamrl.app.glossary.terms``).
    """

    pattern: str
    text: str
    term: str


_ROWS = (
    # Start and World
    About(
        r"start_map|world_map",
        "Each cell of land in the colour of its flux, as a model predicts it from climate and vegetation. Between "
        "towers nothing was measured: the mask and the dissimilarity index show where no tower is like a place.",
        "upscaling",
    ),
    About(
        r"zonal_",
        "The mean over all land of one latitude, and what each degree adds to the global total. Narrow high "
        "latitudes can have a high mean and a small total.",
        "pgc",
    ),
    About(
        r"hovmoeller_",
        "Each row is a latitude, each column a month, the colour the mean flux over land. Read along a row for the "
        "season there, down a column for the Earth in that month.",
        "upscaling",
    ),
    About(
        r"compare_.*_table$",
        "The two maps by region: their difference, its size, and how far their patterns agree. Land without "
        "vegetation is left out, where both maps are zero by construction.",
        "upscaling",
    ),
    About(
        r"compare_",
        "Every cell of land by what the two maps say of it; colours say how much land lies there. On the diagonal "
        "both say the same, and neither has been measured.",
        "upscaling",
    ),
    About(
        r"totals_|regional_",
        "The flux summed over land, in petagrams of carbon a year, beside published totals. Totals of others are "
        "of other years, land and definitions, so some difference is expected.",
        "pgc",
    ),
    About(
        r"land_sink|sink_by_",
        "The net flux between land and atmosphere, negative for uptake, beside those of inversions and carbon "
        "budgets. A model of towers knows neither fires nor harvest, so its uptake is too large.",
        "nee",
    ),
    About(
        r"towers_",
        "Maps at the cells of towers against what the towers measured. A tower sees some hundred metres and a cell "
        "is tens of kilometres wide, so a difference is not all error.",
        "eddy-covariance",
    ),
    About(
        r"cell_",
        "The season of the picked place in every map that reaches there. Bands are what the makers say of their "
        "uncertainty, which is not the same thing for every map.",
        "prediction-interval",
    ),
    About(
        r"like_",
        "The towers whose climate and vegetation the model takes for most like this place. Far ones mean that the "
        "model has seen nothing like it.",
        "task-embedding",
    ),
    About(
        r"adapted_",
        "The season before and after the model knows the months that were typed. Bands shrink where these months "
        "say something.",
        "site-effect",
    ),
    # Scorecard
    About(
        r"scorecard_taylor_",
        "The angle is the correlation, the distance from the centre how much the prediction varies. The nearer to "
        "the observed point, the better in both.",
        "fold",
    ),
    About(
        r"scorecard_season_",
        "The mean season of held-out towers, observed and predicted. What is drawn is a mean over towers: errors "
        "of opposite sign cancel.",
        "fold",
    ),
    About(
        r"scorecard_density_",
        "Every day of all held-out towers, predicted against observed; colours say how many days lie there. Points "
        "below the diagonal were predicted too low.",
        "fold",
    ),
    About(
        r"scorecard_coverage",
        "The share of observed days that lie inside the prediction intervals, against the share that was promised. "
        "Fewer than promised means intervals that are too narrow.",
        "prediction-interval",
    ),
    About(
        r"scorecard_spread_",
        "How far the members of the ensemble differ, against how far they are off. On the dashed line the spread "
        "is an honest error bar.",
        "ensemble",
    ),
    About(
        r"scorecard_targets",
        "What was set out to reach before the comparison, and what was reached. Missed targets stand here as well.",
        "shots",
    ),
    About(
        r"scorecard_ablations_",
        "What the error becomes when one part of the model is left out. Where the interval holds zero, the part "
        "cannot be told from useless.",
        "fold",
    ),
    About(
        r"scorecard_published",
        "Scores that others have published, beside those of this project. They are of other towers and years, so "
        "they say what is common and not who is better.",
        "fold",
    ),
    About(
        r"scorecard_curves_",
        "The error against the number of labelled days, a line a model. A line that falls says that the model "
        "learns from the place.",
        "shots",
    ),
    About(
        r"scorecard_(cdf|wins|places)_",
        "How the scores are spread over towers or classes, not only their median. A model can win on the median "
        "and fail at many towers.",
        "fold",
    ),
    About(
        r"scorecard_",
        "Scores at towers that the models had not seen, in the unit of the axis. Compare models at the same number "
        "of labelled days only.",
        "fold",
    ),
    # Task space
    About(
        r"task_space$",
        "Each point is a tower, placed by what the encoder makes of its drivers and classes. Near towers are "
        "treated alike; distances in the list are taken in all dimensions.",
        "task-embedding",
    ),
    About(
        r".*_path_",
        "How the embedding of a tower moves when the encoder is told more. Steps longer than the way to the next "
        "tower make it another kind of place.",
        "task-embedding",
    ),
    About(
        r".*_modulation_",
        "Scales and shifts that turn the shared model into that of a place, one row a tower. Like rows are towers "
        "that the model treats alike.",
        "modulation",
    ),
    About(
        r".*_decoded$",
        "The mean year of each driver, and what the decoder tells of it from the embedding alone. Where they part, "
        "the embedding has not kept it.",
        "task-embedding",
    ),
    # Lab
    About(
        r"network_",
        "A point for each held-out tower: by how many per cent labels change its error. Left of zero they "
        "help, right of it they harm.",
        "adaptation",
    ),
    About(
        r".*_runs_",
        "The runs of this session at this tower, compared where none of them has learnt from. A difference "
        "within the width of the lines is none.",
        "support",
    ),
    About(
        r".*_support_",
        "What the tower measured, and what of it the model is allowed to learn from. What is of low quality is mostly "
        "gap-filled and never counts as labelled.",
        "support",
    ),
    About(
        r".*_loss$",
        "How the misfit falls while the model is fitted to the labelled days. Where the dotted line rises, fitting "
        "has begun to do harm where it was given no label.",
        "adaptation",
    ),
    About(
        r".*_predictions$",
        "Observed fluxes and those predicted before and after the model has seen the shaded ones. Scores count the "
        "others alone.",
        "zero-shot",
    ),
    About(
        r".*_scatter$",
        "Each point lies outside the support, predicted against observed. On the dashed line they agree.",
        "zero-shot",
    ),
    About(
        r".*_season$",
        "The mean season of what is scored, observed, zero-shot and adapted. A shift of the level is what labels "
        "mend most easily.",
        "site-effect",
    ),
    About(
        r".*_spread$",
        "How far the members of the ensemble differ from each other. It is not an error bar by itself; the "
        "calibrated intervals are.",
        "ensemble",
    ),
    About(
        r".*_balance$",
        "What is left of NEE − RECO + GPP. In the observations it shows how consistent they are; in predictions it "
        "is zero by construction.",
        "carbon-balance",
    ),
    # Lessons
    About(
        r"lesson_calendar_",
        "The weeks of one year at this tower, and those that you label. All errors are counted in its other years.",
        "support",
    ),
    About(
        r"lesson_curve_",
        "The error in the other years against the number of labelled days, and beside it what four weeks of each month "
        "give. Lower is better, and your weeks compete with those of the months.",
        "shots",
    ),
    About(
        r"lesson_season_",
        "The mean year at the tower, as measured and as the model sees it without labels. The model has not been "
        "trained on this tower.",
        "zero-shot",
    ),
    About(
        r"lesson_strip",
        "The R² of every held-out tower, one row a land-cover class. The marked ones are those that you compared.",
        "fold",
    ),
    About(
        r"lesson_among",
        "The mean errors of networks whose new towers were drawn at random, and where yours lies among them. Smaller "
        "is better.",
        "upscaling",
    ),
    About(
        r"lesson_climates",
        "The places of a simulated planet by temperature and precipitation, coloured by the error there. Squares are "
        "towers, and errors are mostly smaller near them.",
        "simulated",
    ),
    About(
        r"lesson_(balance|year)_",
        "NEE as the tower measured it, negative for uptake, and the GPP and RECO that were partitioned from it. The "
        "balance is NEE = RECO − GPP.",
        "partitioning",
    ),
    About(
        r"lesson_(regions|index)",
        "The land by region, or by its dissimilarity to the towers in drivers and task embedding. Above the threshold "
        "no tower is like the place.",
        "dissimilarity-index",
    ),
    About(
        r"lesson_errors_",
        "The error at the held-out towers of each region against the median index there; larger marks have more "
        "towers. Where both are high, the index warned rightly.",
        "dissimilarity-index",
    ),
    About(
        r"lesson_interval_",
        "Measured days, the prediction, and the interval in which nine days of ten should lie. Count how many lie "
        "outside.",
        "prediction-interval",
    ),
    # Towers and Workspace
    About(
        r".*_fingerprint$",
        "Each row is a year, each column a time of it, the colour the flux. Grey is missing or of low quality: "
        "mostly gap-filled.",
        "nee-qc",
    ),
    About(
        r".*_coverage$",
        "Which variables the files have, and when. What is missing everywhere the model does without, what is "
        "missing for a time leaves a gap.",
        "nee-qc",
    ),
    About(
        r".*_(daily|monthly)$",
        "What the tower measured, and the weather beside it. NEE is measured and negative for uptake; GPP and RECO "
        "are partitioned from it.",
        "partitioning",
    ),
)


def about(name: str) -> About | None:
    """Return what is said of a figure, None where nothing is.

    Args:
        name: of the figure, as ``tamrl.app.shared.components.footer`` has it.
    """
    return next((row for row in _ROWS if re.match(row.pattern, name)), None)


def button(name: str) -> None:
    """Draw the button that says what a figure shows; nothing where the figure is not known."""
    found = about(name)
    if found is None:
        return
    with st.popover("What is this?", type="tertiary", icon=":material/help:", key=f"about-{name}"):
        st.write(found.text)
        st.write(f"[Glossary: {found.term.replace('-', ' ')}]({static.url('/glossary')}?term={found.term})")
