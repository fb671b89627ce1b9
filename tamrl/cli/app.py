"""``python -m tamrl app``: the dashboard, from a checkout or from an installation."""

import os
import subprocess
import sys

import click

from tamrl.bundled import root


@click.command("app", context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def command(options: tuple[str, ...]) -> None:
    """Start the dashboard on this computer and open it in the browser.

    OPTIONS are those of ``streamlit run``, such as ``--server.port 8600`` or ``--server.headless true``. The variable
    TAMRL_WORKSPACE names a folder with workspaces. Ctrl-C ends the server.
    """
    line = [sys.executable, "-m", "streamlit", "run", str(root() / "app.py"), *options]
    if os.name == "posix":  # the server takes this process's place, and its signals
        os.execv(line[0], line)
    raise SystemExit(subprocess.call(line))
