"""The results of classes, kept in the memory of the server for some hours and nowhere else.

A class has a code, which students type, and a key, which the teacher keeps: only the key shows, clears or ends a class.
Of a student nothing is kept but a random number; the browser is told from others by a salted hash, so that a reload
does not make two students of one. A store is shared by all threads of a server.
"""

import hmac
import math
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

import pandas as pd

from tamrl.errors import TamrlError
from tamrl.teaching.course import LESSONS
from tamrl.teaching.marks import Mark

#: Signs of a code: none that is read as another.
_ALPHABET, _LENGTH = "ABCDEFGHJKMNPQRSTUVWXYZ23456789", 6
_LONGEST_ANSWER = 80
#: Student numbers have so many digits.
_FIRST_NUMBER, _LAST_NUMBER = 1000, 9999
COLUMNS = ("student", "lesson", "question", "answer", "correct", "value", "tries", "minutes")


@dataclass(frozen=True)
class ClassLimits:
    """What a server keeps of classes.

    Attributes:
        classes: at once.
        students: of one class.
        hours: after which a class is forgotten, whatever happens in it.
    """

    classes: int = 50
    students: int = 300
    hours: float = 12.0


@dataclass
class _Answer:
    mark: Mark
    minutes: float
    tries: int = 1


@dataclass
class _Class:
    key: str
    salt: str
    began: float
    owner: str
    numbers: dict[str, int] = field(default_factory=dict)
    joined: dict[int, float] = field(default_factory=dict)
    answers: dict[tuple[int, str, str], _Answer] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Board:
    """A class as its teacher sees it.

    Attributes:
        students: who have joined.
        rows: DataFrame of ``COLUMNS``, the latest answer of each student to each question.
        hours_left: until the class is forgotten.
    """

    students: int
    rows: pd.DataFrame
    hours_left: float


