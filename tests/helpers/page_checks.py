"""What every test of a page asks of it."""

from streamlit.testing.v1 import AppTest


def healthy(at: AppTest) -> AppTest:
    """Assert that the page ran to its end and shows no error; return it."""
    assert not at.exception
    assert [e.value for e in at.error] == []
    return at
