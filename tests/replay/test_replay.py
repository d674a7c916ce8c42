"""Every stored history replays with today's workflow code: a change that would strand a run under way fails here."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from temporalio.client import WorkflowHistory
from temporalio.contrib.pydantic import pydantic_data_converter
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from tests.replay.kinds import UPKEEP, kinds
from tests.support.places import ROOT
from worker import WORKFLOWS

HISTORIES = Path(__file__).parent / "histories"
ALL = sorted(HISTORIES.glob("*.json"))


async def replay(path: Path) -> None:
    """Raises when the history does not replay."""
    replayer = Replayer(
        workflows=WORKFLOWS,
        data_converter=pydantic_data_converter,
        workflow_runner=UnsandboxedWorkflowRunner(),
    )
    await replayer.replay_workflow(WorkflowHistory.from_json(path.stem, path.read_text()))


@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
async def test_a_stored_history_replays(path: Path) -> None:
    await replay(path)


def test_every_kind_of_run_has_a_history() -> None:
    assert {*kinds(), *UPKEEP} <= {path.stem for path in ALL}


@pytest.mark.parametrize("seed", ["0", "1", "2"])
def test_replay_does_not_depend_on_the_order_of_sets(seed: str) -> None:
    replayed = subprocess.run(
        [sys.executable, "-m", "tests.replay.test_replay"],
        cwd=ROOT,
        env={**os.environ, "PYTHONHASHSEED": seed},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert f"replayed {len(ALL)}" in replayed.stdout, replayed.stderr


async def test_a_history_with_another_order_of_activities_does_not_replay(tmp_path: Path) -> None:
    changed = tmp_path / "changed.json"
    text = (HISTORIES / "activities.json").read_text()
    assert '"activityId"' in text
    # The id of an activity is its node execution's: another one in the history is another order of nodes.
    changed.write_text(text.replace('"activityId": "', '"activityId": "x'))
    with pytest.raises(Exception, match=r"(?i)nondeterminism|activity id"):
        await replay(changed)


if __name__ == "__main__":

    async def all_of_them() -> None:
        for path in ALL:
            await replay(path)

    asyncio.run(all_of_them())
    print(f"replayed {len(ALL)}", flush=True)
    os._exit(0)
