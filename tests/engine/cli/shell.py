"""Running `strand` inside the test's process, as a shell would."""

from __future__ import annotations

import io
import json
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from engine.cli.main import main


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        """The one JSON value it printed."""
        return json.loads(self.out)

    def json_lines(self) -> list[Any]:
        """The JSON values it printed, a line each."""
        return [json.loads(line) for line in self.out.splitlines()]


def strand(*arguments: object) -> Answer:
    """Run one command; what is no exit raises into the test."""
    out, err = io.StringIO(), io.StringIO()
    with patch.object(sys, "argv", ["strand", *map(str, arguments)]), redirect_stdout(out), redirect_stderr(err):
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code
    return Answer(code if isinstance(code, int) else int(code is not None), out.getvalue(), err.getvalue())
