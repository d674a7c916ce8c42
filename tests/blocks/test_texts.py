"""Text blocks, patterns, templates, XML (agent-graphs §17.7 to §17.9)."""

import asyncio
import resource
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.apart.limited import Limited
from blocks.text import jinja
from blocks.text import searching as patterns
from blocks.text.jinja import TemplateError, render
from blocks.text.patterns import ExtractTextInformation, MatchTextPattern
from blocks.text.plain import CombineTexts, TextDecoder, TextReplace, TextSplit, unescape
from blocks.text.plain_templates import is_plain
from blocks.text.template import FillTextTemplate
from blocks.text.xml_parser import XmlParser, parse
from tests.blocks.block_runs import run


async def test_splitting() -> None:
    assert await run(TextSplit, {"text": " a ; b", "delimiter": ";", "strip": False}) == [("texts", [" a ", " b"])]
    with pytest.raises(ValueError, match="delimiter is empty"):
        await run(TextSplit, {"text": "a", "delimiter": ""})


async def test_texts_that_would_grow_too_long_are_refused() -> None:
    with pytest.raises(ValueError, match="at most 10,000,000"):
        await run(CombineTexts, {"input": ["a"] * 2_000, "delimiter": "b" * 8_000})
    with pytest.raises(ValueError, match="at most 10,000,000"):
        await run(TextReplace, {"text": "a" * 2_000, "old": "", "new": "b" * 8_000})


@given(st.text())
def test_escaping_and_back(text: str) -> None:
    assert unescape(text.encode("unicode_escape").decode("ascii")) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\u00fc\\n\u20ac", "\u00fc\n\u20ac"),
        ("\\ud83c\\udf75", "\U0001f375"),
        ("\\d \\x1 \\u12", "\\d \\x1 \\u12"),
        ("\\101", "A"),
    ],
)
async def test_decoding(text: str, expected: str) -> None:
    assert await run(TextDecoder, {"text": text}) == [("decoded_text", expected)]


async def test_half_a_character_is_an_error() -> None:
    with pytest.raises(ValueError, match="half of a character"):
        await run(TextDecoder, {"text": "\\ud83c"})


async def test_matching_gives_the_data_or_else_the_text() -> None:
    inputs = {"text": {"a": 1}, "match": '"A": 1', "data": 0, "case_sensitive": False}
    assert await run(MatchTextPattern, inputs) == [("positive", {"a": 1})]
    assert await run(MatchTextPattern, {"text": "a\nb", "match": "a.b", "data": 1}) == [("positive", 1)]
    outputs = await run(MatchTextPattern, {"text": "a\nb", "match": "a.b", "data": 1, "dot_all": False})
    assert outputs == [("negative", 1)]


async def extract(text: Any, pattern: str, **options: Any) -> list[Any]:
    return list(await run(ExtractTextInformation, {"text": text, "pattern": pattern, **options}))


async def test_extracting_the_first_or_all() -> None:
    assert await extract("a1 b2", r"\d") == [("positive", "1"), ("matched_results", ["1"]), ("matched_count", 1)]
    all_of_them = await extract("a1 b2", r"\d", find_all=True)
    assert all_of_them[:2] == [("positive", "1"), ("positive", "2")]


@pytest.mark.parametrize("group", [2, -1])
async def test_a_group_that_the_pattern_lacks_is_no_match(group: int) -> None:
    outputs = await extract("a1", r"(\d)", group=group)
    assert outputs == [("negative", "a1"), ("matched_results", []), ("matched_count", 0)]


async def test_limits_of_extraction() -> None:
    found = dict(await extract("a" * 2_000, "a", find_all=True))
    assert found["matched_count"] == 1_000
    assert len(dict(await extract("a" * 20_000, "a+"))["positive"]) == 10_000


async def test_of_a_long_text_the_beginning_is_searched() -> None:
    text = "tea" + " " * 1_000_000 + "milk"
    assert dict(await extract(text, r"\w+", find_all=True))["matched_results"] == ["tea"]
    assert dict(await extract(text, "milk"))["negative"] == text
    with pytest.raises(ValueError, match="1,000,007 characters"):
        await run(MatchTextPattern, {"text": text, "match": "tea", "data": 1})


async def test_a_pattern_that_is_none() -> None:
    with pytest.raises(ValueError, match="pattern is not valid"):
        await extract("a", "(")


@pytest.mark.parametrize(
    "pattern", ["(?:(?:(?:a{1000}){1000}){1000}){1000}", "a{999999999}", "a" * 10_001, "(a{9}b){9000}"]
)
async def test_a_pattern_too_large_to_compile_is_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match="too large"):
        await extract("a", pattern)


