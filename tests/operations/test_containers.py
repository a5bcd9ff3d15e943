"""compose.yaml and the image: as sound as can be told without running containers; their commands are run by hand."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from django.conf import settings

from tests.operations.instances import database, started
from tests.operations.processes import eventually, free_port

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("migrate", "worker", "web")
DOCKERFILE = (ROOT / "Dockerfile").read_text()
GIVEN = {
    "POSTGRES_PASSWORD": "a password",
    "MATINEE_SECRET_KEY": "a secret of thirty-two characters, or of more than that",
    "MATINEE_ENCRYPTION_KEYS": "keys-of-thirty-two-characters-or-of-more",
    "MATINEE_ALLOWED_HOSTS": "matinee.example.org",
}


def filled_in(text: str) -> str:
    """What compose makes of `${NAME:?message}` and `${NAME:-default}`."""
    text = re.sub(r"\${(\w+):\?[^}]*}", lambda found: GIVEN[found[1]], text)
    return re.sub(r"\${(\w+):-([^}]*)}", lambda found: GIVEN.get(found[1], found[2]), text)


def by_hand(arguments: list[str]) -> list[str]:
    """A command of the image, whose entry point is `matinee`, as a person types it here."""
    return [sys.executable, "-m", "matinee.cli", *arguments]


def is_found_healthy(port: int) -> bool:
    """By the very command that the container engine asks."""
    cmd, python, *arguments = SERVICES["web"]["healthcheck"]["test"]
    assert (cmd, python) == ("CMD", "python")
    asking = [sys.executable, *(part.replace(":8000", f":{port}") for part in arguments)]
    return subprocess.run(asking, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(settings.EMBEDDED_DATABASE, reason="Containers run on PostgreSQL.")
def test_the_same_commands_in_the_same_order_by_hand_serve_and_are_found_healthy(tmp_path: Path) -> None:
    port = free_port()
    with database() as url:
        told = {name: filled_in(value) for name, value in SERVICES["web"]["environment"].items()}
        here = {"MATINEE_DATABASE_URL": url, "MATINEE_DATA_DIR": str(tmp_path), "MATINEE_VALKEY_URL": ""}
        environment = (
            {name: value for name, value in os.environ.items() if not name.startswith("MATINEE_")} | told | here
        )
        subprocess.run(by_hand(SERVICES["migrate"]["command"]), env=environment, check=True, capture_output=True)
        web = [*SERVICES["web"]["command"], "--port", str(port), "--workers", "1"]
        running = [
            subprocess.Popen(by_hand(command), env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
            for command in (SERVICES["worker"]["command"], web)
        ]
        try:
            assert eventually(lambda: is_found_healthy(port), within=60)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.communicate(timeout=60)
    assert [process.returncode for process in running] == [0, 0]


def test_web_only_leaves_jobs_to_the_worker(tmp_path: Path) -> None:
    with started(tmp_path, "serve", "--workers", "1", "--web-only") as instance:
        names = [child.name() for child in psutil.Process(instance.process.pid).children(recursive=True)]

    assert names == ["web server 1", "web worker"]


def test_everything_waits_for_what_it_needs() -> None:
    conditions = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}

    for needs in conditions.values():
        for name, need in needs.items():
            assert need["condition"] != "service_healthy" or "healthcheck" in SERVICES[name]
    assert conditions["migrate"] == {"database": {"condition": "service_healthy"}}
    assert (
        conditions["worker"]["migrate"]
        == conditions["web"]["migrate"]
        == {"condition": "service_completed_successfully"}
    )


@pytest.mark.parametrize("name", OURS)
def test_ours_run_without_rights_and_write_to_their_data_alone(name: str) -> None:
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["data:/data"]


def test_no_secret_stands_in_the_files_and_what_is_needed_is_asked_for() -> None:
    text = (ROOT / "compose.yaml").read_text()

    for name in GIVEN:
        assert f"${{{name}:?" in text
    assert not re.search(r"(?:PASSWORD|SECRET_KEY|ENCRYPTION_KEYS|TOKEN): (?!\${)\S", text)
    assert not re.search("PASSWORD|SECRET|TOKEN", DOCKERFILE)


def test_every_setting_of_ours_is_one_that_there_is() -> None:
    documented = set(re.findall(r"`(MATINEE_[A-Z0-9_]+)`", (ROOT / "docs" / "configuration.md").read_text()))
    used = set(re.findall(r"MATINEE_[A-Z_]+", (ROOT / "compose.yaml").read_text() + DOCKERFILE))

    assert used <= documented


def test_every_image_has_its_version() -> None:
    images = [service["image"] for name, service in SERVICES.items() if name not in OURS]
    images += [image for image in re.findall(r"^(?:FROM|COPY --from=)(?: ?)(\S+)", DOCKERFILE, re.M) if ":" in image]

    assert len(images) == 5
    assert all(re.search(r":\d", image) for image in images)


def test_the_image_runs_as_nobody_in_particular_and_has_what_the_lock_names() -> None:
    assert re.search(r"^USER 10001:10001$", DOCKERFILE, re.M)
    assert len(re.findall(r"uv sync --frozen --no-dev", DOCKERFILE)) == 2
    assert re.search(r"^ENTRYPOINT \[\"matinee\"\]$", DOCKERFILE, re.M)


@pytest.mark.parametrize("extras", ["s3", "s3 otel sentry", ""])
def test_the_image_has_the_extras_that_its_build_is_told(tmp_path: Path, extras: str) -> None:
    uv = tmp_path / "uv"
    uv.write_text('#!/bin/sh\necho "$@"\n')
    uv.chmod(0o755)
    syncs = re.findall(r"^RUN --mount=\S+ ((?:[^\n]*\\\n)*[^\n]*uv sync[^\n]*)$", DOCKERFILE, re.M)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "EXTRAS": extras}

    told = [subprocess.run(["sh", "-c", sync], env=environment, check=True, stdout=subprocess.PIPE) for sync in syncs]

    asked = [re.findall(r"--extra (\S+)", one.stdout.decode()) for one in told]
    assert asked == [extras.split()] * 2


def test_without_a_word_the_image_has_what_a_depot_needs_and_what_is_told_there_is() -> None:
    there_is = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    defaults = re.findall(r'^ARG EXTRAS="(.*)"$', DOCKERFILE, re.M)
    told = re.findall(r'EXTRAS="(.*?)"', (ROOT / "docs" / "operations.md").read_text())

    assert defaults == ["s3"]
    assert {SERVICES[name]["build"]["args"]["EXTRAS"] for name in OURS} == {"${EXTRAS:-s3}"}
    assert told
    assert all(there_is.keys() >= {*names.split()} for names in told)


def test_the_images_build_finds_all_that_it_copies() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {name for line in re.findall(r"^COPY (?!--)(.+)$", DOCKERFILE, re.M) for name in line.split()[:-1]}

    assert copied == kept
    assert all((ROOT / name).exists() for name in copied)
