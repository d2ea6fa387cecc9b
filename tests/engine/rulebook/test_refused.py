"""Every message of the loader, with the place and the line it shows, kept as text in refused/.

A file of cases is `=== title`, the YAML, `>>>`, and the problems; `base.yaml` stands beside each case, and so does
`dimensions.yaml` unless the case has dimensions of its own, which stand in one file.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.rulebook.folders import problems

HERE = Path(__file__).parent / "refused"
BASE = (HERE / "base.yaml").read_text(encoding="utf-8")
DIMENSIONS = (HERE / "dimensions.yaml").read_text(encoding="utf-8")
TEMPLATES = {
    "templates/note/sms.txt": "Hello",
    "templates/letter/email.subject": "Hello",
    "templates/letter/email.txt": "Hello",
}


def cases() -> list[tuple[str, str, str]]:
    found = []
    for path in sorted(HERE.glob("*.txt")):
        for block in path.read_text(encoding="utf-8").split("=== ")[1:]:
            title, _, rest = block.partition("\n")
            text, _, expected = rest.partition("\n>>>\n")
            found.append((f"{path.stem}: {title}", text.replace("\\x07", "\x07") + "\n", expected.strip("\n")))
    return found


CASES = cases()


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_refused(tmp_path: Path, text: str, expected: str) -> None:
    beside = {} if "dimensions:" in text else {"dimensions.yaml": DIMENSIONS}
    assert problems(tmp_path, {"base.yaml": BASE, "case.yaml": text, **beside, **TEMPLATES}) == expected


def test_there_are_cases() -> None:
    assert len(CASES) > 60
