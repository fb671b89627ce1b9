"""References: each work stands once in assets/references.bib, and every text that names a DOI names the right work."""

import re
import unicodedata

import pytest
from small_workspace import ROOT

from tamrl.towers import literature

_DOI = re.compile(r"10\.\d{4,9}/[^\s\"'`{}\\]+")
_ARXIV = re.compile(r"(?i)arxiv(?:\.org/abs/|[.:])(\d{4}\.\d{4,5})")
#: Data sets of single towers, whose DOIs come with the towers (assets/fluxnet2015/citations.csv).
_TOWERS = "10.18140/"
#: Signs before a number in which the work is named.
_BEFORE = 400
_TEXTS = sorted(
    [
        *(ROOT / "tamrl").rglob("*.py"),
        *(ROOT / "pages").glob("*.py"),
        *(ROOT / "docs").rglob("*.md"),
        ROOT / "app.py",
        ROOT / "README.md",
        ROOT / "CITATION.cff",
    ]
)


def tidy(text):
    """Text without accents, marks of comments and breaks of lines."""
    plain = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    return re.sub(r"[\s#:\"*]+", " ", plain)


def numbers(text):
    """Each DOI and number at arXiv in a text, with what stands before it."""
    for pattern, group in ((_DOI, 0), (_ARXIV, 1)):
        for found in pattern.finditer(text):
            number = found[group]
            while number and (number[-1] in ".,:;]>" or (number[-1] == ")" and number.count(")") > number.count("("))):
                number = number[:-1]
            number = number.split("](")[0].split("),")[0]
            yield number.removesuffix("|"), text[max(0, found.start() - _BEFORE) : found.start()]


def by_number():
    return {
        work.fields[name]: work
        for work in literature.works().values()
        for name in ("doi", "eprint")
        if name in work.fields
    }


def named(work, before):
    """Whether a text names the first author of a work and its year; preprints may carry the year before."""
    family = tidy(re.split(r",| and ", work.fields["author"])[0])
    year = int(work.fields["year"])
    return family in tidy(before) and any(str(y) in before for y in (year, year - 1))


def test_each_work_stands_once_and_whole():
    works = literature.works()
    assert len(works) == (ROOT / "assets" / literature.FILE).read_text(encoding="utf-8").count("\n@")
    found = [n for work in works.values() for n in map(work.fields.get, ("doi", "eprint")) if n]
    assert len(found) == len(set(found))
    for work in works.values():
        assert {"author", "year", "title"} <= set(work.fields), work.key
        assert {"doi", "eprint", "url"} & set(work.fields), work.key
        assert re.fullmatch(r"10\.\d{4,9}/\S+", work.fields.get("doi", "10.1000/x")), work.key


def test_every_number_in_code_and_documents_is_that_of_the_work_it_is_named_with():
    known, wrong, used = by_number(), [], set()
    for path in _TEXTS:
        text = path.read_text(encoding="utf-8")
        used |= set(re.findall(r'"(\w+)"', text)) & set(literature.works())
        for number, before in numbers(text):
            if number.startswith(_TOWERS):
                continue
            if number not in known:
                wrong.append(f"{path.relative_to(ROOT)}: {number} is not in assets/{literature.FILE}")
                continue
            used.add(known[number].key)
            if not named(known[number], before):
                wrong.append(f"{path.relative_to(ROOT)}: {number} is {literature.who(known[number])}")
    assert wrong == []
    # Nothing lies in the list that nobody cites.
    assert used == set(literature.works())


def test_lessons_and_provenance_name_works_by_key_alone():
    for name in ("tamrl/teaching/course.py", "tamrl/predict/references.py"):
        assert list(numbers((ROOT / name).read_text(encoding="utf-8"))) == [], name


def test_a_wrong_number_would_be_seen():
    ((number, before),) = numbers("as in Meyer and Pebesma (2021,\n#: doi:10.2307/2529876), or so")
    assert not named(by_number()[number], before)
    ((number, before),) = numbers("Laird and\nWare (1982, doi:10.2307/2529876).")
    assert named(by_number()[number], before)


@pytest.mark.parametrize(
    ("key", "who", "where"),
    [
        ("Laird1982", "Laird and Ware (1982)", "Biometrics"),
        ("Saleska2003", "Saleska et al. (2003)", "Science"),
        ("Stone1974", "Stone (1974)", "Journal of the Royal Statistical Society: Series B"),
        ("Renganathan2025", "Renganathan et al. (2025)", "arXiv"),
    ],
)
def test_a_work_is_named_as_in_a_text(key, who, where):
    work = literature.work(key)
    assert (literature.who(work), literature.where(work)) == (who, where)
    assert re.search(r"\]\(https://(doi\.org/10\.|arxiv\.org/abs/2310)", literature.link(work))
