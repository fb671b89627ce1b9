"""``python -m tamrl``."""

from tamrl.cli.main import main

main(prog_name="python -m tamrl")
