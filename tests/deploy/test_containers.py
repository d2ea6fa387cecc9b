"""The container files agree with each other and with the code; no container engine is asked."""

from __future__ import annotations

import fnmatch
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from engine.workspace.kafka_settings import Kafka
from engine.workspace.settings import Settings
from tests.deploy.containers import (
    DEPLOY,
    DOCKERFILE,
    copied,
    in_yaml,
    instructions,
    mounts,
    only,
    option,
    services,
    workers,
)
from tests.tidy.tree import ROOT

PINNED = re.compile(r"^(?P<name>[a-z0-9][\w.-]*)==(?P<version>\S+)", re.MULTILINE)


def locked(path: Path) -> set[tuple[str, str]]:
    return {(each["name"], each["version"]) for each in PINNED.finditer(path.read_text(encoding="utf-8"))}


def project() -> dict[str, object]:
    found: dict[str, object] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return found


# ------------------------------------------------------------ the image
def test_what_the_image_copies_is_there_and_is_sent() -> None:
    lines = (DOCKERFILE.with_name("Dockerfile.dockerignore")).read_text(encoding="utf-8").splitlines()
    sent = {line.removeprefix("!") for line in lines if line.startswith("!")}
    assert "*" in lines
    assert sent == {source for source, _ in copied()}
    assert [source for source in sent if not (ROOT / source).exists()] == []


def test_what_is_copied_is_enough_to_build_and_run(tmp_path: Path) -> None:
    """The build stage's last step, in a folder that holds nothing else."""
    source, made = tmp_path / "src", tmp_path / "made"
    source.mkdir()
    for what, where in copied():
        if (ROOT / what).is_dir():
            shutil.copytree(ROOT / what, source / where, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(ROOT / what, source / where)
    step = next(each.rest for each in instructions() if each.word == "RUN" and each.rest.endswith(" ."))
    pip, *arguments = step.split()
    assert pip == "/opt/strand/bin/pip"
    ran = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments, "--quiet", "--target", str(made)],
        cwd=source,
        check=False,
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    script = "import engine; print(engine.__file__); from engine.cli.main import main; main()"
    says = subprocess.run(
        [sys.executable, "-c", script, "init", "shop"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(made)},
        check=True,
        capture_output=True,
        text=True,
    )
    assert says.stdout.startswith(str(made))
    assert (tmp_path / "shop/strand.toml").is_file()


def test_the_image_s_packages_are_those_of_the_project_s_lock() -> None:
    text = (DEPLOY / "requirements.lock").read_text(encoding="utf-8")
    mine = locked(DEPLOY / "requirements.lock")
    assert mine <= locked(ROOT / "requirements.lock")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert [entry.split()[0] for entry in entries if "--hash=sha256:" not in entry] == []
    extras = project()["optional-dependencies"]
    needs = project()["dependencies"]
    assert isinstance(extras, dict) and isinstance(needs, list)
    wanted = [*needs, *extras["kafka"], *extras["s3"]]
    named = {re.split(r"[<>=!~\[; ]", need)[0].lower().replace(".", "-") for need in wanted}
    assert named - {name for name, _ in mine} == set()
    assert "hatchling" in {name for name, _ in mine}  # the build backend
    assert not {"pytest", "mypy", "moto", "pyarrow"} & {name for name, _ in mine}


def test_the_image_starts_the_command_line() -> None:
    scripts = project()["scripts"]
    assert isinstance(scripts, dict)
    (entry,) = only("ENTRYPOINT").items
    assert entry in scripts
    assert "USER strand" in [f"{each.word} {each.rest}" for each in instructions()]
    minimum = str(project()["requires-python"]).removeprefix(">=")
    assert {each.rest.split()[0] for each in instructions() if each.word == "FROM"} == {f"python:{minimum}-slim"}


# ------------------------------------------------------------ the services
def test_services_name_what_is_there() -> None:
    compose = in_yaml("compose.yaml")
    for name, service in services().items():
        for needed, how in service.get("depends_on", {}).items():
            assert how["condition"] in {"service_healthy", "service_completed_successfully"}, name
            assert how["condition"] != "service_healthy" or "healthcheck" in services()[needed], name
        for what, _ in mounts(service):
            if what.startswith("./"):
                assert (DEPLOY / what).is_file()
            elif what != "$SHOP":
                assert what in compose["volumes"], name
        if "build" in service:
            assert (DEPLOY / service["build"]["context"]).resolve() == ROOT
            assert (ROOT / service["build"]["dockerfile"]).resolve() == DOCKERFILE
    used = {what for service in services().values() for what, _ in mounts(service)}
    assert set(compose["volumes"]) <= used


def test_every_variable_is_a_setting() -> None:
    for service in (*workers().values(), services()["topics"]):
        for name in service["environment"]:
            first, _, second = name.removeprefix("STRAND_").lower().partition("__")
            fields = Kafka.model_fields if second else Settings.model_fields
            assert name.startswith("STRAND_") and (second or first) in fields, name
            assert not second or first == "kafka"


def test_each_worker_has_a_disk_and_a_name_of_its_own_and_all_share_a_depot() -> None:
    names = {option(service["command"], "--instance") for service in workers().values()}
    assert names == set(workers()) and len(names) == 2
    disks = [{where: what for what, where in mounts(service)} for service in workers().values()]
    for service, disk in zip(workers().values(), disks, strict=True):
        assert {option(service["command"], "--folder"), option(service["command"], "--depot")} <= set(disk)
        assert disk[only("WORKDIR").rest] == "$SHOP"
    assert len({disk["/var/lib/strand"] for disk in disks}) == 2
    assert len({disk["/var/lib/depot"] for disk in disks}) == 1


def test_ports_agree() -> None:
    port = only("EXPOSE").rest
    assert option(only("CMD").items, "--web") == f"0.0.0.0:{port}"
    (job,) = in_yaml("prometheus.yaml")["scrape_configs"]
    (targets,) = job["static_configs"]
    assert targets["targets"] == [f"{name}:{port}" for name in workers()]
    for service in workers().values():
        assert option(service["command"], "--web") == f"0.0.0.0:{port}"
        assert f"http://127.0.0.1:{port}/healthz" in service["healthcheck"]["test"][-1]


def test_the_broker_is_the_one_that_is_tested_with() -> None:
    pom = (DEPLOY / "kafka/pom.xml").read_text(encoding="utf-8")
    image, _, tag = services()["broker"]["image"].partition(":")
    assert image == "apache/kafka"
    assert f"<version>{tag}</version>" in pom
    for service in workers().values():
        address = service["environment"]["STRAND_LOG"].removeprefix("kafka://")
        assert f"CLIENT://{address}" in services()["broker"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]


@pytest.mark.parametrize("name", sorted({option(each["command"], "--folder") for each in workers().values()}))
def test_folders_belong_to_the_user_who_writes_there(name: str) -> None:
    made = next(each.rest for each in instructions() if each.word == "RUN" and "useradd" in each.rest)
    assert fnmatch.fnmatch(made, f"*mkdir*{name}*chown strand*{name}*")
