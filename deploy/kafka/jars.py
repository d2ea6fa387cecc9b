"""The broker's jars: copied here by Maven from `pom.xml`, and every one compared with `checksums.sha256`.

Java and Maven must be there; which registry Maven asks is the machine's own setting.
"""

from __future__ import annotations

import fcntl
import hashlib
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from events.errors import OperatorError

HERE = Path(__file__).parent
JARS = HERE / "libs"
CHECKSUMS = HERE / "checksums.sha256"
ARCHIVE = JARS / "broker.jsa"
"""A broker's classes as Java maps them, made by `cluster.archive_classes`: nodes start in half the time."""

NEEDED = {"java": "Java 17 or newer", "mvn": "Maven"}
_FETCH = ("mvn", "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml"), "dependency:copy-dependencies")


def missing_tools() -> list[str]:
    """What a development broker needs and this machine lacks, in words; nothing where one can be started."""
    return [words for command, words in NEEDED.items() if shutil.which(command) is None]


def class_path() -> str:
    """The class path of a broker, fetched first if need be; raises OperatorError for a jar that is not as pinned."""
    pinned = read_checksums()
    with (HERE / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # test processes ask at the same time
        if {path.name for path in JARS.glob("*.jar")} != set(pinned):
            fetch()
        _verify(found_checksums(), pinned)
    return ":".join(str(JARS / name) for name in pinned)


def fetch() -> None:
    """Have Maven copy what the pom names to `libs/`, and nothing else stays there."""
    lacking = missing_tools()
    if lacking:
        raise OperatorError(f"a development broker needs {' and '.join(lacking)}", f"install {' and '.join(lacking)}")
    shutil.rmtree(JARS, ignore_errors=True)
    done = subprocess.run(_FETCH, check=False, capture_output=True, text=True)
    if done.returncode:
        said = (done.stdout + done.stderr).strip()[-2000:]
        raise OperatorError(f"Maven could not fetch the broker:\n{said}", "see that Maven reaches its registry")


def read_checksums() -> dict[str, str]:
    """File name -> sha256, as pinned."""
    lines = (line.split() for line in CHECKSUMS.read_text(encoding="utf-8").splitlines())
    return {name: digest for digest, name in lines}


def found_checksums() -> dict[str, str]:
    """File name -> sha256 of what is in `libs/`."""
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(JARS.glob("*.jar"))}


def pin() -> int:
    """Fetch, and write down what was fetched as what must be; returns how many jars there are."""
    fetch()
    found = found_checksums()
    CHECKSUMS.write_text("".join(f"{digest}  {name}\n" for name, digest in found.items()), encoding="utf-8")
    return len(found)


def _verify(found: Mapping[str, str], pinned: Mapping[str, str]) -> None:
    wrong = sorted(name for name in {*found, *pinned} if found.get(name) != pinned.get(name))
    if wrong:
        raise OperatorError(
            f"jars are not those that {CHECKSUMS.name} pins: {', '.join(wrong)}",
            f"delete {JARS} and try again; if pom.xml was changed on purpose, run `python -m deploy.kafka pin`",
        )
