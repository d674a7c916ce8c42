"""Code that people or models wrote, run in sandboxes at E2B and never here.

Registered in `catalogue.py`. All are entered at most once: code may have done anything when its answer is lost.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Cost, CostType, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import CredentialsField, CredentialsMeta, key_of
from blocks.files.references import content_type_of, plain_name
from blocks.http.client import Http
from blocks.providers import e2b
from blocks.services import File, Services
from blocks.system_credentials import paid_by_host
from engine.model import Effects

_LONGEST_SECONDS = 3_600
_STEP_SECONDS = 300
_SLACK_SECONDS = 120.0
_MOST_FILES = 20
_LARGEST_FILE = 10 * 1024 * 1024
_LONGEST_CONTENT = 100_000
_JSON = {"Content-Type": "application/json"}
_KEY = {"id": "mine", "provider": "e2b", "type": "api_key"}
_COSTS = (Cost(1, CostType.SECOND, paid_by_host("e2b"), divisor=10),)
"""A cent for every ten seconds that the block runs."""

_MADE = Exchange(
    "POST https://api.e2b.app/sandboxes",
    '{"sandboxID": "i1", "templateID": "code-interpreter-v1", "envdAccessToken": "t"}',
    status=201,
    headers=_JSON,
)
_RAN = Exchange(
    "POST https://49999-i1.e2b.app/execute",
    '{"type": "stdout", "text": "tea\\n"}\n{"type": "result", "text": "3", "is_main_result": true}\n',
    headers=_JSON,
)
_ENDED = Exchange("DELETE https://api.e2b.app/sandboxes/i1", status=204)


class ProgrammingLanguage(StrEnum):
    """What a sandbox can run."""

    PYTHON = "python"
    JAVASCRIPT = "js"
    BASH = "bash"
    R = "r"
    JAVA = "java"


class SandboxInputs(Inputs):
    """Inputs of every block here."""

    credentials: CredentialsMeta = Field(title="Credentials", description="A key for E2B")
    language: ProgrammingLanguage = Field(
        ProgrammingLanguage.PYTHON, title="Language", description="The language of the code"
    )


class NewSandboxInputs(SandboxInputs):
    """Inputs of a block that makes a sandbox."""

    setup_commands: list[str] = Field(
        default_factory=list,
        title="Setup commands",
        description="Commands for bash, run one after the other before the code",
        examples=[["pip install cowsay"]],
        max_length=100,
    )
    timeout: int = Field(
        300, title="Time-out", description="How many seconds the sandbox stays", ge=1, le=_LONGEST_SECONDS
    )
    template_id: str = Field("", title="Template", description="A template of your own at E2B; empty: the usual one")


class LogOutputs(Outputs):
    """Outputs of every block here."""

    response: str = Field(title="Response", description="The main result as text, if there is one")
    stdout_logs: str = Field(title="Output", description="What was written to the standard output, if anything was")
    stderr_logs: str = Field(title="Errors", description="What was written to the standard error, if anything was")


class ResultOutputs(LogOutputs):
    """Outputs of a block that gives results, too."""

    main_result: dict[str, Any] = Field(
        title="Main result", description="The value of the last line, by form: `text`, `html`, `png`, `json`, `chart`…"
    )
    results: list[dict[str, Any]] = Field(
        title="Results", description="All that was shown, each by form; the main one has `is_main_result`"
    )


class ExecuteCodeInputs(NewSandboxInputs):
    code: str = Field("", title="Code", description="What to run", examples=["print('tea')"])
    dispose_sandbox: bool = Field(
        True, title="Dispose of the sandbox", description="Or leave it until its time is over; an error ends it, too"
    )


class ExecuteCodeOutputs(ResultOutputs):
    files: list[dict[str, str]] = Field(
        title="Files",
        description="Files that were made or changed: `path`, `relative_path`, `name`, `content` (of short texts) and "
        "`workspace_ref`, the URI of a file of the run; at most 20",
    )


class ExecuteCode(Block[ExecuteCodeInputs]):
    id = "0b02b072-abe7-11ef-8372-fb5d162dd712"
    name = "Execute code"
    description = "Runs code in a sandbox at E2B that is made for it. Nothing is tried again."
    categories = frozenset({Category.DEVELOPER_TOOLS})
    effects = Effects.EFFECTFUL
    timeout = timedelta(seconds=_LONGEST_SECONDS + 300)
    credentials: ClassVar = {"credentials": CredentialsField(("e2b",))}
    costs = _COSTS
    Input = ExecuteCodeInputs
    Output = ExecuteCodeOutputs
    examples = (
        Example(
            {"credentials": _KEY, "code": "print('tea')\n1 + 2"},
            (
                ("main_result", {"text": "3"}),
                ("results", [{"text": "3", "is_main_result": True}]),
                ("response", "3"),
                ("stdout_logs", "tea\n"),
                ("files", []),
            ),
            web=(
                _MADE,
                Exchange("POST https://49983-i1.e2b.app/filesystem.Filesystem/ListDir", "{}", headers=_JSON),
                _RAN,
                Exchange("POST https://49983-i1.e2b.app/filesystem.Filesystem/ListDir", "{}", headers=_JSON),
                _ENDED,
            ),
        ),
    )

    async def run(self, inputs: ExecuteCodeInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        sandbox = await e2b.create(http, key, inputs.template_id.strip(), inputs.timeout)
        async with _ending(http, key, sandbox.id, always=inputs.dispose_sandbox, within=inputs.timeout):
            await _set_up(http, sandbox, inputs)
            before = await _listing(http, sandbox)
            execution = await _execute(http, sandbox, inputs.code, inputs.language, inputs.timeout)
            files = await _files_since(before, sandbox, context.services)
        for result in _results_of(execution):
            yield result
        for log in _logs_of(execution):
            yield log
        yield "files", files


class InstantiateCodeSandboxInputs(NewSandboxInputs):
    setup_code: str = Field("", title="Setup code", description="What to run first", examples=["import math"])


class InstantiateCodeSandboxOutputs(LogOutputs):
    sandbox_id: str = Field(title="Sandbox id", description="The sandbox, for Execute code step")


class InstantiateCodeSandbox(Block[InstantiateCodeSandboxInputs]):
    id = "ff0861c9-1726-4aec-9e5b-bf53f3622112"
    name = "Instantiate code sandbox"
    description = "Makes a sandbox at E2B in which Execute code step runs code. It costs until its time is over."
    categories = frozenset({Category.DEVELOPER_TOOLS})
    effects = Effects.EFFECTFUL
    timeout = timedelta(seconds=_LONGEST_SECONDS + 300)
    credentials: ClassVar = {"credentials": CredentialsField(("e2b",))}
    costs = _COSTS
    Input = InstantiateCodeSandboxInputs
    Output = InstantiateCodeSandboxOutputs
    examples = (
        Example(
            {"credentials": _KEY, "setup_code": "print('tea')\n1 + 2"},
            (("sandbox_id", "i1"), ("response", "3"), ("stdout_logs", "tea\n")),
            web=(_MADE, _RAN),
        ),
    )

    async def run(self, inputs: InstantiateCodeSandboxInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        sandbox = await e2b.create(http, key, inputs.template_id.strip(), inputs.timeout)
        async with _ending(http, key, sandbox.id, always=False, within=inputs.timeout):
            await _set_up(http, sandbox, inputs)
            execution = await _execute(http, sandbox, inputs.setup_code, inputs.language, inputs.timeout)
        yield "sandbox_id", sandbox.id
        for log in _logs_of(execution):
            yield log


class ExecuteCodeStepInputs(SandboxInputs):
    sandbox_id: str = Field(title="Sandbox id", description="The sandbox, of Instantiate code sandbox")
    step_code: str = Field("", title="Code", description="What to run", examples=["print('tea')"])
    dispose_sandbox: bool = Field(
        False, title="Dispose of the sandbox", description="Once the code has run, or has failed"
    )


class ExecuteCodeStep(Block[ExecuteCodeStepInputs]):
    id = "82b59b8e-ea10-4d57-9161-8b169b0adba6"
    name = "Execute code step"
    description = "Runs code in a sandbox at E2B that is there already. Nothing is tried again."
    categories = frozenset({Category.DEVELOPER_TOOLS})
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {"credentials": CredentialsField(("e2b",))}
    costs = _COSTS
    Input = ExecuteCodeStepInputs
    Output = ResultOutputs
    examples = (
        Example(
            {"credentials": _KEY, "sandbox_id": "i1", "step_code": "print('tea')\n1 + 2", "dispose_sandbox": True},
            (
                ("main_result", {"text": "3"}),
                ("results", [{"text": "3", "is_main_result": True}]),
                ("response", "3"),
                ("stdout_logs", "tea\n"),
            ),
            web=(
                Exchange("POST https://api.e2b.app/sandboxes/i1/connect", '{"sandboxID": "i1"}', headers=_JSON),
                _RAN,
                _ENDED,
            ),
        ),
    )

    async def run(self, inputs: ExecuteCodeStepInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        http, key = context.services.http, key_of(context.credentials)
        sandbox = await e2b.connect(http, key, inputs.sandbox_id, _STEP_SECONDS)
        # It was there before, with all that was done in it: code that fails is no reason to lose that.
        ending = _ending(http, key, sandbox.id, always=True) if inputs.dispose_sandbox else contextlib.nullcontext()
        async with ending:
            execution = await _execute(http, sandbox, inputs.step_code, inputs.language, _STEP_SECONDS)
        for result in _results_of(execution):
            yield result
        for log in _logs_of(execution):
            yield log


CODE_BLOCKS = (ExecuteCode, InstantiateCodeSandbox, ExecuteCodeStep)


@contextlib.asynccontextmanager
async def _ending(
    http: Http, key: str, sandbox: str, *, always: bool, within: float = _STEP_SECONDS
) -> AsyncIterator[None]:
    """End the sandbox afterwards: always, or when what is done in it fails. It costs as long as it is there.

    All that is done in it together has so many seconds, and a little more: no longer is it there.
    """
    is_wanted = False
    try:
        async with asyncio.timeout(within + _SLACK_SECONDS):
            yield
        is_wanted = not always
    except TimeoutError:
        raise ValueError("The sandbox's time was over before all of it had ended.") from None
    finally:
        if not is_wanted:
            await e2b.dispose(http, key, sandbox)


async def _set_up(http: Http, sandbox: e2b.Sandbox, inputs: NewSandboxInputs) -> None:
    for command in inputs.setup_commands:
        try:
            await e2b.execute(http, sandbox, command, ProgrammingLanguage.BASH.value, inputs.timeout)
        except e2b.CodeFailed as failure:
            raise ValueError(f"The setup command {command!r:.100} failed: {failure}") from None


async def _execute(
    http: Http, sandbox: e2b.Sandbox, code: str, language: ProgrammingLanguage, seconds: int
) -> e2b.Execution:
    if not code.strip():
        return e2b.Execution([], "", "")
    return await e2b.execute(http, sandbox, code, language.value, seconds)


def _results_of(execution: e2b.Execution) -> Sequence[tuple[str, Any]]:
    main = _main_of(execution)
    # Without a main result there is no such output: upstream's graphs tell by that.
    return [*([("main_result", main)] if main else []), ("results", list(execution.results))]


def _logs_of(execution: e2b.Execution) -> Sequence[tuple[str, Any]]:
    text = _main_of(execution).get("text")
    logs = (("response", text), ("stdout_logs", execution.stdout), ("stderr_logs", execution.stderr))
    return [(name, str(value)) for name, value in logs if value]


def _main_of(execution: e2b.Execution) -> dict[str, Any]:
    main = next((result for result in execution.results if result.get("is_main_result")), {})
    return {form: value for form, value in main.items() if form != "is_main_result"}


async def _listing(http: Http, sandbox: e2b.Sandbox) -> Mapping[str, tuple[int, str]] | None:
    """What files there are; None when that cannot be found out, which is no reason to fail."""
    try:
        return await e2b.listing(http, sandbox)
    except ValueError:
        return None


async def _files_since(
    before: Mapping[str, tuple[int, str]] | None, sandbox: e2b.Sandbox, services: Services
) -> list[dict[str, str]]:
    """Files that were made or changed since, kept with the run. Those that are too large or cannot be read are not."""
    after = await _listing(services.http, sandbox) if before is not None else None
    if before is None or after is None:
        return []
    made = [path for path, about in sorted(after.items()) if before.get(path) != about and about[0] <= _LARGEST_FILE]
    files: list[dict[str, str]] = []
    for path in made[:_MOST_FILES]:
        with contextlib.suppress(ValueError):
            content = await e2b.download(services.http, sandbox, path, _LARGEST_FILE)
            name = plain_name(path)
            reference = await services.files.store(File(name, content_type_of(name), content))
            about = {"path": path, "relative_path": path.removeprefix(e2b.HOME), "name": name}
            files.append({**about, "content": _text_of(content), "workspace_ref": reference})
    return files


def _text_of(content: bytes) -> str:
    """The content as text when it is one and short; empty otherwise."""
    if len(content) > _LONGEST_CONTENT or b"\0" in content:
        return ""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return ""
