"""The rules of the house that import-linter does not see."""

import tomllib

import pytest

from activities.bulk import BulkActivities
from activities.child_runs import ChildActivities
from activities.prune import PruneActivities
from activities.rebuild import RebuildActivities
from activities.reconcile import ReconcileActivities
from activities.reviews import ReviewActivities
from activities.run_node import NodeActivities
from activities.runs import RunActivities
from activities.single_block import BlockActivities
from contracts import activities as refs
from contracts.activities import ActivityRef
from contracts.errors import HeddleError, SystemFault
from tests.support.places import ROOT
from worker import OUR_PACKAGES, refuse_name_clashes

_PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_root_folder_is_in_the_import_contracts() -> None:
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests"}
    assert packages == set(_PROJECT["tool"]["importlinter"]["root_packages"])
    assert packages == set(OUR_PACKAGES)
    assert packages == set(_PROJECT["tool"]["mypy"]["packages"])


OWNERS = (
    RunActivities,
    BulkActivities,
    RebuildActivities,
    NodeActivities,
    BlockActivities,
    ChildActivities,
    ReviewActivities,
    PruneActivities,
    ReconcileActivities,
)


def test_activities_fulfil_their_references() -> None:
    implemented = {}
    for owner in OWNERS:
        for method in vars(owner).values():
            if definition := getattr(method, "__temporal_activity_definition", None):
                implemented[definition.name] = (definition.arg_types, definition.ret_type)
    promised = {ref.name: ([ref.request], ref.result) for ref in vars(refs).values() if isinstance(ref, ActivityRef)}
    assert implemented == promised


def _errors(kind: type[HeddleError]) -> list[type[HeddleError]]:
    return [kind, *(below for sub in kind.__subclasses__() for below in _errors(sub))]


@pytest.mark.parametrize("kind", _errors(HeddleError), ids=lambda kind: kind.__name__)
def test_every_error_has_a_code_a_status_and_a_default_message(kind: type[HeddleError]) -> None:
    assert kind.code.replace("_", "").islower()
    assert 400 <= kind.http_status < 600
    assert kind.__doc__
    assert kind.retryable == issubclass(kind, SystemFault), "only what is ours is tried again"


def test_modules_are_small() -> None:
    long = {
        str(path.relative_to(ROOT)): count
        for package in OUR_PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if (count := len(path.read_text().splitlines())) > 400
    }
    assert not long, "a module past 400 lines wants to be two"


def test_a_distribution_that_brings_our_names_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.metadata.packages_distributions", lambda: {"workflows": ["other"], "x": ["y"]})
    with pytest.raises(SystemExit, match=r"workflows \(from other\)"):
        refuse_name_clashes()
