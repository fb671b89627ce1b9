"""A disk that refuses is a message in words, whatever command meets it."""

import errno

import click
import pytest
from click.testing import CliRunner

from tamrl.cli import main as cli


def run(monkeypatch, error):
    @click.command("broken")
    def broken():
        raise error

    monkeypatch.setattr(cli.LazyGroup, "get_command", lambda self, ctx, name: broken)
    return CliRunner().invoke(cli.main, ["ingest"])


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES])
def test_it_ends_in_a_message(monkeypatch, number):
    done = run(monkeypatch, OSError(number, "said by the system", "/some/file"))
    assert done.exit_code == 1
    assert "A file cannot be read or written: said by the system (/some/file)." in done.output
    assert "Traceback" not in done.output


def test_what_is_no_fault_of_the_disk_is_not_hidden(monkeypatch):
    done = run(monkeypatch, OSError(errno.EBADF, "a fault of the program"))
    assert isinstance(done.exception, OSError)