@pytest.mark.parametrize(
    ("pattern", "problem"),
    [
        ("(?R)", r"more than (256|7 seconds or 256) MB"),
        ("(?:(?R)a)", r"more than (256|7 seconds or 256) MB"),
        ("(" * 3_000 + ")" * 3_000, "nested too deeply"),
        ("(?:" * 2_000 + "a" + ")" * 2_000, "nested too deeply"),
    ],
)
async def test_a_pattern_that_takes_too_much_memory_or_depth_is_refused(pattern: str, problem: str) -> None:
    before = most_memory()
    with pytest.raises(ValueError, match=problem):
        await extract("a" * 100, pattern)
    assert most_memory() - before < 60


@pytest.mark.parametrize("pattern", [r"\d{3}-\d{4}", "[({]{2}", r"\({5}", "(a|b){2,}?", "x{", "[]{9}]"])
async def test_patterns_of_common_size_are_not(pattern: str) -> None:
    assert dict(await extract("none of it", pattern))["matched_count"] == 0


async def test_a_slow_pattern_is_stopped_and_stalls_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patterns, "PATTERN_SECONDS", 0.3)
    slow = asyncio.create_task(extract("a" * 60 + "!", "(a|aa)+$"))
    longest_pause = 0.0
    while not slow.done():
        before = time.monotonic()
        await asyncio.sleep(0.01)
        longest_pause = max(longest_pause, time.monotonic() - before)
    with pytest.raises(ValueError, match=r"longer than 0\.3 seconds"):
        await slow
    assert longest_pause < 0.25


async def test_templates_fill_in_and_leave_unknown_names_empty() -> None:
    inputs = {"format": "{{ a }}-{{ b }}-{{ c }}", "values": {}, "values_#_a": 1, "values_#_b": "<"}
    assert await run(FillTextTemplate, inputs) == [("output", "1-<-")]
    assert await run(FillTextTemplate, {**inputs, "escape_html": True}) == [("output", "1-&lt;-")]


async def test_templates_loop_and_call() -> None:
    template = "{% for k, v in d.items() %}{{ loop.index }}/{{ loop.length }}:{{ k }}={{ v|join('+') }} {% endfor %}"
    assert await render(template, {"d": {"x": [1, 2], "y": []}}) == "1/2:x=1+2 2/2:y= "
    assert await render("{{ ', '.join(xs) ~ '!' }} {{ '%05d' % 7 }}", {"xs": ["a", "b"]}) == "a, b! 00007"
    assert await render("**bold** 12345 {{ '100000: %s' % 1 }}", {}) == "**bold** 12345 100000: 1"


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("{{ n|format('%.2f') }}", "2.50"),
        ("{{ '7'|format('%05d') }}", "00007"),
        ("{{ n|format }} {{ word|format }}", "2.5 tea"),
        ("{{ n|format('') }}", "2.5"),
        ("{{ '%s and %s'|format(word, n) }}", "tea and 2.5"),
        ("{{ '%s'|format(word) }}", "tea"),
        ("{{ '%.1f'|format(n) }}", "2.5"),
    ],
)
async def test_numbers_are_formatted_as_upstream_does_and_as_jinja_does(template: str, expected: str) -> None:
    assert await render(template, {"n": 2.5, "word": "tea"}) == expected


async def test_a_template_cannot_change_its_values() -> None:
    values = {"xs": [1]}
    assert await render("{% set _ = xs.append(2) %}{{ xs }}", values) == "[1, 2]"
    assert values == {"xs": [1]}


