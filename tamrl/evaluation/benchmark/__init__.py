"""The accuracy benchmark: every model on held-out towers, in units that can be stopped and resumed.

A unit trains one model on the training towers of one fold and writes what it predicts at the held-out ones
(``units``); a fold is scored when all its units are there, all models on the same days (``scoring``); the
scores of all folds make the results folder that the Scorecard reads (``results``) and the tables and figures of
docs/benchmarks.md (``report``, ``pictures``).
"""
