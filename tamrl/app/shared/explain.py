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
        "Each land cell is coloured by its flux, as a model predicts it from climate and vegetation. Between towers "
        "nothing was measured: the mask and the dissimilarity index show where no training tower resembles the place.",
        "upscaling",
    ),
    About(
        r"zonal_",
        "The mean over all land at each latitude, and what each degree of latitude contributes to the global total. "
        "High latitudes, where the bands are small, can have a high mean and a small total.",
        "pgc",
    ),
    About(
        r"hovmoeller_",
        "Each row is a latitude and each column a month; the colour is the mean flux over land. Read along a row for "
        "the seasonal cycle at that latitude, and down a column for the whole Earth in that month.",
        "upscaling",
    ),
    About(
        r"compare_.*_table$",
        "The two maps by region: their difference, the RMSE between them and the correlation of their patterns. Land "
        "without vegetation is left out, because both maps are zero there by construction.",
        "upscaling",
    ),
    About(
        r"compare_",
        "Every land cell by its values in the two maps; the colour is the area of land that shares these values. On "
        "the diagonal the two maps agree, which does not make either of them right.",
        "upscaling",
    ),
    About(
        r"totals_|regional_",
        "The flux integrated over land, in petagrams of carbon per year, beside published totals. Published totals "
        "cover other years, land masks and definitions, so some difference is expected.",
        "pgc",
    ),
    About(
        r"land_sink|sink_by_",
        "The net flux between land and atmosphere, negative for uptake, beside those of inversions and carbon "
        "budgets. Towers do not measure fire or harvest losses, so the uptake of a model trained on them is too "
        "large.",
        "nee",
    ),
    About(
        r"towers_",
        "Maps at the cells of towers against what the towers measured. The footprint of a tower is a few hundred "
        "metres and a cell is tens of kilometres wide, so part of the difference is not error.",
        "eddy-covariance",
    ),
    About(
        r"cell_",
        "The mean seasonal cycle at the picked place in every map that covers it. Bands show the uncertainty as the "
        "makers of each map define it, which differs between maps.",
        "prediction-interval",
    ),
    About(
        r"like_",
        "The training towers whose climate and vegetation are most similar to this place according to the model. "
        "Large distances mean that the model has seen nothing like it.",
        "task-embedding",
    ),
    About(
        r"adapted_",
        "The seasonal cycle before and after the model was adapted to the monthly means entered. Bands narrow where "
        "these months are informative.",
        "site-effect",
    ),
    # Scorecard
    About(
        r"scorecard_taylor_",
        "The angle is the correlation; the distance from the centre is the standard deviation of the prediction over "
        "that of the observations. The closer to the observed point, the better in both.",
        "fold",
    ),
    About(
        r"scorecard_season_",
        "The mean seasonal cycle of held-out towers, observed and predicted. It is a mean over towers, so errors of "
        "opposite sign cancel.",
        "fold",
    ),
    About(
        r"scorecard_density_",
        "Every day of all held-out towers, predicted against observed; the colour is the number of days. Days below "
        "the diagonal were predicted too low.",
        "fold",
    ),
    About(
        r"scorecard_coverage",
        "The fraction of observed days inside the prediction intervals, against the nominal coverage. Fewer days than "
        "nominal mean that the intervals are too narrow.",
        "prediction-interval",
    ),
    About(
        r"scorecard_spread_",
        "The spread of the ensemble members against the error of their mean. On the dashed line the spread is as "
        "large as the error.",
        "ensemble",
    ),
    About(
        r"scorecard_targets",
        "The targets set before the comparison, and what was reached. Missed targets are listed as well.",
        "shots",
    ),
    About(
        r"scorecard_ablations_",
        "How the error changes when one part of the model is left out. Where the interval includes zero, there is no "
        "evidence that the part helps.",
        "fold",
    ),
    About(
        r"scorecard_published",
        "Scores that others have published, beside those of this project. They are for other towers and years, so "
        "they show what is typical and do not rank the models.",
        "fold",
    ),
    About(
        r"scorecard_curves_",
        "The error against the number of labelled days, one line per model. A line that falls means that the model "
        "learns from the labels of the site.",
        "shots",
    ),
    About(
        r"scorecard_(cdf|wins|places)_",
        "The distribution of scores over towers or classes, not only their median. A model can have the best median "
        "and still fail at many towers.",
        "fold",
    ),
    About(
        r"scorecard_",
        "Scores at towers that the models have not seen, in the unit of the axis. Compare models only at the same "
        "number of labelled days.",
        "fold",
    ),
    # Task space
    About(
        r"task_space$",
        "Each point is a tower, placed by the task embedding that the encoder computes from its drivers and classes. "
        "The model treats close towers alike; distances in the list are taken in all dimensions.",
        "task-embedding",
    ),
    About(
        r".*_path_",
        "How the task embedding of a tower moves as the encoder is given more data. A move longer than the distance "
        "to the nearest tower means that the model now treats it as a different kind of site.",
        "task-embedding",
    ),
    About(
        r".*_modulation_",
        "Scales and shifts that modulate the shared model for one site, one row per tower. The model treats towers "
        "with similar rows alike.",
        "modulation",
    ),
    About(
        r".*_decoded$",
        "The mean annual cycle of each driver, and what the decoder reconstructs of it from the task embedding alone. "
        "Where the two differ, the embedding has not kept that information.",
        "task-embedding",
    ),
    # Lab
    About(
        r"network_",
        "One point per held-out tower: the change of its error in per cent when labels are given. Left of zero the "
        "labels help, right of it they harm.",
        "adaptation",
    ),
    About(
        r".*_runs_",
        "The runs of this session at this tower, scored outside the labels of all of them. A difference no "
        "larger than the width of the lines means nothing.",
        "support",
    ),
    About(
        r".*_support_",
        "What the tower measured, and which of these values the model may learn from. Those of low quality are "
        "mostly gap-filled and never count as labels.",
        "support",
    ),
    About(
        r".*_loss$",
        "How the loss falls while the model is fitted to the labels. Where the dotted line rises, the fit has "
        "begun to make predictions worse on the held-back labels.",
        "adaptation",
    ),
    About(
        r".*_predictions$",
        "Observed fluxes, and those predicted before and after adapting to the shaded support. Scores are computed "
        "outside it alone.",
        "zero-shot",
    ),
    About(
        r".*_scatter$",
        "Each point is a day or month outside the support, predicted against observed. On the dashed line the two "
        "agree.",
        "zero-shot",
    ),
    About(
        r".*_season$",
        "The mean seasonal cycle of what is scored: observed, zero-shot and adapted. An offset of the level is "
        "what labels correct most easily.",
        "site-effect",
    ),
    About(
        r".*_spread$",
        "How far the members of the ensemble differ from each other. This spread is not an error bar by itself; the "
        "calibrated prediction intervals are.",
        "ensemble",
    ),
    About(
        r".*_balance$",
        "The residual NEE − RECO + GPP. In the observations it shows how consistent they are; in predictions it is "
        "zero by construction.",
        "carbon-balance",
    ),
    # Lessons
    About(
        r"lesson_calendar_",
        "The weeks of one year at this tower, and those that you label. All errors are computed on its other years.",
        "support",
    ),
    About(
        r"lesson_curve_",
        "The error in the other years against the number of labelled days, and beside it the error with four weeks of "
        "each month. Lower is better: try to beat the months with your weeks.",
        "shots",
    ),
    About(
        r"lesson_season_",
        "The mean annual cycle at the tower, as measured and as predicted without labels. The model has not been "
        "trained on this tower.",
        "zero-shot",
    ),
    About(
        r"lesson_strip",
        "The R² of every held-out tower, one row per land-cover class. The marked towers are those that you compared.",
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
        "The land by region, or by its dissimilarity index: the distance to the training towers in drivers and task "
        "embedding. Above the threshold no tower resembles the place.",
        "dissimilarity-index",
    ),
    About(
        r"lesson_errors_",
        "The error at the held-out towers of each region against the median dissimilarity index there; larger marks "
        "have more towers. Where both are high, the index gave a correct warning.",
        "dissimilarity-index",
    ),
    About(
        r"lesson_interval_",
        "Measured days, the prediction, and the prediction interval that should contain nine days out of ten. Count "
        "how many lie outside.",
        "prediction-interval",
    ),
    # Towers and Workspace
    About(
        r".*_fingerprint$",
        "Each row is a year, each column a day or month of it; the colour is the flux. Grey is missing or of low "
        "quality, which is mostly gap-filled.",
        "nee-qc",
    ),
    About(
        r".*_coverage$",
        "Which variables the files have, and when. The model does without a variable that is missing throughout; one "
        "that is missing for a time leaves a gap.",
        "nee-qc",
    ),
    About(
        r".*_(daily|monthly)$",
        "What the tower measured, and the meteorology beside it. NEE is measured and negative for uptake; GPP and "
        "RECO are partitioned from it.",
        "partitioning",
    ),
    # Teacher
    About(
        r"class_progress$",
        "How many answers the class has given to each question: right at the first try, right later, and wrong. The "
        "questions begin with the sign of NEE at a tower and end with where the next tower should stand.",
        "nee",
    ),
    About(
        r"class_answers$",
        "What the class answered to the chosen question, and the values of these answers. A wrong answer that many "
        "gave shows a misunderstanding that is worth discussing.",
        "nee",
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
