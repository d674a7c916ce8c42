"""Where a request may go: reading a URL, and judging hosts, ports and addresses.

Used by `client.py` for every URL, redirects included, and by `dialing.py` for every address it is about to connect
to. It opens nothing. What a URL seems to name is only a first look; the judgement on addresses is what counts.
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

import httpx

from blocks.http.addresses import Address, Network, is_public, unwrapped
from blocks.http.errors import DestinationRefused, RequestInvalid

LONGEST_URL = 8_192
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(
    r"(?=.{1,253}\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")

# Ports of other protocols, as browsers refuse them: an HTTP request can be made to look like their commands.
_OTHER_PROTOCOLS = frozenset(
    (
        *(0, 1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 77, 79, 87, 95, 101, 102, 103, 104),
        *(109, 110, 111, 113, 115, 117, 119, 123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515),
        *(526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989, 990, 993, 995, 1719, 1720, 1723, 2049),
        *(3659, 4045, 4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080),
    )
)


@dataclass(frozen=True, slots=True)
class Allowed:
    """Destinations that a deployment lets blocks reach though they are not public: names and addresses of its own."""

    hosts: frozenset[tuple[str, int | None]] = frozenset()
    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, entries: Iterable[str]) -> "Allowed":
        """From `host`, `host:port`, an address or a network such as `10.1.0.0/16`. ValueError for anything else."""
        hosts: set[tuple[str, int | None]] = set()
        networks: list[Network] = []
        for entry in filter(None, (entry.strip() for entry in entries)):
            network = _network(entry)
            if network is not None:
                networks.append(network)
                continue
            name, colon, port = entry.lower().rpartition(":")
            if not colon:
                name, port = entry.lower(), ""
            elif not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
                raise ValueError(f"{entry!r} is no host, host:port, address or network")
            host = _canonical(name)
            if host is None:
                raise ValueError(f"{entry!r} is no host, host:port, address or network")
            hosts.add((host, int(port) if port else None))
        return cls(frozenset(hosts), tuple(networks))

    def names(self, host: str, port: int) -> bool:
        """Whether the host is named, with this port or with none."""
        return (host, port) in self.hosts or (host, None) in self.hosts

    def permits(self, host: str, port: int, address: Address) -> bool:
        """Whether blocks may connect to this address, which `host` was resolved to."""
        if is_public(address) or self.names(host, port):
            return True
        address = unwrapped(address)
        return any(address in network for network in self.networks if network.version == address.version)


def _network(entry: str) -> Network | None:
    try:
        return ipaddress.ip_network(entry.strip("[]") if "/" not in entry else entry)
    except ValueError:
        return None


def read_url(text: str, allowed: Allowed) -> httpx.URL:
    """The URL that somebody wrote; one without a scheme is read as `http://…`. Errors are those of `judged`."""
    text = text.strip()
    _refuse_long(text)
    if "://" not in text.partition("?")[0].partition("#")[0]:
        text = f"http://{text}"
    try:
        return judged(httpx.URL(text), allowed)
    except (httpx.InvalidURL, UnicodeError):
        # What the parser says may repeat a part of the URL.
        raise RequestInvalid("The URL is not valid: write it like https://example.com/path.") from None


def judged(parsed: httpx.URL, allowed: Allowed) -> httpx.URL:
    """The URL as it will be asked for: http or https, a host in its plain form, no user, no fragment.

    DestinationRefused or RequestInvalid otherwise; neither repeats it.
    """
    _refuse_long(str(parsed))
    if parsed.scheme not in _PORTS:
        raise DestinationRefused("Only http:// and https:// addresses can be asked for.")
    if parsed.userinfo:
        raise RequestInvalid("The URL holds a user name or a password. Leave them out: URLs are shown to people.")
    host = _canonical(host_of(parsed))
    if host is None:
        raise DestinationRefused("The URL's host is neither a name nor an address in its usual form.")
    port = parsed.port if parsed.port is not None else _PORTS[parsed.scheme]
    if not 0 < port < 65536:
        raise RequestInvalid("The URL's port is not valid.", host=host)
    if port in _OTHER_PROTOCOLS and (host, port) not in allowed.hosts:
        raise DestinationRefused(f"Port {port} of {host} is not for web requests.", host=host)
    return parsed.copy_with(host=host, fragment=None)


def _refuse_long(url: str) -> None:
    if len(url) > LONGEST_URL:
        raise RequestInvalid(f"The URL has {len(url):,} characters; at most {LONGEST_URL:,} are possible.")


def host_of(url: httpx.URL) -> str:
    """The URL's host as it goes over the wire: ASCII, an IPv6 address without brackets."""
    return url.raw_host.decode("ascii")


def port_of(url: httpx.URL) -> int:
    """The port that the URL leads to."""
    return url.port if url.port is not None else _PORTS[url.scheme]


def _canonical(host: str) -> str | None:
    """The host in its one plain form, or None for whatever systems would have to guess about.

    `2130706433`, `0x7f.1` and `0177.0.0.1` are loopback to a resolver: a host whose last part is a number must be
    an IPv4 address of four plain parts.
    """
    host = host.lower().removesuffix(".")
    if ":" in host or host.startswith("["):
        try:
            address = ipaddress.IPv6Address(host.removeprefix("[").removesuffix("]"))
        except ValueError:
            return None
        return None if address.scope_id is not None else str(address)
    if _NUMBER.fullmatch(host.rpartition(".")[2]):
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            return None
    return host if _NAME.fullmatch(host) else None
