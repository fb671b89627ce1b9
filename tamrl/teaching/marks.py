"""Marks: what becomes of an answer."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Mark:
    """An answer and what the data say of it.

    Attributes:
        answer: what the student chose or typed, in a few words.
        correct: whether the data agree; None where there is no right or wrong.
        value: a number that goes with it, such as an error in gC m-2 d-1; None where there is none.
        said: one or two sentences for the student.
    """

    answer: str
    correct: bool | None
    said: str
    value: float | None = None
