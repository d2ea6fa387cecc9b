"""What the container files say, read without a container engine."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML

from tests.tidy.tree import ROOT

DEPLOY = ROOT / "deploy"
DOCKERFILE = DEPLOY / "Dockerfile"


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction of a Dockerfile: `stage` counts its FROMs from 0."""

    stage: int
    word: str
    rest: str

    @property
    def items(self) -> list[str]:
        """A list in JSON."""
        found: list[str] = json.loads(self.rest)
        return found


def instructions() -> list[Instruction]:
    """The Dockerfile's instructions in order."""
    text = re.sub(r"^#.*\n", "", DOCKERFILE.read_text(encoding="utf-8"), flags=re.MULTILINE).replace("\\\n", "")
    found: list[Instruction] = []
    stage = -1
    for line in filter(None, map(str.strip, text.splitlines())):
        word, _, rest = line.partition(" ")
        stage += word == "FROM"
        found.append(Instruction(stage, word, rest.strip()))
    return found


def only(word: str) -> Instruction:
    """The one instruction of that word in the last stage."""
    last = max(each.stage for each in instructions())
    (found,) = (each for each in instructions() if each.word == word and each.stage == last)
    return found


def copied() -> list[tuple[str, str]]:
    """(from, to) of everything that is copied out of the project, by paths relative to it."""
    pairs = (each.rest.split() for each in instructions() if each.word == "COPY" and "--from=" not in each.rest)
    return [(source, words[-1]) for words in pairs for source in words[:-1]]


def in_yaml(name: str) -> Any:
    """A YAML file of deploy/, with what its aliases stand for."""
    return YAML(typ="safe").load((DEPLOY / name).read_text(encoding="utf-8"))


def services() -> dict[str, Any]:
    """The services of the compose file."""
    found: dict[str, Any] = in_yaml("compose.yaml")["services"]
    return found


def workers() -> dict[str, Any]:
    """Those that run a worker."""
    return {name: service for name, service in services().items() if service.get("command", [""])[0] == "worker"}


def mounts(service: Any) -> list[tuple[str, str]]:
    """(what, where) a service mounts; variables stand as `$NAME`."""
    plain = (re.sub(r"\$\{(\w+)[^}]*\}", r"$\1", mount) for mount in service.get("volumes", []))
    return [(what, where.removesuffix(":ro")) for what, _, where in (mount.partition(":") for mount in plain)]


def option(command: list[str], name: str) -> str:
    """The value of an option on a command line."""
    return command[command.index(name) + 1]
