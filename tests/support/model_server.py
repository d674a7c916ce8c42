"""A local endpoint of language models: a real HTTP server whose answers a test scripts, and which counts what is asked.

It speaks as the documentation of each provider shows; `chat`, `chat_stream` and alike make the bodies.
"""

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def texts(self) -> list[str]:
        """What the messages say."""
        return [str(message.get("content")) for message in self.body["messages"]]


@dataclass(frozen=True)
class Answer:
    """What is answered. `cut`: the connection is closed before the announced end."""

    body: bytes
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    cut: bool = False


type Responder = Callable[[Asked], Answer]


@dataclass
class ModelServer:
    """A running server. `respond` may be changed at any time."""

    url: str
    respond: Responder
    asked: list[Asked] = field(default_factory=list)

    def in_turn(self, *answers: Answer) -> None:
        """Answer with these, one after the other; the last stays."""
        left = list(answers)
        self.respond = lambda _: left.pop(0) if len(left) > 1 else left[0]


@contextmanager
def model_server() -> Iterator[ModelServer]:
    """A server on a free port of this machine."""
    server: ModelServer
    lock = threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked = Asked(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
            with lock:
                server.asked.append(asked)
            answer = server.respond(asked)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body) + (100 if answer.cut else 0)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            with suppress(ConnectionError):
                self.end_headers()
            with suppress(ConnectionError):
                self.wfile.write(answer.body)
            self.close_connection = answer.cut

        def log_message(self, *_: object) -> None:
            pass

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    server = ModelServer(f"http://127.0.0.1:{http.server_port}", lambda _: chat("hello"))
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


def of_json(body: Any, status: int = 200, **headers: str) -> Answer:
    """A JSON body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(json.dumps(body).encode(), status, named)


def events(*bodies: Any, end: str = "", cut: bool = False, named: bool = False) -> Answer:
    """Server-sent events."""
    lines = [
        f"event: {body['type']}\ndata: {json.dumps(body)}" if named else f"data: {json.dumps(body)}" for body in bodies
    ]
    text = "\n\n".join([*lines, *([f"data: {end}"] if end else []), ""]) + "\n"
    return Answer(text.encode(), content_type="text/event-stream", cut=cut)


def calls(*asked: tuple[str, Mapping[str, Any] | str]) -> list[dict[str, Any]]:
    """Tool calls of a chat message."""
    return [
        {
            "id": f"call_{number}_{name}",
            "type": "function",
            "function": {"name": name, "arguments": args if isinstance(args, str) else json.dumps(args)},
        }
        for number, (name, args) in enumerate(asked)
    ]


def chat(
    text: str | None = None, tools: Sequence[dict[str, Any]] = (), tokens: tuple[int, int] = (10, 5), finish: str = ""
) -> Answer:
    """An answer of chat completions."""
    message: dict[str, Any] = {"role": "assistant", "content": text}
    if tools:
        message["tool_calls"] = list(tools)
    choice = {"index": 0, "message": message, "finish_reason": finish or ("tool_calls" if tools else "stop")}
    return of_json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "m",
            "choices": [choice],
            "usage": {
                "prompt_tokens": tokens[0],
                "completion_tokens": tokens[1],
                "total_tokens": sum(tokens),
            },
        }
    )


def chat_stream(*pieces: str, finish: str | None = "stop", cut: bool = False) -> Answer:
    """The same as a stream; without `finish` it breaks off."""
    base = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    chunks = [
        {**base, "choices": [{"index": 0, "delta": {"content": piece}, "finish_reason": None}]} for piece in pieces
    ]
    if finish:
        chunks.append({**base, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
        chunks.append(
            {**base, "choices": [], "usage": {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}}
        )
    return events(*chunks, end="[DONE]" if finish else "", cut=cut)


def chat_error(status: int, message: str, code: str | None = None, **headers: str) -> Answer:
    """A refusal of chat completions."""
    return of_json({"error": {"message": message, "type": "error", "param": None, "code": code}}, status, **headers)


def anthropic_message(text: str) -> Answer:
    """A message of Anthropic's."""
    usage = {"input_tokens": 9, "output_tokens": 7}
    content = [{"type": "text", "text": text}]
    about = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn"}
    return of_json({**about, "content": content, "stop_sequence": None, "usage": usage})


def anthropic_stream(*texts: str, whole: bool = True) -> Answer:
    """A message of Anthropic's as a stream; one that is not whole breaks off."""
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    bodies: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**start, "usage": {"input_tokens": 9, "output_tokens": 1}}},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
    ]
    bodies += [
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}} for text in texts
    ]
    if whole:
        bodies += [
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 7},
            },
            {"type": "message_stop"},
        ]
    return events(*bodies, named=True)


def anthropic_thinks(*parts: dict[str, Any]) -> Answer:
    """A message of Anthropic's as a stream, of thoughts, texts and tool calls, each with its signature or arguments."""
    start = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [], "stop_reason": None}
    bodies: list[dict[str, Any]] = [
        {"type": "message_start", "message": {**start, "usage": {"input_tokens": 9, "output_tokens": 1}}}
    ]
    for index, part in enumerate(parts):
        empty, deltas = _pieces(part)
        bodies.append({"type": "content_block_start", "index": index, "content_block": empty})
        bodies += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        bodies.append({"type": "content_block_stop", "index": index})
    stop = "tool_use" if any(part["type"] == "tool_use" for part in parts) else "end_turn"
    bodies += [
        {
            "type": "message_delta",
            "delta": {"stop_reason": stop, "stop_sequence": None},
            "usage": {"output_tokens": 7},
        },
        {"type": "message_stop"},
    ]
    return events(*bodies, named=True)


def _pieces(part: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    match part["type"]:
        case "thinking":
            return {**part, "thinking": "", "signature": ""}, [
                {"type": "thinking_delta", "thinking": part["thinking"]},
                {"type": "signature_delta", "signature": part["signature"]},
            ]
        case "text":
            return {**part, "text": ""}, [{"type": "text_delta", "text": part["text"]}]
        case "tool_use":
            text = json.dumps(part["input"])
            halves = text[:3], text[3:]
            return {**part, "input": {}}, [{"type": "input_json_delta", "partial_json": half} for half in halves]
    return part, []
