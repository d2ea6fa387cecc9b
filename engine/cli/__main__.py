"""`python -m engine.cli` is `strand`."""

from engine.cli.main import main

main()