@pytest.mark.parametrize(
    "template",
    [
        "{{ 2 ** 1001 }}",
        "{{ 1001 ** 2 }}",
        "{{ 'a' * 10001 }}",
        "{{ 10001 * [1] }}",
        "{{ range(10001)|list }}",
        "{{ ''.ljust(100000) }}",
        "{{ 'a'|center(100000) }}",
        "{{ '%100000d' % 1 }}",
        "{{ '%*d' % (100000, 1) }}",
        "{{ '{:>100000}'.format(1) }}",
        "{{ '{:>{}}'.format(1, 100000) }}",
        "{{ '%100000d'|format(1) }}",
        "{{ 1|format('%100000d') }}",
        "{{ missing|format('%d') }}",
        "{% set n = namespace(x='aaaa') %}{% for i in range(99) %}{% set n.x = n.x ~ n.x %}{% endfor %}",
        "{% set n = namespace(x='aaaa') %}{% for i in range(99) %}{% set n.x = n.x + n.x %}{% endfor %}",
        "{% set n = namespace(x='aaaa') %}{% for i in range(99) %}{% set n.x = n.x|replace('a', 'aa') %}{% endfor %}",
        "{% set n = namespace(x=['a']) %}{% for i in range(99) %}{% set _ = n.x.extend(n.x) %}{% endfor %}",
        "{% set s = 'a' * 9000 %}{{ ([1] * 9000)|join(s) }}{{ s.join([1] * 9000) }}",
        "{% macro again() %}{{ again() }}{% endmacro %}{{ again() }}",
        "{{ lipsum(1) }}",
        "{{ ().__class__.__bases__[0].__subclasses__() }}",
        "{{ x.y }}",
        "{% if %}",
    ],
)
async def test_templates_that_ask_for_too_much_or_fail(template: str) -> None:
    with pytest.raises(TemplateError) as failure:
        await render(template, {})
    assert len(str(failure.value)) < 300


@pytest.mark.parametrize(
    "template",
    [
        "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
        "{% macro f(n) %}{% if n %}{{ f(n - 1) }}{{ f(n - 1) }}{% endif %}{% endmacro %}{{ f(40) }}",
    ],
)
async def test_a_slow_template_is_stopped(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jinja, "TEMPLATE_SECONDS", 0.2)
    started = time.monotonic()
    with pytest.raises(TemplateError, match=r"longer than 0\.2 seconds"):
        await render(template, {})
    assert time.monotonic() - started < 2


def most_memory() -> int:
    """The most that this process has held at once, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10


HUGE = "{% set t = ('x' * 10000) * 1000 %}"
NESTED = "{% set n = namespace(x=['a']) %}{% for i in range(40) %}{% set n.x = [n.x, n.x] %}{% endfor %}"


@pytest.mark.parametrize(
    "template",
    [
        HUGE + "{{ ([t] * 300)|join('')|length }}",
        HUGE + "{{ ''.join([t] * 300)|length }}",
        HUGE + "{{ [t] * 300 }}",
        HUGE + "{{ ([t] * 300)|tojson|length }}",
        HUGE + "{{ ([t] * 300)|string|length }}",
        HUGE + "{{ {'t': t * 1, 'u': [t] * 300} ~ '' }}",
        HUGE + "{{ '%s' % [t] * 300 }}",
        HUGE + "{{ '%s%s' % ([t] * 150, [t] * 150) }}",
        NESTED + "{{ n.x|string|length }}",
        NESTED + "{{ n.x|tojson|length }}",
        NESTED + "{{ n.x|pprint|length }}",
        NESTED + "{{ (n.x ~ '')|length }}",
        NESTED + "{{ n.x }}",
    ],
)
async def test_a_template_cannot_take_the_workers_memory(template: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jinja, "_APART", Limited("blocks.text.jinja:filled", "The template", megabytes=256, seconds=1))
    before = most_memory()
    with pytest.raises(TemplateError, match=r"memory|characters|seconds"):
        await render(template, {})
    assert most_memory() - before < 60


async def test_a_template_that_cannot_be_interrupted_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comparing lists that hold each other twice is one call of Python's, and holds up all else in its process."""
    monkeypatch.setattr(jinja, "_APART", Limited("blocks.text.jinja:filled", "The template", seconds=1))
    twice = NESTED + NESTED.replace("set n ", "set m ").replace("n.x", "m.x")
    with pytest.raises(TemplateError, match="took more than 1 seconds or 512 MB"):
        await render(twice + "{{ n.x == m.x }}", {})
    # The next one gets a process of its own.
    assert await render("{{ 1 + 1 }}", {}) == "2"


@pytest.mark.parametrize("operation", ["n.x * n.x", "n.x * 99999 * n.x", "-n.x * n.x"])
async def test_a_template_cannot_make_giant_integers(operation: str) -> None:
    template = "{% set n = namespace(x=9) %}{% for i in range(40) %}{% set n.x = OP %}{% endfor %}{{ n.x > 3 }}"
    started = time.monotonic()
    with pytest.raises(TemplateError, match="integer of more than 100,000 bits"):
        await render(template.replace("OP", operation), {})
    assert time.monotonic() - started < 5