class Classrooms:
    """The classes of one server.

    Args:
        limits: what is kept.
        clock: seconds that only grow.
    """

    def __init__(self, limits: ClassLimits | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits, self._clock = limits or ClassLimits(), clock
        self._classes: dict[str, _Class] = {}
        self._salt = secrets.token_hex(16)
        self._guard = threading.Lock()

    def begin(self, teacher: str) -> tuple[str, str]:
        """Begin a class; return its code and its key.

        Args:
            teacher: tells browsers apart, so that a reload finds the class again; only a salted hash of it is kept.

        Raises:
            TamrlError: the server keeps as many classes as it may.
        """
        with self._guard:
            self._forget()
            if len(self._classes) >= self.limits.classes:
                what = f"This server already holds {self.limits.classes} classes"
                raise TamrlError(what, "Teacher", "End one of yours, or try again in some hours")
            code = self._new_code()
            key = secrets.token_urlsafe(18)
            self._classes[code] = _Class(key, secrets.token_hex(16), self._clock(), _hash(self._salt, teacher))
            return code, key

    def key_of(self, teacher: str) -> str | None:
        """Return the key of the class that a browser began last, None where there is none (any more)."""
        with self._guard:
            self._forget()
            name = _hash(self._salt, teacher)
            keys = [room.key for room in self._classes.values() if room.owner == name]
            return keys[-1] if keys else None

    def code_of(self, key: str) -> str | None:
        """Return the code of the class that a key belongs to, None where there is none (any more)."""
        with self._guard:
            self._forget()
            given = key.strip().encode()
            # Every key is compared, in constant time.
            found = [code for code, room in self._classes.items() if hmac.compare_digest(room.key.encode(), given)]
            return found[0] if found else None

    def join(self, code: str, visitor: str) -> int:
        """Return the number of a visitor in a class, who joins it at the first call.

        Args:
            code: as it was typed; case and spaces do not count.
            visitor: tells browsers apart; only a salted hash of it is kept.

        Raises:
            TamrlError: there is no such class, or it is full.
        """
        with self._guard:
            room = self._room(code)
            return self._number(room, visitor)

    def record(self, code: str, visitor: str, lesson: str, question: str, mark: Mark) -> None:
        """Keep an answer; a later one to the same question takes its place and counts the tries.

        Raises:
            TamrlError: there is no such class or question, or the class is full.
        """
        if lesson not in LESSONS or question not in LESSONS[lesson].questions:
            raise TamrlError("There is no such question", f"{lesson}, {question}", "Reload the page")
        value = mark.value if mark.value is not None and math.isfinite(mark.value) else None
        kept = Mark(answer=mark.answer[:_LONGEST_ANSWER], correct=mark.correct, value=value, said="")
        with self._guard:
            room = self._room(code)
            number = self._number(room, visitor)
            minutes = (self._clock() - room.joined[number]) / 60
            before = room.answers.get((number, lesson, question))
            tries = 1 if before is None else before.tries + 1
            room.answers[number, lesson, question] = _Answer(kept, minutes, tries)

    def board(self, key: str) -> Board:
        """Return what a class has answered so far.

        Raises:
            TamrlError: the key is that of no class.
        """
        with self._guard:
            room = self._by_key(key)
            rows = [
                (number, lesson, question, a.mark.answer, a.mark.correct, a.mark.value, a.tries, round(a.minutes, 1))
                for (number, lesson, question), a in room.answers.items()
            ]
            left = self.limits.hours - (self._clock() - room.began) / 3600
            students = len(room.numbers)
        table = pd.DataFrame(rows, columns=list(COLUMNS)).astype({"correct": "boolean", "value": float})
        order = {name: i for i, name in enumerate(LESSONS)}
        table = table.sort_values(
            ["lesson", "question", "student"], key=lambda c: c.map(order) if c.name == "lesson" else c
        )
        return Board(students=students, rows=table.reset_index(drop=True), hours_left=left)

    def clear(self, key: str) -> None:
        """Forget the students and answers of a class, and keep its code.

        Raises:
            TamrlError: the key is that of no class.
        """
        with self._guard:
            room = self._by_key(key)
            room.numbers.clear()
            room.joined.clear()
            room.answers.clear()

    def end(self, key: str) -> None:
        """Forget a class.

        Raises:
            TamrlError: the key is that of no class.
        """
        with self._guard:
            room = self._by_key(key)
            self._classes = {code: one for code, one in self._classes.items() if one is not room}

    def _forget(self) -> None:
        oldest = self._clock() - self.limits.hours * 3600
        self._classes = {code: room for code, room in self._classes.items() if room.began > oldest}

    def _new_code(self) -> str:
        while True:
            code = "".join(secrets.choice(_ALPHABET) for _ in range(_LENGTH))
            if code not in self._classes:
                return code

    def _room(self, code: str) -> _Class:
        self._forget()
        typed = tidy(code)
        room = self._classes.get(typed)
        if room is None:
            what = f"There is no class {typed[:12]!r}" if typed else "No class code was typed"
            raise TamrlError(what, "Class code", "Check the code with your teacher: a class ends after some hours")
        return room

    def _by_key(self, key: str) -> _Class:
        self._forget()
        given = key.strip().encode()
        found = [room for room in self._classes.values() if hmac.compare_digest(room.key.encode(), given)]
        if not found:
            raise TamrlError("This key opens no class", "Teacher's key", "Begin a new class: one ends after some hours")
        return found[0]

    def _number(self, room: _Class, visitor: str) -> int:
        name = _hash(room.salt, visitor)
        if name not in room.numbers:
            if len(room.numbers) >= self.limits.students:
                what = f"This class is full: it holds {self.limits.students} students"
                raise TamrlError(what, "Class code", "Go on without a class; the lesson is the same")
            taken = set(room.numbers.values())
            number = secrets.choice([n for n in range(_FIRST_NUMBER, _LAST_NUMBER + 1) if n not in taken])
            room.numbers[name], room.joined[number] = number, self._clock()
        return room.numbers[name]


def _hash(salt: str, visitor: str) -> str:
    return sha256(f"{salt}{visitor}".encode()).hexdigest()


def tidy(code: str) -> str:
    """Return a code as it is kept: upper case, letters and digits alone."""
    return "".join(sign for sign in code.upper() if sign.isalnum())
