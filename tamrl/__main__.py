"""``python -m tamrl``."""

from tamrl.cli import main

main(prog_name="python -m tamrl")