@pytest.mark.parametrize(
    ("template", "plain"),
    [
        ("Dear {{ a.b['c'][0]|upper }}, {% if x is defined and x == 1 %}{{ x }}{% else %}-{% endif %}", True),
        ("{% for k, v in d.items() %}{{ loop.index }}: {{ v|join(', ') }}{% endfor %}", True),
        ("{{ x|tojson|upper|trim }}", True),
        ("{{ x|tojson|tojson|tojson|tojson }}", False),
        ("{{ x|replace('a', 'b') }}", False),
        ("{{ x + 1 }}", False),
        ("{{ x ~ y }}", False),
        ("{{ [x, x] }}", False),
        ("{% set y = x %}", False),
        ("{{ x.join(y) }}", False),
        ("{% for a in x.items() if f() %}{% endfor %}", False),
        ("{% for a in x recursive %}{{ loop(a) }}{% endfor %}", False),
        ("{% macro m() %}{% endmacro %}", False),
        ("{{ x|default([y, y]) }}", False),
        ("{{ x|round(99999) }}", False),
        ("{{ x[y:] }}", False),
    ],
)
def test_which_templates_are_plain(template: str, plain: bool) -> None:
    assert is_plain(jinja._PLAIN.parse(template)) is plain


async def test_plain_templates_stay_in_the_process_and_are_told_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    template = "{{ a }}{% for k, v in d.items() %}{{ k }}={{ v|join('+')|upper }};{% endfor %}{{ none|default('?') }}"
    values = {"a": "<é\ud800>", "d": {"x": ["q", 2], "y": []}}
    apart = await render("{% set z = 1 %}" + template, values)
    monkeypatch.setattr(jinja, "_APART", None)
    assert await render(template, values) == apart == "<é\ud800>x=Q+2;y=;None"


@pytest.mark.parametrize(
    ("xml", "expected"),
    [
        ("<?xml version='1.0'?><a>1</a>", {"a": "1"}),
        ("Here you are: <a> x & y &amp; z </a> done", {"a": "x & y & z"}),
        ("<a><b>1</b><c/></a>", {"a": {"b": "1", "c": ""}}),
        # As upstream reads it: whatever steps through the list finds each under its tag.
        ("<a><b>1</b><c/><b><d>2</d></b></a>", {"a": [{"b": "1"}, {"c": ""}, {"b": {"d": "2"}}]}),
        ("<A><B>1</B><b>2</b></A>", {"a": [{"b": "1"}, {"b": "2"}]}),
        ("<b>1</b><c>2</c><b>3</b>", {"b": ["1", "3"], "c": "2"}),
        ("<a><![CDATA[AT&T <b> &amp;]]> & &lt;co&gt;</a>", {"a": "AT&T <b> &amp; & <co>"}),
        ("<a>Q&A<!-- <![CDATA[ & --> R&D <![CDATA[<!-- & ]]>&</a>", {"a": "Q&A R&D <!-- & &"}),
        ("\ufeff<?xml version='1.0'?><a>1</a>", {"a": "1"}),
        ("\ufeff<a>1</a>", {"a": "1"}),
        # What models write, read as upstream reads it.
        ("<My Tag>1</my tag>", {"my_tag": "1"}),
        ("<1>x</1><2>y</2>", {"1": "x", "2": "y"}),
        ("<a><B>x &amp; y</b><c/></A>", {"a": {"b": "x & y", "c": ""}}),
        ("<a>1 < 2 and R&D, x = y > z</a>", {"a": "1 < 2 and R&D, x = y > z"}),
        ("<a>if x <= y</a>", {"a": "if x <= y"}),
    ],
)
async def test_xml(xml: str, expected: dict[str, Any]) -> None:
    assert await run(XmlParser, {"input_xml": xml}) == [("parsed_xml", expected)]


@pytest.mark.parametrize(
    "xml",
    [
        "no element",
        "<a>",
        "<a></b>",
        '<!DOCTYPE x [<!ENTITY e "boom">]><a>&e;</a>',
        "</root><a/><root>",
        "<a>" * 300 + "</a>" * 300,
        "a" * 10_000_001,
        "<a>&<![CDATA[</a>",
        "<a>&<!--</a>",
        "<![CDATA[" * 300_000,
        "<a>" + "<!--<![CDATA[" * 200_000,
        "<a>1 < 2</b>",
        "<a>1 < 2</a></a>",
        "<1><2></1></2>",
        "</root><1>x</1><root>",
        "<1>" * 3_000_000,
        "<1 " * 3_000_000,
        "<1></1>" * 200_000 + "<1>",
    ],
    ids=lambda xml: xml[:30],
)
@pytest.mark.timeout(30)
def test_xml_that_is_refused(xml: str) -> None:
    with pytest.raises(ValueError, match=r"XML"):
        parse(xml)
