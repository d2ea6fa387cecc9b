"""Reads a rulebook's folder: its YAML files, and the templates in templates/."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from engine.rulebook.nodes import Node, Source
from engine.rulebook.problems import Problems
from engine.rulebook.rulebook import MAX_PACKED_BYTES, Rulebook, define, rulebook_of
from engine.rulebook.template_checks import check_rendering
from engine.rulebook.yaml_reader import read_yaml
from events.errors import Problem, RulebookInvalid
from templates.catalogue import NotATemplate, place_of

MAX_FILE_BYTES = 1 << 20
MAX_FILES = 10_000
TEMPLATES = "templates"

_NO_STOCK: Mapping[str, str] = MappingProxyType({})


def load_folder(
    path: Path | str,
    *,
    stock: Mapping[str, str] = _NO_STOCK,
) -> Rulebook:
    """The rulebook in a folder, all of its *.yaml files merged, its templates rendered with example data.

    `stock` has the templates that triggers may use without the folder having them. Raises RulebookInvalid with every
    problem of every file.
    """
    folder = Path(path)
    problems = Problems()
    documents = _documents(folder, problems)
    incomplete = None in documents
    templates = _templates(folder, problems)
    sound = [document for document in documents if document is not None]
    definitions = define(sound, templates, problems, stock=stock, incomplete=incomplete)
    check_rendering(definitions, str(folder / TEMPLATES), problems)
    if problems:
        raise RulebookInvalid(problems.sorted())
    rulebook = rulebook_of(definitions)
    size = len(rulebook.packed())
    if size > MAX_PACKED_BYTES:
        message = (
            f"a rulebook with its templates has at most {MAX_PACKED_BYTES:,} bytes compressed; this one has {size:,}"
        )
        raise RulebookInvalid([Problem(str(folder), 1, 1, message)])
    return rulebook


def _documents(folder: Path, problems: Problems) -> list[Node | None]:
    """The documents of all YAML files in order of their names, None for one that cannot be read."""
    if not folder.is_dir():
        problems.put(Problem(str(folder), 1, 1, "there is no such folder"))
        return []
    files = sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml") and path.is_file())
    if not files:
        problems.put(Problem(str(folder), 1, 1, "a rulebook is a folder with *.yaml files; found none"))
    documents: list[Node | None] = []
    for path in files:
        if path.suffix == ".yml":
            problems.put(Problem(str(path), 1, 1, f"rulebook files end with .yaml; rename it to {path.stem}.yaml"))
            documents.append(None)
            continue
        text = _read(path, problems)
        documents.append(None if text is None else read_yaml(Source(str(path), text), problems))
    return documents


def _templates(folder: Path, problems: Problems) -> dict[str, str]:
    """The templates by NAME/CHANNEL[.LANGUAGE].PART."""
    root = folder / TEMPLATES
    templates: dict[str, str] = {}
    if not root.is_dir():
        return templates
    for path in sorted(root.rglob("*")):
        if not path.is_file() or any(part.startswith(".") for part in path.relative_to(root).parts):
            continue
        key = path.relative_to(root).as_posix()
        try:
            place_of(key)
        except NotATemplate as error:
            problems.put(Problem(str(path), 1, 1, str(error)))
            continue
        text = _read(path, problems)
        if text is not None:
            templates[key] = text
    return templates


def _read(path: Path, problems: Problems) -> str | None:
    """The text of a file, None where it is too large or not UTF-8."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        problems.put(Problem(str(path), 1, 1, f"cannot be read: {error.strerror}"))
        return None
    if len(data) > MAX_FILE_BYTES:
        problems.put(Problem(str(path), 1, 1, "a file has at most 1 MiB; split this one"))
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8", "replace")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        message = f"a rulebook is UTF-8 text; found the byte 0x{data[error.start]:02x}"
        problems.put(Problem(str(path), line, column, message))
        return None
