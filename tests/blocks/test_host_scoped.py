"""To which requests the headers of a credential are added."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.http.host_scoped import headers_for, in_scope, plain_scope


@pytest.mark.parametrize(
    ("scope", "url"),
    [
        ("api.example.com", "https://api.example.com/x"),
        ("API.example.com ", "http://api.EXAMPLE.com./x"),
        ("*.example.com", "https://api.example.com/"),
        ("*.example.com", "https://a.b.example.com/"),
        ("*.example.com", "https://example.com/"),
        ("api.example.com:8443", "https://api.example.com:8443/"),
        ("api.example.com:443", "https://api.example.com/"),
        ("api.example.com", "https://api.example.com:8443/"),
        ("*.example.com:80", "http://api.example.com/"),
    ],
)
def test_inside(scope: str, url: str) -> None:
    assert in_scope(url, scope)
    assert headers_for(url, scope, {"X-Key": "k"}) == {"X-Key": "k"}


@pytest.mark.parametrize(
    ("scope", "url"),
    [
        ("api.example.com", "https://evil.com/api.example.com"),
        ("api.example.com", "https://api.example.com.evil.com/"),
        ("example.com", "https://api.example.com/"),
        ("*.example.com", "https://evilexample.com/"),
        ("api.example.com:8443", "https://api.example.com/"),
        ("api.example.com:80", "https://api.example.com/"),
        ("api.example.com", "https://api.example.com@evil.com/"),
        ("api.example.com", "https://evil.com#api.example.com"),
        ("api.example.com", "https://evil.com\\@api.example.com/"),
        ("*.", "https://example.com/"),
        ("*", "https://example.com/"),
        ("", "https://example.com/"),
        (":443", "https://example.com/"),
    ],
)
def test_outside(scope: str, url: str) -> None:
    assert headers_for(url, scope, {"X-Key": "k"}) == {}


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        (" Example.COM. ", "example.com"),
        ("*.example.com:08443", "*.example.com:8443"),
        ("https://user:password@example.com:81/path?q", "example.com:81"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("localhost", "localhost"),
    ],
)
def test_a_scope_in_its_plain_form(text: str, plain: str) -> None:
    assert plain_scope(text) == plain == plain_scope(plain)


@pytest.mark.parametrize(
    "text",
    ["", "a b", "a/b", "exa*mple.com", "*", "*.", "example.com:0", "example.com:70000", "a@b", "a\\b", ".", "https://"],
)
def test_what_is_no_scope_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="The host must be"):
        plain_scope(text)


labels = st.from_regex(r"[a-z][a-z0-9-]{0,5}[a-z0-9]", fullmatch=True).filter(lambda label: label[2:4] != "--")
names = st.lists(labels, min_size=2, max_size=4).map(".".join)


@given(names, names, st.booleans())
def test_a_request_elsewhere_never_gets_the_headers(name: str, host: str, wild: bool) -> None:
    scope = plain_scope(f"*.{name}" if wild else name)
    expected = host == name or (wild and host.endswith(f".{name}"))
    assert in_scope(f"https://{host}/{name}", scope) == expected


@given(st.text(max_size=30), st.text(max_size=30))
def test_no_text_breaks_it(scope: str, url: str) -> None:
    in_scope(url, scope)
    in_scope(f"https://{url}", scope)
