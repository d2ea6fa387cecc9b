"""Reads a rulebook's YAML 1.2 to nodes, and says what is wrong with what is no YAML."""

from __future__ import annotations

from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.reader import ReaderError

from engine.rulebook.broken_halves import why_flow_broke
from engine.rulebook.nodes import Node, Source
from engine.rulebook.problems import Problems
from engine.rulebook.yaml_composer import Composer, Unreadable
from engine.rulebook.yaml_slips import why_yaml_broke

MAX_READ_AGAIN = 1 << 18
"""How many signs of a file may be read more than once."""

# Stands for each sign of a broken expression when the file is read again.
_COVER = "_"
_MORE = "; more problems may show once this is mended"


def read_yaml(source: Source, problems: Problems) -> Node | None:
    """The file's only document, None where it cannot be read; then the reason is among the problems.

    An empty file is a null scalar. An unquoted expression that YAML stumbles over is a problem, and the rest of the
    file is read all the same, as long as that takes little more time than a sound file does.
    """
    text, covered, again = source.text, set[int](), 0
    while True:
        try:
            return Composer(source, problems, text, covered).document()
        except Unreadable as stop:
            problems.add_at(source, stop.start, stop.end, stop.message + _MORE)
        except MarkedYAMLError as error:
            index = _index_of(error, source)
            broken = why_flow_broke(source, index)
            again += index
            if broken is not None and broken[0] not in covered:
                start, end, advice = broken
                problems.add_at(source, start, end, advice if again <= MAX_READ_AGAIN else advice + _MORE)
                if again <= MAX_READ_AGAIN:
                    covered.add(start)
                    text = f"{text[:start]}{_COVER * (end - start)}{text[end:]}"
                    continue
            else:
                start, end, why = why_yaml_broke(source, error, index) or (index, index + 1, _syntax_message(error))
                problems.add_at(source, start, end, why + _MORE)
        except ReaderError as error:
            index = int(error.position)
            message = f"a rulebook is text; found the control character {source.text[index]!r}"
            problems.add_at(source, index, index + 1, message + _MORE)
        return None


def _index_of(error: MarkedYAMLError, source: Source) -> int:
    """Where in the text an error is."""
    mark = error.problem_mark or error.context_mark
    if error.context_mark is not None and mark.index >= len(source.text.rstrip()):
        mark = error.context_mark  # what was begun and has no end says more than the end of the file
    return min(mark.index, len(source.text)) if mark is not None else 0


def _syntax_message(error: MarkedYAMLError) -> str:
    parts = [part for part in (error.context, error.problem) if part]
    return "this is not YAML: " + ", ".join(str(part).split("\n")[0] for part in parts)
