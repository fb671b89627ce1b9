"""How the values that come with a predicted flux are named: ``GPP_variance``, ``GPP_low``, ``GPP_high``."""

#: Ending of the names of the variances that the site effect leaves.
VARIANCE = "_variance"
#: Endings of the ends of the intervals, and what they cover.
LOW, HIGH, LEVEL = "_low", "_high", 0.9
