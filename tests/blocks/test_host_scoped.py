"""To which requests the headers of a credential are added."""

import pytest

from blocks.http.host_scoped import headers_for, in_scope


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
