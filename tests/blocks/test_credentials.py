"""What blocks get: nothing shows a secret by accident, and texts can be cleaned of it."""

import base64
import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from activities.block_run import failure_of
from activities.values import plain_json
from blocks.base import BlockContext, BlockError
from blocks.credentials import (
    SHORTEST_REDACTED_IN_VALUES,
    ApiKey,
    Credential,
    HostScoped,
    Redaction,
    UserPassword,
)
from blocks.kept_credentials import credential_of, secret_of
from contracts.errors import Unavailable

CANARY = 's€cret/canary+4711 "x"\'\n'
EVERY: list[Credential] = [
    ApiKey("acme", SecretStr(CANARY)),
    UserPassword("acme", SecretStr("ada"), SecretStr(CANARY)),
    HostScoped("http", "example.com", {"Authorization": SecretStr(f"Bearer {CANARY.strip()}")}),
]
every = pytest.mark.parametrize("credential", EVERY, ids=lambda credential: type(credential).__name__)


@every
def test_no_text_of_it_shows_the_secret(credential: Credential) -> None:
    context = BlockContext("u", "g", 1, "x", "n", "e", credentials={"credentials": credential})
    for text in (
        repr(credential),
        str(credential),
        f"{credential!r:.900}",
        repr(context),
        repr(Redaction.of({"c": credential})),
    ):
        assert "canary" not in text


@every
def test_kept_and_read_back(credential: Credential) -> None:
    secret = json.loads(json.dumps(secret_of(credential)))
    assert credential_of(credential.provider, credential.type.value, secret) == credential


@pytest.mark.parametrize(("type", "secret"), [("oauth2", {"a": "b"}), ("api_key", {}), ("host_scoped", {"headers": 1})])
def test_what_cannot_be_read_is_refused(type: str, secret: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="cannot be read here"):
        credential_of("acme", type, secret)


@every
def test_texts_are_cleaned(credential: Credential) -> None:
    redact = Redaction.of({"credentials": credential})
    for secret in credential.secrets():
        spellings = [
            secret,
            quote(secret),
            quote(secret, safe=""),
            quote_plus(secret),
            json.dumps({"a": secret}),
            repr({"a": secret}),
            base64.b64encode(secret.encode()).decode(),
        ]
        for spelled in spellings:
            cleaned = redact(f"401 for {spelled}: no")
            assert "canary" not in cleaned
            assert spelled not in cleaned
            assert "[redacted]" in cleaned
            assert cleaned.startswith("401 for ")


def test_basic_authentication_is_cleaned_too() -> None:
    redact = Redaction.of({"c": UserPassword("acme", SecretStr("ada"), SecretStr("canary-4711"))})
    sent = base64.b64encode(b"ada:canary-4711").decode()
    assert redact(f"Authorization: Basic {sent}") == "Authorization: Basic [redacted]"


def test_one_secret_within_another_leaves_nothing() -> None:
    redact = Redaction.of({"a": ApiKey("x", SecretStr("long")), "b": ApiKey("x", SecretStr("long-and-more"))})
    assert redact("long-and-more, long") == "[redacted], [redacted]"


def test_too_short_a_secret_is_in_every_word() -> None:
    assert Redaction.of({"a": ApiKey("x", SecretStr("a")), "b": ApiKey("x", SecretStr(""))})("a banana") == "a banana"


@given(st.text(min_size=4, max_size=40), st.text(max_size=20), st.text(max_size=20))
def test_no_secret_stays(secret: str, before: str, after: str) -> None:
    cleaned = Redaction.of({"c": ApiKey("x", SecretStr(secret))})(before + secret + after)
    assert secret not in cleaned.replace("[redacted]", "") or secret in before + after


@pytest.mark.parametrize("before", range(9_960, 10_002, 5))
@pytest.mark.parametrize("kind", [ValueError, RuntimeError, TimeoutError, BlockError, Unavailable])
def test_a_long_failure_does_not_end_in_half_a_secret(kind: type[Exception], before: int) -> None:
    secret = "canary\x01\t" + "4711" * 8
    redact = Redaction.of({"c": ApiKey("x", SecretStr(secret))})
    failure = failure_of(kind("." * before + secret + "." * 100), redact)
    assert len(failure.message) <= 10_000
    assert "cana" not in failure.message


# --- values that blocks give ------------------------------------------------------------------


def cleaned(redact: Redaction, value: Any) -> Any:
    return redact.of_json(*plain_json(value))


