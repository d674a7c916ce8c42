"""`scripts/demo`: imports an agent, runs it, shows its nodes at work and what came out.

Uses the stack that runs in `$HEDDLE_HOME`, or starts one. It speaks to the product over HTTP only, like anyone else.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from dev import down, envfile, health, report, up
from dev.api_client import Api, ApiProblem, Json, problem_lines
from dev.demo_view import Lines, LiveTable, Silent, View, short
from dev.home import READY, ROOT, Home

DEFAULT_AGENT = ROOT / "examples" / "story_loop.json"
_NAMESPACE = "default"
_ENDED = frozenset({"COMPLETED", "FAILED", "TERMINATED"})
_ANSWER_SECONDS = 5.0
_RECONNECTS = 5


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code: 0 only for a run that was COMPLETED."""
    parser = argparse.ArgumentParser(prog="scripts/demo", description="Run an agent and watch it.")
    parser.add_argument("--agent", metavar="FILE", help=f"an exported agent (default: {DEFAULT_AGENT.name})")
    parser.add_argument("--input", metavar="NAME=VALUE", action="append", default=[], help="an input; JSON or text")
    parser.add_argument("--json", action="store_true", help="print one JSON document and nothing else")
    parser.add_argument("--stop", action="store_true", help="stop the stack afterwards, if this started it")
    parsed = parser.parse_args(arguments)
    try:
        inputs = read_inputs(parsed.input)
        agent = _agent_path(parsed.agent).read_bytes()
    except ValueError as problem:
        parser.error(str(problem))
    except OSError as problem:
        parser.error(f"the agent cannot be read: {problem}")

    home = Home.of(os.environ)
    started = not asyncio.run(_is_up(home))
    if started:
        code = up.detach(home, report.for_person())
        if code:
            return code
    try:
        return asyncio.run(_run(envfile.read(home.env), agent, inputs, as_json=parsed.json))
    except ApiProblem as problem:
        print(problem, file=sys.stderr)
        return 1
    finally:
        if started:
            _leave(home, stop=parsed.stop)


def read_inputs(pairs: Sequence[str]) -> dict[str, Any]:
    """`name=value` pairs as inputs: a value that is JSON is taken as such, any other as text."""
    inputs: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise ValueError(f"--input {pair!r}: give it as NAME=VALUE")
        try:
            inputs[name] = json.loads(value)
        except ValueError:
            inputs[name] = value
    return inputs


def _agent_path(given: str | None) -> Path:
    if given is None:
        return DEFAULT_AGENT
    # The script has moved to the checkout; a relative path is meant from where it was called.
    return Path(os.environ.get("HEDDLE_CALLER_DIRECTORY", "."), given)


async def _is_up(home: Home) -> bool:
    owner = home.owner()
    if owner is None or owner.state != READY:
        return False
    return await health.until(health.http(f"{envfile.read(home.env)['HEDDLE_API_URL']}/health/ready"), _ANSWER_SECONDS)


def _leave(home: Home, *, stop: bool) -> None:
    """What becomes of the stack that this command started."""
    if stop:
        down.stop(home, sys.stderr)
    else:
        print("The stack goes on running; scripts/down stops it.", file=sys.stderr)


async def _run(values: Mapping[str, str], agent: bytes, inputs: Mapping[str, Any], *, as_json: bool) -> int:
    async with Api(values["HEDDLE_API_URL"], values["HEDDLE_API_KEY"]) as api:
        graph = await api.import_graph(agent)
        problems = problem_lines(graph)
        if problems:
            print("\n".join(("The agent has problems:", *problems)), file=sys.stderr)
        execution_id = await api.execute(str(graph["id"]), inputs)
        links = {
            "api": f"{api.url}/api/executions/{execution_id}",
            "results": f"{api.url}/api/executions/{execution_id}/results",
            "temporal": f"{values['HEDDLE_TEMPORAL_UI_URL']}/namespaces/"
            f"{os.environ.get('TEMPORAL_NAMESPACE', _NAMESPACE)}/workflows/{execution_id}",
        }
        if not as_json:
            print(f"Running {graph.get('name') or graph['id']} as {execution_id}")
        with _view(as_json=as_json) as view:
            await follow(api, execution_id, view)
        execution = await api.execution(execution_id)
    result = {
        "id": execution_id,
        "status": execution["status"],
        "outputs": execution.get("outputs", {}),
        "stats": execution.get("stats", {}),
        "links": links,
    }
    if as_json:
        print(json.dumps(result, ensure_ascii=False, indent=2))
    else:
        _print_result(result)
    return 0 if execution["status"] == "COMPLETED" else 1


async def follow(api: Api, execution_id: str, view: View) -> None:
    """Shows events until the run has ended; takes a stream that breaks off up again where it was."""
    last: str | None = None
    for attempt in range(_RECONNECTS):
        try:
            async for number, event in api.events(execution_id, last):
                last = number or last
                view.show(event)
                if event.get("type") == "graph_execution_update" and event.get("status") in _ENDED:
                    return
        except ApiProblem:
            if attempt == _RECONNECTS - 1:
                raise
        if (await api.execution(execution_id))["status"] in _ENDED:
            return
    raise ApiProblem(f"The events of {execution_id} ended {_RECONNECTS} times before the run did.")


def _view(*, as_json: bool) -> View:
    if as_json:
        return Silent()
    return LiveTable(Console()) if report.on_terminal(sys.stdout) else Lines(sys.stdout)


def _print_result(result: Json) -> None:
    console = Console(highlight=False, soft_wrap=True)

    def section(title: str, rows: Mapping[str, Any]) -> None:
        console.print(f"\n[bold]{title}[/]")
        for name, value in rows.items():
            console.print(f"  {name}: {value}", markup=False)

    console.print(f"\nThe run ended as {result['status']}.", markup=False)
    outputs = result["outputs"]
    section("Outputs", {name: ", ".join(short(v, 2000) for v in values) for name, values in outputs.items()})
    section("Stats", {name: short(value, 200) for name, value in result["stats"].items() if value is not None})
    section("Links", result["links"])


if __name__ == "__main__":
    sys.exit(main())
