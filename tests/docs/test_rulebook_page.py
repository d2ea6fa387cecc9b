"""Every rulebook in the docs loads, with the pieces around it; those said to be wrong are refused as the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.compiled import compile_rulebook
from engine.runtimes.embedded.rulebooks import load_rulebook
from events.errors import RulebookInvalid
from tests.docs.blocks import Block, blocks
from tests.tidy.tree import ROOT, tracked

PAGES = [path for path in tracked() if path.suffix == ".md"]
PIECES = [
    (page, number)
    for page in PAGES
    for number, block in enumerate(blocks(ROOT / page))
    if block.language == "yaml" and block.rest in {"", "rulebook", "wrong", "starter"}
]


def written(page: Path, upto: int, folder: Path) -> Block:
    """Write the rulebook that a reader has at a block: the complete one before it and what was added since."""
    found = list(blocks(ROOT / page))
    (folder / "templates").mkdir(parents=True)
    for block in found:
        if block.language == "text" and block.rest.startswith("templates/"):
            path = folder / block.rest
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
    pieces = [(number, block) for number, block in enumerate(found[: upto + 1]) if block.language == "yaml"]
    begin = max((place for place, (_, block) in enumerate(pieces) if block.rest in {"rulebook", "starter"}), default=0)
    for number, block in pieces[begin:]:
        if block.rest != "wrong" or number == upto:
            (folder / f"piece-{number:03}.yaml").write_text(block.text, encoding="utf-8")
    return found[upto]


@pytest.mark.parametrize(("page", "number"), PIECES, ids=[f"{page}-{number}" for page, number in PIECES])
def test_every_piece_of_yaml_is_what_the_page_says(page: Path, number: int, tmp_path: Path) -> None:
    block = written(page, number, tmp_path)
    if block.rest == "starter":  # its templates are not on the page: the starter's own test has them
        for source in (ROOT / "engine/cli/starter/rulebook/templates").rglob("*.*"):
            target = tmp_path / "templates" / source.parent.name / source.name
            target.parent.mkdir(exist_ok=True)
            target.write_bytes(source.read_bytes())
    if block.rest == "wrong":
        with pytest.raises(RulebookInvalid) as refused:
            load_rulebook(tmp_path)
        shown = next(each for each in list(blocks(ROOT / page))[number + 1 :] if each.rest == "check")
        said = str(refused.value).replace(f"{tmp_path}/piece-{number:03}.yaml", "rulebook/piece.yaml")
        assert said == shown.text.rstrip("\n")
    else:
        compile_rulebook(load_rulebook(tmp_path))


def test_there_are_pieces() -> None:
    assert len(PIECES) >= 9
