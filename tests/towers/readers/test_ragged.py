import io

import pytest

from tamrl.towers.readers import ragged
from tamrl.towers.readers.ragged import WholeRows


def kept(text: str, sep: str = ",", **how) -> tuple[list[str], WholeRows]:
    whole = WholeRows(io.BytesIO(text.encode()), sep, **how)
    return whole.read().decode().splitlines(), whole


def test_rows_with_more_or_fewer_fields_are_left_out_and_counted():
    rows, whole = kept("a,b,c\n1,2,3\n1,2\n1,2,3,4\n\n4,5,6\n")
    assert rows == ["a,b,c", "1,2,3", "", "4,5,6"]
    assert whole.count == 2
    assert "line 3 has 2 fields, the header has 3" in whole.reason


@pytest.mark.parametrize("sep", [",", ";", "\t"])
def test_empty_fields_beyond_the_last_column_are_no_fields(sep):
    rows, whole = kept(f"a{sep}b\n1{sep}2{sep}{sep}\r\n3{sep}4\n", sep)
    assert [row.split(sep) for row in rows] == [["a", "b"], ["1", "2"], ["3", "4"]]
    assert whole.count == 0


def test_separators_in_quotes_are_text():
    rows, whole = kept('site,name\nDE-Tha,"Tharandt, Germany"\nDE-Hai,Hainich, Germany\n')
    assert len(rows) == 2
    assert whole.count == 1


def test_a_short_last_row_is_left_to_the_reader_only_where_it_asks():
    assert kept("a,b\n1,2\n3")[0] == ["a,b", "1,2", "3"]
    rows, whole = kept("a,b\n1,2\n3", cut=False)
    assert rows == ["a,b", "1,2"]
    assert whole.count == 1


def test_very_many_empty_lines_are_no_table(monkeypatch):
    monkeypatch.setattr(ragged, "BLANKS", 100)
    assert len(kept("a,b\n" + "\n" * 100 + "1,2\n")[0]) == 102
    with pytest.raises(ValueError, match="more than 100 lines before line 102 are empty"):
        kept("a,b\n" + "\n" * 200 + "1,2\n")


def test_text_over_several_lines_goes_through():
    text = 'a,b\n1,"two\nlines"\n3,4\n'
    assert kept(text)[0] == text.splitlines()


def test_rows_after_a_text_over_several_lines_are_looked_at_too():
    rows, whole = kept('a,b\n1,"two\nlines"\n3,4\n5,6,7\n8\n9,10\n')
    assert rows == ["a,b", '1,"two', 'lines"', "3,4", "9,10"]
    assert whole.count == 2
    assert "line 5 has 3 fields" in whole.reason


@pytest.mark.parametrize("more", [3, 300])
def test_a_quotation_mark_that_is_left_open_is_said(more):
    with pytest.raises(ValueError, match="left open in line 3"):
        kept('a,b\n1,2\n"3,4\n' + "5,6\n" * more)


def test_a_quotation_mark_inside_of_a_plain_text_is_a_letter():
    text = 'site,name\nDE-Tha,mast of 5" pipe\n' + "DE-Hai,Hainich\n" * 200
    rows, whole = kept(text)
    assert rows == text.splitlines()
    assert whole.count == 0
