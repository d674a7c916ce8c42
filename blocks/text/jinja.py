"""Templates that users wrote, rendered in Jinja's sandbox within limits of size and time and off the event loop.

Used by every block with a template. The sandbox keeps a template from Python; this module keeps it from a worker's
memory and time: every loop and call looks at the clock, and what multiplies text is refused beforehand
(agent-graphs §17.8). That cannot foresee everything, so only templates that are plain (`plain_templates.py`) are
rendered in the worker's process; all others in one of their own, whose memory and time the system bounds.
"""

import asyncio
import copy
import time
from collections.abc import Iterable, Iterator, Mapping
from contextvars import ContextVar
from functools import lru_cache
from typing import Any, cast

import regex
from jinja2 import Template, nodes
from jinja2 import TemplateError as JinjaError
from jinja2.filters import do_format
from jinja2.runtime import Context
from jinja2.sandbox import SandboxedEnvironment
from jinja2.visitor import NodeTransformer

from blocks.apart.limited import Limited
from blocks.limits import LARGEST_INTEGER, LARGEST_POWER, LARGEST_REPEAT, LONGEST_TEXT, TEMPLATE_SECONDS
from blocks.text.plain_templates import is_plain

_LONGEST_LOOKED_AT = 100_000
_LONGEST_ERROR = 1_000
_deadline: ContextVar[float] = ContextVar("template_deadline", default=float("inf"))
_seconds: ContextVar[float] = ContextVar("template_seconds", default=TEMPLATE_SECONDS)
_LONG_WIDTH = regex.compile(
    r"%(?:\([^)]*\))?[^a-zA-Z%]*(?:\d{5,}|\*)"  # %100000d, %*d
    r"|\{[^{}]*:[^{}]*(?:\d{5,}|\{)"  # {:>100000}, {:>{}}
)


class TemplateError(ValueError):
    """The template is not valid, failed, or asked for too much."""


async def render(template: str, values: Mapping[str, Any], *, escape_html: bool = False) -> str:
    """The template filled with a copy of the values; unknown names are empty. TemplateError says what failed."""
    arguments = (template, dict(values), escape_html, TEMPLATE_SECONDS)
    try:
        if await asyncio.to_thread(_is_plain, template):
            return await asyncio.to_thread(filled, *arguments)
        text: str = await _APART.call(*arguments)
    except ValueError as error:
        raise TemplateError(str(error)) from None
    return text


def _is_plain(template: str) -> bool:
    """Whether it can be rendered here. That of a long template is not looked at: looking takes long, too."""
    try:
        return len(template) <= _LONGEST_LOOKED_AT and is_plain(_PLAIN.parse(template))
    except (JinjaError, RecursionError, ValueError):
        return False  # rendering it says what is wrong


