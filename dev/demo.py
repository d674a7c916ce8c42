"""`scripts/demo`: imports an agent, runs it, shows its nodes at work and what came out.

Uses the stack that runs in `$HEDDLE_HOME`, or starts one. It speaks to the product over HTTP only, like anyone else.
"""

import argparse
import asyncio
import json
import os
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console

from dev import down, envfile, health, report, up
from dev.api_client import Api, ApiProblem, Json, problem_lines
from dev.demo_view import Lines, LiveTable, Silent, View, short
from dev.following import follow
from dev.home import READY, ROOT, Home, from_caller

DEFAULT_AGENT = ROOT / "examples" / "story_loop.json"
_NAMESPACE = "default"
_ANSWER_SECONDS = 5.0
_INTERRUPTED = 130


class UnreadableAgent(Exception):
    """The agent's file cannot be read; the message names it, and the line."""


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
    except ValueError as problem:
        parser.error(str(problem))
    told = _Told(as_json=parsed.json)
    try:
        # Before the stack: what is wrong with the file is known without it.
        agent = read_agent(from_caller(parsed.agent, os.environ) if parsed.agent else DEFAULT_AGENT)
    except UnreadableAgent as problem:
        return told.failed([str(problem)], {"code": "unreadable_agent", "message": str(problem)})
    home = Home.of(os.environ)
    try:
        return _with_stack(home, agent, inputs, told, stop=parsed.stop)
    except KeyboardInterrupt:
        return _INTERRUPTED


class _Told:
    """How a failure is told: to a person always, to a program too when it asked for JSON."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def failed(self, lines: Sequence[str], document: Json, code: int = 1) -> int:
        """Tells it; returns the exit code."""
        if lines:
            print("\n".join(lines), file=sys.stderr)
        if self.as_json:
            print(json.dumps({"error": document}, ensure_ascii=False, indent=2))
        return code


def _with_stack(home: Home, agent: bytes, inputs: Mapping[str, Any], told: _Told, *, stop: bool) -> int:
    started = not asyncio.run(_is_up(home))
    if started:
        code = up.detach(home, report.for_person())
        if code:
            return told.failed([], {"code": "not_started", "message": "The stack did not start."}, code)
    run = _Run(home, told, stops=started and stop)
    try:
        return asyncio.run(run.to_its_end(agent, inputs))
    except ApiProblem as problem:
        return told.failed(problem.lines(run.problems), problem.document())
    except KeyboardInterrupt:
        lines = run.left_alone()
        return told.failed(lines, {"code": "interrupted", "message": lines[0], "id": run.id}, _INTERRUPTED)
    finally:
        if started:
            _leave(home, stop=stop)


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


def read_agent(path: Path) -> bytes:
    """The file, which is known to be JSON. Raises `UnreadableAgent`."""
    try:
        agent = path.read_bytes()
        json.loads(agent)
    except json.JSONDecodeError as problem:
        where = f"{path}, line {problem.lineno}, column {problem.colno}"
        raise UnreadableAgent(f"The agent is not JSON: {where}: {problem.msg}") from problem
    except UnicodeDecodeError as problem:
        raise UnreadableAgent(f"The agent is not JSON: {path} is not text ({problem.reason})") from problem
    except OSError as problem:
        raise UnreadableAgent(f"The agent cannot be read: {path}: {problem.strerror}") from problem
    return agent


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


class _Run:
    """One run of an agent, from its import to what came out."""

    def __init__(self, home: Home, told: _Told, *, stops: bool) -> None:
        self.id: str | None = None
        self.problems: list[str] = []
        self._graph_id = ""
        self._values = envfile.read(home.env)
        self._told = told
        self._stops = stops
        self._with_key = f'. {shlex.quote(str(home.env))} && curl -H "X-API-Key: $HEDDLE_API_KEY"'

    async def to_its_end(self, agent: bytes, inputs: Mapping[str, Any]) -> int:
        """Imports, runs, shows; returns the exit code."""
        async with Api(self._values["HEDDLE_API_URL"], self._values["HEDDLE_API_KEY"]) as api:
            graph = await api.import_graph(agent)
            self._graph_id = str(graph["id"])
            self.problems = problem_lines(graph.get("problems") or ())
            if self.problems:
                print("\n".join(("The agent has problems:", *self.problems)), file=sys.stderr)
            self.id = await api.execute(self._graph_id, inputs)
            if not self._told.as_json:
                print(f"Running {graph.get('name') or self._graph_id} as {self.id}", flush=True)
            with _view(as_json=self._told.as_json) as view:
                execution = await follow(api, self.id, view)
        result = {
            "id": self.id,
            "status": execution["status"],
            "outputs": execution.get("outputs", {}),
            "stats": execution.get("stats", {}),
            "links": self._links(),
        }
        if self._told.as_json:
            print(json.dumps(result, ensure_ascii=False, indent=2))
        else:
            _print_result(result, self._with_key)
        return 0 if execution["status"] == "COMPLETED" else 1

    def left_alone(self) -> list[str]:
        """What to know of a run that nobody watches any more."""
        if self.id is None:
            return ["Interrupted before the run was started."]
        url = f"{self._values['HEDDLE_API_URL']}/api/graphs/{self._graph_id}/executions/{self.id}/stop"
        goes_on = "goes on once the stack is started again" if self._stops else "goes on"
        return [
            f"Run {self.id} {goes_on}; follow it in Temporal's Web UI: {self._links()['temporal']}",
            f"To stop it:  {self._with_key} -X POST {url}",
        ]

    def _links(self) -> dict[str, str]:
        api = f"{self._values['HEDDLE_API_URL']}/api/executions/{self.id}"
        namespace = os.environ.get("TEMPORAL_NAMESPACE", _NAMESPACE)
        return {
            "api": api,
            "results": f"{api}/results",
            "temporal": f"{self._values['HEDDLE_TEMPORAL_UI_URL']}/namespaces/{namespace}/workflows/{self.id}",
        }


def _view(*, as_json: bool) -> View:
    if as_json:
        return Silent()
    return LiveTable(Console()) if report.on_terminal(sys.stdout) else Lines(sys.stdout)


def _print_result(result: Json, with_key: str) -> None:
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
    console.print(f"api and results ask for the key:  {with_key} {result['links']['results']}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
