"""Where blocks may go: the judgement on addresses, and on the many ways to write one."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.http.addresses import is_public
from blocks.http.destinations import Allowed, judged, read_url
from blocks.http.errors import DestinationRefused, RequestFailed, RequestInvalid

NOBODY = Allowed()


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.215.14", "1.1.1.1", "2606:4700::1111", "2a00:1450:4001::200e"])
def test_public_addresses(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        *("0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.100.100.200", "127.0.0.1", "127.255.255.254"),
        *("168.63.129.16", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.192", "192.0.2.1"),
        *("192.88.99.1", "192.168.1.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "239.255.255.255"),
        *("240.0.0.1", "255.255.255.255"),
        *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:0:127.0.0.1"),
        *("64:ff9b::7f00:1", "64:ff9b::808:808", "64:ff9b:1::1", "100::1", "2001::1", "2001:db8::1", "2002:7f00:1::"),
        *("2002:808:808::", "3fff::1", "5f00::1", "fc00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1"),
        *("ff02::1", "ff0e::1", "2606:4700::1111%1"),
    ],
)
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(ip_address(address))


INSIDE = [
    *map(ip_network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12")),
    *map(ip_network, ("192.168.0.0/16", "198.18.0.0/15", "224.0.0.0/3")),
]


@given(st.sampled_from(INSIDE), st.integers(0, 2**32 - 1))
def test_nothing_inside_is_public_in_any_dress(network: object, offset: int) -> None:
    """An address that is not public does not become so by being put into an IPv6 one."""
    base = int(network.network_address)  # type: ignore[attr-defined]
    inner = base + offset % network.num_addresses  # type: ignore[attr-defined]
    assert not is_public(IPv4Address(inner))
    for prefix, shift in (("::ffff:0:0", 0), ("::", 0), ("64:ff9b::", 0), ("2002::", 80), ("64:ff9b:1::", 0)):
        assert not is_public(IPv6Address(int(IPv6Address(prefix)) | inner << shift))


@given(st.integers(0, 2**128 - 1))
def test_public_ipv6_is_global_unicast(number: int) -> None:
    address = IPv6Address(number)
    if is_public(address):
        assert address in ip_network("2000::/3")
        assert not address.is_private
        assert not address.is_multicast


@given(st.integers(0, 2**32 - 1))
def test_public_ipv4_is_what_the_library_calls_global_and_less(number: int) -> None:
    address = IPv4Address(number)
    if is_public(address):
        assert address.is_global
        assert not any((address.is_private, address.is_multicast, address.is_reserved, address.is_link_local))
    assert is_public(IPv6Address(f"::ffff:{address}")) == is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("http://2130706433/", "http://0x7f.1/", "http://0x7f000001/", "http://0177.0.0.1/", "http://127.1/"),
        *("http://１２７.0.0.1/", "http://ⓛocalhost/", "http://1.2.3.4.5/", "http://1.2.3.0x/"),
        *("http://[fe80::1%25eth0]/", "http://[::1/", "http://a..b/", "http://-a.example/", "http://a b/"),
        *("http:///path", "http://", "http://exa%6dple.com/", "http://example.com\\@127.0.0.1/", "http://%00/"),
        *("file:///etc/passwd", "ftp://example.com/", "gopher://example.com/", "ws://example.com/", "//example.com/"),
        *("http://user@example.com/", "http://user:s3cret@example.com/", "http://:s3cret@example.com/"),
        *("http://user:s3cret/@example.com/", "javascript:s3cret", "http://example.com:s3cret/"),
        *("http://example.com:0/", "http://example.com:65536/", "http://example.com:99999999999/", "http://e:25/"),
        *("http://example.com:6667/", "http://example.com:22/", "https://example.com/\r\nHost: s3cret", ""),
        "http://example.com/" + "a" * 10_000,
    ],
)
def test_urls_that_are_refused(url: str) -> None:
    with pytest.raises(RequestFailed) as refusal:
        read_url(url, NOBODY)
    assert "s3cret" not in str(refusal.value)


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("example.com", "http://example.com"),
        ("  https://Example.COM/a?b=c#d  ", "https://example.com/a?b=c"),
        ("https://example.com./", "https://example.com/"),
        ("example.com/go?to=https://other.example", "http://example.com/go?to=https://other.example"),
        ("http://8.8.8.8:8080/", "http://8.8.8.8:8080/"),
        ("http://[2606:4700:0:0::1111]/", "http://[2606:4700::1111]/"),
        ("https://bücher.example/ä", "https://xn--bcher-kva.example/%C3%A4"),
        ("http://a_b.example:443/", "http://a_b.example:443/"),
        ("http://127。0。0。1/", "http://127.0.0.1/"),  # judged when connecting, like any address
    ],
)
def test_urls_as_they_are_read(url: str, read: str) -> None:
    assert str(read_url(url, NOBODY)) == read


@given(st.text(max_size=60) | st.from_regex(r"\Ahttps?://[^/]{1,30}/", fullmatch=False))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        read = read_url(text, NOBODY)
    except (DestinationRefused, RequestInvalid):
        return
    assert read.scheme in ("http", "https")
    assert read.userinfo == b""
    assert read.raw_host
    assert read_url(str(read), NOBODY) == read


def test_a_deployment_names_what_else_blocks_may_reach() -> None:
    allowed = Allowed.parse(["intranet.local", " mail.local:25 ", "10.1.0.0/16", "::1", "127.0.0.1", "[fd00::1]", ""])
    private = ip_address("192.168.0.9")
    assert allowed.permits("intranet.local", 80, private)
    assert not allowed.permits("other.local", 80, private)
    assert allowed.permits("mail.local", 25, private)
    assert not allowed.permits("mail.local", 80, private)
    assert allowed.permits("x.example", 80, ip_address("10.1.2.3"))
    assert allowed.permits("x.example", 80, ip_address("::ffff:10.1.2.3"))
    assert not allowed.permits("x.example", 80, ip_address("10.2.0.1"))
    assert allowed.permits("x.example", 80, ip_address("::1"))
    assert allowed.permits("x.example", 80, ip_address("fd00::1"))
    assert not allowed.permits("x.example", 80, ip_address("fd00::2"))
    assert allowed.permits("x.example", 80, ip_address("8.8.8.8"))
    assert read_url("http://mail.local:25/", allowed).port == 25
    with pytest.raises(DestinationRefused):
        read_url("http://intranet.local:25/", allowed)


@pytest.mark.parametrize("entry", ["10.0.0.0/33", "a b", "host:", "host:99999", "http://host", "host:x", "0x7f.1"])
def test_a_setting_that_says_nothing_clear_is_refused(entry: str) -> None:
    with pytest.raises(ValueError, match="is no host"):
        Allowed.parse([entry])


@pytest.mark.parametrize("url", ["example.com", "/path", "mailto:a@b", "file:///etc/passwd", "javascript:x"])
def test_a_redirect_is_not_guessed_about(url: str) -> None:
    with pytest.raises(DestinationRefused):
        judged(httpx.URL(url), NOBODY)