def filled(template: str, values: Mapping[str, Any], escape_html: bool, seconds: float) -> str:
    """The same, in this process and thread."""
    limits = (_deadline, _deadline.set(time.monotonic() + seconds)), (_seconds, _seconds.set(seconds))
    try:
        return "".join(_bounded(_template(template, escape_html).generate(copy.deepcopy(dict(values)))))
    except TemplateError:
        raise
    except RecursionError:
        raise TemplateError("The template calls itself too often.") from None
    # The template's expressions are the user's code: whatever they raise is the template's error.
    except (JinjaError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise TemplateError((str(error) or type(error).__name__)[:_LONGEST_ERROR]) from None
    finally:
        for variable, before in limits:
            variable.reset(before)


def _bounded(parts: Iterable[str]) -> Iterator[str]:
    length = 0
    for part in parts:
        _look_at_the_clock()
        length += len(part)
        _refuse_long(length)
        yield part


def _look_at_the_clock() -> None:
    if time.monotonic() > _deadline.get():
        raise TemplateError(f"The template took longer than {_seconds.get():g} seconds.")


def _refuse_long(length: int) -> None:
    if length > LONGEST_TEXT:
        raise TemplateError(f"The template makes a text of more than {LONGEST_TEXT:,} characters.")


def _refuse_repeat(*counts: Any) -> None:
    for count in counts:
        if isinstance(count, int) and abs(count) > LARGEST_REPEAT:
            raise TemplateError(
                f"The template repeats something {count:,} times; at most {LARGEST_REPEAT:,} are possible."
            )


def _refuse_large(bits: int) -> None:
    if bits > LARGEST_INTEGER:
        raise TemplateError(f"The template makes an integer of more than {LARGEST_INTEGER:,} bits.")


def _range(*bounds: int) -> range:
    numbers = range(*bounds)
    _refuse_repeat(len(numbers))
    return numbers


def _timed(items: Iterable[Any]) -> Iterator[Any]:
    for item in items:
        _look_at_the_clock()
        yield item


def _measured(text: str) -> str:
    _refuse_long(len(text))
    return text


class _Watch(NodeTransformer):
    """Puts a look at the clock into every loop, and a measure on every text that `~` makes."""

    def visit_For(self, node: nodes.For) -> nodes.For:  # noqa: N802
        self.generic_visit(node)
        node.iter = _filtered(cast(nodes.Expr, node.iter), "_timed")
        return node

    def visit_Concat(self, node: nodes.Concat) -> nodes.Filter:  # noqa: N802
        self.generic_visit(node)
        return _filtered(node, "_measured")


def _filtered(node: nodes.Expr, name: str) -> nodes.Filter:
    return nodes.Filter(node, name, [], [], None, None, lineno=node.lineno, environment=node.environment)


class _Environment(SandboxedEnvironment):
    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def __init__(self, *, autoescape: bool) -> None:
        super().__init__(autoescape=autoescape)
        self.globals["range"] = _range
        del self.globals["lipsum"]  # makes as much random text as asked for
        self.filters |= {"_timed": _timed, "_measured": _measured}
        self.filters["format"] = _formatted
        for name in ("center", "indent", "wordwrap", "format", "join", "replace", "batch", "slice"):
            self.filters[name] = _guarded(name, self.filters[name])

    def _generate(self, source: nodes.Template, *args: Any, **kwargs: Any) -> str:
        return super()._generate(_Watch().visit(source), *args, **kwargs)

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        match operator:
            case "**":
                if any(isinstance(side, int | float) and abs(side) > LARGEST_POWER for side in (left, right)):
                    raise TemplateError(f"A power needs base and exponent of at most {LARGEST_POWER:,}.")
            case "*":
                for sequence, count in ((left, right), (right, left)):
                    if isinstance(sequence, str | list | tuple):
                        _refuse_repeat(count)
                        _refuse_long(len(sequence) * (count if isinstance(count, int) else 1))
                if isinstance(left, int) and isinstance(right, int):
                    _refuse_large(left.bit_length() + right.bit_length())
            case "+":
                if isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
                    _refuse_long(len(left) + len(right))
            case "%":
                _refuse_widths(left)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, callee: Any, *args: Any, **kwargs: Any) -> Any:
        _look_at_the_clock()
        owner = getattr(callee, "__self__", None)
        if isinstance(owner, str | list):
            _check(getattr(callee, "__name__", ""), owner, *args, *kwargs.values())
        return super().call(context, callee, *args, **kwargs)

    def wrap_str_format(self, value: Any) -> Any:
        wrapped = super().wrap_str_format(value)
        if wrapped is not None:
            _refuse_widths(value.__self__)
        return wrapped


def _formatted(value: Any, *arguments: Any, **named: Any) -> Any:
    """A number by a pattern, as upstream has it: `{{ 2.5|format("%.2f") }}`. Jinja itself has it the other way round.

    Where the value is no number it is the pattern, as Jinja has it; without a pattern it stays as it is.
    """
    if not named and len(arguments) <= 1 and (not arguments or isinstance(arguments[0], str)):
        pattern = arguments[0] if arguments else ""
        if not pattern:
            return value
        try:
            number = float(value)
        except (TypeError, ValueError):
            pass
        else:
            _refuse_widths(pattern)
            return str(pattern) % number
    return do_format(value, *arguments, **named)


def _guarded(name: str, original: Any) -> Any:
    """A filter that checks what it is asked to do. Filters and methods of the same name do the same."""

    def check_first(*args: Any, **kwargs: Any) -> Any:
        # Some filters take the environment or its evaluation state first; neither is a value.
        values = [value for value in (*args, *kwargs.values()) if isinstance(value, str | int | list | tuple)]
        if values:
            _check(name, *values)
        return original(*args, **kwargs)

    for mark in ("jinja_pass_arg", "jinja_async_variant"):
        if hasattr(original, mark):
            setattr(check_first, mark, getattr(original, mark))
    return check_first


def _check(name: str, owner: Any, *values: Any) -> None:
    """Refuse what would make a long text or list of short ones."""
    if name in ("format", "format_map"):
        _refuse_widths(owner)
    elif name == "replace" and len(values) >= 2 and isinstance(owner, str):
        _refuse_long(len(owner) + owner.count(str(values[0])) * len(str(values[1])))
    elif name == "join" and isinstance(owner, list) and values:
        _refuse_long(len(owner) * len(str(values[0])))
    elif name == "join" and isinstance(owner, str) and values and hasattr(values[0], "__len__"):
        _refuse_long(len(owner) * len(values[0]))
    elif name == "extend" and values and hasattr(values[0], "__len__"):
        _refuse_long(len(owner) + len(values[0]))
    elif name != "insert":
        _refuse_repeat(*values)


def _refuse_widths(pattern: Any) -> None:
    if isinstance(pattern, str) and _LONG_WIDTH.search(pattern):
        raise TemplateError("A format cannot have a width of five digits or more, or one taken from a value.")


@lru_cache(maxsize=256)
def _template(source: str, autoescape: bool) -> Template:
    return (_ESCAPING if autoescape else _PLAIN).from_string(source)


_PLAIN = _Environment(autoescape=False)
_ESCAPING = _Environment(autoescape=True)
_APART = Limited("blocks.text.jinja:filled", "The template", seconds=TEMPLATE_SECONDS + 2)
