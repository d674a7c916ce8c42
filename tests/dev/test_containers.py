"""The container files: valid, in order, bound to this machine, and in step with the rest of the tree."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from dev.home import ROOT
from dev.temporal_cli import SERVER_SETTINGS
from settings import Settings

COMPOSE = ROOT / "docker-compose.yml"


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return loaded


def seconds(text: str) -> float:
    found = re.fullmatch(r"(\d+)s", text)
    assert found, text
    return float(found[1])


def valid(path: Path) -> "subprocess.CompletedProcess[str]":
    """Checks against the schema of the Compose Specification that the package brings."""
    return subprocess.run(
        (sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(path)),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_compose_file_is_valid() -> None:
    done = valid(COMPOSE)
    assert done.returncode == 0, done.stdout


def test_an_invalid_one_would_be_noticed(tmp_path: Path) -> None:
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(COMPOSE.read_text().replace("stop_grace_period:", "stop_grace:"))
    assert valid(broken).returncode != 0


def test_it_comes_up_in_order_each_when_the_one_before_is_healthy(services: dict[str, Any]) -> None:
    chain = ["postgres", "temporal", "worker", "api"]
    for later, name in enumerate(chain):
        assert "healthcheck" in services[name], name
        needed = services[name].get("depends_on", {})
        assert [service for service in chain if service in needed] == chain[:later]
        for other in needed:
            once = services[other].get("restart", "").startswith("on-failure")
            wanted = "service_completed_successfully" if once else "service_healthy"
            assert needed[other]["condition"] == wanted, (name, other)


def test_ports_are_published_on_this_machine_only(services: dict[str, Any]) -> None:
    published = [port for service in services.values() for port in service.get("ports", [])]
    assert len(published) == 4
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_worker_may_end_its_nodes_before_it_is_killed(services: dict[str, Any]) -> None:
    worker = services["worker"]
    grace = float(worker["environment"]["GRACEFUL_SHUTDOWN_TIMEOUT_SECONDS"])
    assert seconds(worker["stop_grace_period"]) > grace


def test_the_settings_it_gives_exist(services: dict[str, Any]) -> None:
    known = {
        str(name) for field in Settings.model_fields.values() for name in getattr(field.validation_alias, "choices", [])
    }
    for name in ("worker", "api"):
        assert set(services[name]["environment"]) <= known


def test_the_server_runs_with_our_dynamic_configuration(services: dict[str, Any]) -> None:
    temporal = services["temporal"]
    (mount,) = temporal["volumes"]
    source, target, _mode = mount.split(":")
    assert temporal["environment"]["DYNAMIC_CONFIG_FILE_PATH"] == target
    loaded = yaml.safe_load((ROOT / source).read_text())
    assert {key: json.dumps(values[0]["value"]) for key, values in loaded.items()} == dict(SERVER_SETTINGS)
    assert all(list(values[0]) == ["value"] and len(values) == 1 for values in loaded.values())


def test_the_image_gets_what_worker_and_api_run_and_runs_it_as_nobody_special() -> None:
    ignored = (ROOT / ".dockerignore").read_text().split()
    allowed = {line.removeprefix("!").split("/")[0] for line in ignored if line.startswith("!")}
    own = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"dev", "tests"}
    assert own <= allowed
    assert {"settings.py", "worker.py", "requirements.lock"} <= allowed
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert dockerfile.index("\nUSER heddle") < dockerfile.index("\nCMD")
    assert "--require-hashes -r requirements.lock" in dockerfile
