"""Which templates are plain: what they take and how long grows no faster than their values do.

Used by `jinja.py`. Names, their parts, loops, conditions and a few filters are plain, which is what most templates are
made of; anything that keeps, joins, counts or calls is not. What is not listed here is not plain.
"""

from jinja2 import nodes

_FILTERS = {
    **dict.fromkeys(("capitalize", "count", "e", "escape", "first", "float", "forceescape", "int", "last"), 0),
    **dict.fromkeys(("length", "lower", "round", "safe", "string", "title", "tojson", "trim", "upper"), 0),
    **dict.fromkeys(("d", "default", "join"), 2),
}
"""Plain filters, and how many arguments each may have."""

_DEEPEST_FILTERS = 3
"""Filters behind one another: escapes of escapes double a text each time."""

_OF_MAPPINGS = frozenset({"items", "keys", "values"})
_WHOLE = (
    *(nodes.Template, nodes.Output, nodes.TemplateData, nodes.Const, nodes.If, nodes.CondExpr),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand),
)
"""Nodes that are plain when all in them is."""


def is_plain(node: nodes.Node, filters: int = 0) -> bool:
    """Whether a parsed template, or a part of one behind so many filters, is plain."""
    match node:
        case nodes.Name():
            return node.ctx == "load"
        case nodes.Getattr() | nodes.Getitem(arg=nodes.Const()):
            return is_plain(node.node, filters)
        case nodes.Filter():
            arguments = _FILTERS.get(node.name, -1)
            return (
                filters < _DEEPEST_FILTERS
                and node.node is not None
                and len(node.args) <= arguments
                and not (node.kwargs or node.dyn_args or node.dyn_kwargs)
                and all(isinstance(argument, nodes.Const) for argument in node.args)
                and is_plain(node.node, filters + 1)
            )
        case nodes.Test():
            plain = not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs)
            return plain and is_plain(node.node, filters)
        case nodes.For():
            inside = [*node.body, *node.else_, *([node.test] if node.test else [])]
            return not node.recursive and _is_plain_to_loop_over(node.iter) and all(map(is_plain, inside))
        case _:
            return isinstance(node, _WHOLE) and all(is_plain(child, filters) for child in node.iter_child_nodes())


def _is_plain_to_loop_over(node: nodes.Node) -> bool:
    if isinstance(node, nodes.Call) and isinstance(node.node, nodes.Getattr) and node.node.attr in _OF_MAPPINGS:
        return not (node.args or node.kwargs or node.dyn_args or node.dyn_kwargs) and is_plain(node.node.node)
    return is_plain(node)