@every
def test_values_are_cleaned_at_any_depth(credential: Credential) -> None:
    redact = Redaction.of({"credentials": credential})
    for secret in credential.secrets():
        told = {"headers": [{"x": f"Bearer {secret}"}, 4711, None], f"key {secret}": {"in json": json.dumps([secret])}}
        text = json.dumps(cleaned(redact, told), ensure_ascii=False)
        assert "canary" not in text
        if len(secret) >= SHORTEST_REDACTED_IN_VALUES:
            assert text.count("[redacted]") >= 3
            assert secret not in cleaned(redact, secret)


def test_values_without_secrets_stay_the_same_object() -> None:
    redact = Redaction.of({"c": ApiKey("x", SecretStr("canary-4711"))})
    plain, text = plain_json({"a": ["canary", 4711, {"b": None}]})
    assert redact.of_json(plain, text) is plain


@given(
    st.text("abcdef0123456789-_", min_size=20, max_size=60),
    st.integers(0, 60),
    st.sampled_from(["", "…", "' is no key."]),
)
def test_a_cut_text_does_not_show_half_a_secret(secret: str, kept: int, after: str) -> None:
    """Whoever cut it, wherever; fewer than eight characters tell nothing."""
    redact = Redaction.of({"c": ApiKey("x", SecretStr(f"<{secret}>"))})
    whole = f"<{secret}>"
    begun, ended = whole[: min(kept, len(whole))], whole[max(0, len(whole) - kept) :]
    for cleaned in (redact(f"No: {begun}{after}"), redact(f"{ended} is no key"), redact(f"{after}{ended}")):
        assert not [place for place in range(len(whole) - 7) if whole[place : place + 8] in cleaned]


def test_pieces_of_secrets_in_values() -> None:
    """Only where a text was cut: all tokens of one kind begin alike, and those that are no secret stay readable."""
    key = "sk-acme-4711-" + "0123456789abcdef" * 2
    redact = Redaction.of({"c": ApiKey("x", SecretStr(key))})
    assert cleaned(redact, [f"No: {key[:30]}…", f"{key[:30]}… (900 characters)"]) == [
        "No: [redacted]…",
        "[redacted]… (900 characters)",
    ]
    assert cleaned(redact, f"cut: {key[:30]}") == "cut: [redacted]"
    assert cleaned(redact, f"…{key[-30:]} is wrong") == "…[redacted] is wrong"
    assert cleaned(redact, "Keys begin with sk-acme-4711- there.") == "Keys begin with sk-acme-4711- there."
    long = "eyJhbGciOiJIUzI1NiJ9.another-token"
    redact = Redaction.of({"c": ApiKey("x", SecretStr("eyJhbGciOiJIUzI1NiJ9.mine"))})
    assert cleaned(redact, long) == long


def test_a_short_secret_does_not_spoil_values() -> None:
    """Somebody's password is a word of somebody's language; in errors it is taken out all the same."""
    redact = Redaction.of({"c": UserPassword("x", SecretStr("ada"), SecretStr("garden"))})
    assert cleaned(redact, ["the garden"]) == ["the garden"]
    assert redact("535 garden is wrong") == "535 [redacted] is wrong"


def test_headers_that_tell_no_secret_are_none() -> None:
    headers = {"Content-Type": SecretStr("application/json"), "Authorization": SecretStr("Token canary-4711")}
    redact = Redaction.of({"c": HostScoped("http", "example.com", headers)})
    assert cleaned(redact, "application/json for canary-4711") == "application/json for [redacted]"


def test_a_line_end_that_was_pasted_along_hides_nothing() -> None:
    redact = Redaction.of({"c": ApiKey("x", SecretStr(" canary-4711\n"))})
    assert cleaned(redact, {"key": "canary-4711"}) == {"key": "[redacted]"}


@given(
    st.text(min_size=8, max_size=40),
    st.recursive(
        st.text(max_size=9) | st.integers() | st.just("SECRET"),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    ),
)
def test_no_secret_stays_in_a_value(secret: str, value: Any) -> None:
    def placed(part: Any) -> Any:
        match part:
            case "SECRET":
                return f"({secret})"
            case list():
                return [placed(item) for item in part]
            case dict():
                return {key: placed(item) for key, item in part.items()}
        return part

    redact = Redaction.of({"c": ApiKey("x", SecretStr(secret))})
    texts = [text.replace("[redacted]", "") for text in strings_of(cleaned(redact, placed(value)))]
    plain = plain_json(secret)[0]
    assert not any(plain in text for text in texts if plain == secret and secret not in "()[redacted]")


def strings_of(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from strings_of(item)
        case dict():
            for key, item in value.items():
                yield key
                yield from strings_of(item)
