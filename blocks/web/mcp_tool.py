"""A tool of an MCP server as a block.

Registered in `catalogue.py`. The tool's arguments are pins of the node: `tool_input_schema`, written by whoever placed
it, says which, and values that arrive under those names stand over `tool_arguments` (agent-graphs §3.1).
"""

from collections.abc import AsyncIterator, Mapping
from typing import Any, ClassVar

from pydantic import Field

from blocks.base import Block, BlockContext, Category, Example, Exchange, Inputs, Outputs, Yielded
from blocks.credentials import ApiKey, CredentialsField, CredentialsMeta, CredentialsType
from blocks.web.mcp_client import McpSession
from engine.model import BlockKind, Effects


class McpToolInputs(Inputs):
    server_url: str = Field(
        title="Server", description="The address of the MCP server", examples=["https://example.com/mcp"]
    )
    credentials: CredentialsMeta | None = Field(None, title="Credentials", description="For servers that want a token")
    selected_tool: str = Field("", title="Tool", description="The name of the tool")
    tool_input_schema: dict[str, Any] = Field(
        default_factory=dict, title="Schema of the arguments", description="The tool's arguments as JSON Schema"
    )
    tool_description: str = Field("", title="Description", description="What the tool does, in the server's words")
    tool_arguments: dict[str, Any] = Field(
        default_factory=dict, title="Arguments", description="Arguments that nothing is linked to"
    )


class McpToolOutputs(Outputs):
    result: Any = Field(title="Result", description="What the tool gave; a list when it gave several parts")


_SERVER = "POST https://tea.example/mcp"
_JSON = {"Content-Type": "application/json"}


class McpTool(Block[McpToolInputs]):
    id = "a0a4b1c2-d3e4-4f56-a7b8-c9d0e1f2a3b4"
    name = "MCP tool"
    description = "Calls a tool of an MCP server."
    categories = frozenset({Category.DEVELOPER_TOOLS})
    kind = BlockKind.MCP_TOOL
    effects = Effects.EFFECTFUL
    credentials: ClassVar = {
        "credentials": CredentialsField(
            ("mcp",), (CredentialsType.API_KEY, CredentialsType.OAUTH2), required=False, own_only=True
        )
    }
    Input = McpToolInputs
    Output = McpToolOutputs
    examples = (
        Example(
            {
                "server_url": "https://tea.example/mcp",
                "selected_tool": "steep",
                "tool_input_schema": {"properties": {"kind": {"type": "string"}}, "required": ["kind"]},
                "tool_arguments": {"kind": "green"},
            },
            (("result", [2, 3]),),
            web=(
                Exchange(
                    _SERVER,
                    '{"jsonrpc": "2.0", "id": 1, "result": {"protocolVersion": "2025-06-18", "capabilities": {}}}',
                    headers=_JSON,
                ),
                Exchange(_SERVER, status=202),
                Exchange(
                    _SERVER,
                    '{"jsonrpc": "2.0", "id": 2, "result": {"content": [{"type": "text", "text": "[2, 3]"}]}}',
                    headers=_JSON,
                ),
            ),
        ),
    )

    async def run(self, inputs: McpToolInputs, context: BlockContext) -> AsyncIterator[Yielded]:
        if not inputs.selected_tool:
            raise ValueError("No tool is chosen. Choose one of the server's tools.")
        arguments = arguments_of(inputs)
        key = context.credentials.get("credentials")
        token = key.key.get_secret_value() if isinstance(key, ApiKey) else None
        session = McpSession(context.services.http, inputs.server_url, token)
        try:
            await session.open()
            result = await session.call(inputs.selected_tool, arguments)
        finally:
            await session.close()
        yield "result", result


def arguments_of(inputs: McpToolInputs) -> dict[str, Any]:
    """The tool's arguments: what arrived over what stands in the node. ValueError names those that are missing."""
    schema = inputs.tool_input_schema
    properties, required = schema.get("properties"), schema.get("required")
    names = set(properties) if isinstance(properties, Mapping) else set()
    arrived = {name: value for name, value in (inputs.model_extra or {}).items() if name in names}
    arguments = {**inputs.tool_arguments, **arrived}
    missing = [name for name in required if arguments.get(name) is None] if isinstance(required, list) else []
    if missing:
        raise ValueError(f"Missing required argument(s): {', '.join(map(str, missing))}")
    return arguments
