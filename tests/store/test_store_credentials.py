"""Credentials at rest: whose they are, that they are encrypted, and what they are bound to."""

import base64
from dataclasses import replace

import pytest

from contracts.errors import CredentialKeysMissing, CredentialsUnusable
from store.calls import Pool
from store.credentials import CredentialFacts, CredentialRow
from store.records import Store
from store.sealing import Keys, new_key
from tests.store.samples import later, new_id

KEYS = Keys.parse(f"k1:{new_key()}")
SECRET = {"key": "sk-canary-4711"}


def facts(user_id: str, **changes: object) -> CredentialFacts:
    made = CredentialFacts(
        id=new_id("credential"),
        user_id=user_id,
        provider="openai",
        type="api_key",
        title="Mine",
        details={"host": "example.com"},
        created_at=later(0),
    )
    return replace(made, **changes)  # type: ignore[arg-type]


async def owner(store: Store) -> str:
    user_id = new_id("user")
    await store.users.ensure_user(user_id, email=f"{user_id}@example.org", name="Ada")
    return user_id


async def test_kept_and_read_back(store: Store) -> None:
    ada, bob = await owner(store), await owner(store)
    row = CredentialRow.seal(KEYS, facts(ada), SECRET)
    assert await store.credentials.add(row, most=5)
    found = await store.credentials.get(ada, row.facts.id)
    assert found == row
    assert found.open(KEYS) == SECRET
    assert await store.credentials.get(bob, row.facts.id) is None
    assert await store.credentials.named(ada, {row.facts.id, "nobody's"}) == [row.facts]
    assert await store.credentials.named(bob, {row.facts.id}) == []


async def test_deleted_by_its_owner_only(store: Store) -> None:
    ada, bob = await owner(store), await owner(store)
    row = CredentialRow.seal(KEYS, facts(ada), SECRET)
    await store.credentials.add(row, most=5)
    assert not await store.credentials.delete(bob, row.facts.id)
    assert await store.credentials.get(ada, row.facts.id) == row
    assert await store.credentials.delete(ada, row.facts.id)
    assert not await store.credentials.delete(ada, row.facts.id)
    assert await store.credentials.get(ada, row.facts.id) is None


async def test_listed_newest_first_by_pages_and_provider(store: Store) -> None:
    ada = await owner(store)
    rows = [
        CredentialRow.seal(KEYS, facts(ada, provider=provider, created_at=later(number)), SECRET)
        for number, provider in enumerate(["openai", "groq", "openai"])
    ]
    for row in rows:
        await store.credentials.add(row, most=5)
    first = await store.credentials.page(ada, limit=2, before=None)
    assert first.items == [rows[2].facts, rows[1].facts]
    assert first.total_count == 3
    last = await store.credentials.page(ada, limit=2, before=first.next_cursor)
    assert (last.items, last.next_cursor) == ([rows[0].facts], None)
    groq = await store.credentials.page(ada, provider="groq", limit=9, before=None)
    assert (groq.items, groq.total_count) == ([rows[1].facts], 1)


async def test_no_more_than_allowed(store: Store) -> None:
    ada, bob = await owner(store), await owner(store)
    assert await store.credentials.add(CredentialRow.seal(KEYS, facts(ada), SECRET), most=1)
    assert not await store.credentials.add(CredentialRow.seal(KEYS, facts(ada), SECRET), most=1)
    assert await store.credentials.add(CredentialRow.seal(KEYS, facts(bob), SECRET), most=1)
    assert (await store.credentials.page(ada, limit=9, before=None)).total_count == 1


async def test_they_go_with_their_owner(store: Store) -> None:
    ada, bob = await owner(store), await owner(store)
    mine, other = (CredentialRow.seal(KEYS, facts(user), SECRET) for user in (ada, bob))
    for row in (mine, other):
        await store.credentials.add(row, most=5)
    assert await store.removal.delete_user(ada)
    assert await store.credentials.get(ada, mine.facts.id) is None
    assert await store.credentials.get(bob, other.facts.id) == other


async def test_the_database_has_no_secret(pool: Pool, postgres_stores: object) -> None:
    store: Store = postgres_stores.store  # type: ignore[attr-defined]
    row = CredentialRow.seal(KEYS, facts(await owner(store)), SECRET)
    await store.credentials.add(row, most=5)
    text = await pool.fetchval("SELECT string_agg(row_to_json(credentials)::text, ' ') FROM credentials")
    assert row.facts.id in text
    stored = await pool.fetchval("SELECT ciphertext FROM credentials WHERE id = $1", row.facts.id)
    assert b"canary" not in stored
    assert "canary" not in text
    assert b"canary".hex() not in text


@pytest.mark.parametrize("field", ["id", "user_id", "provider", "type"])
def test_a_secret_belongs_to_its_row(field: str) -> None:
    row = CredentialRow.seal(KEYS, facts("ada"), SECRET)
    moved = replace(row, facts=replace(row.facts, **{field: "other"}))
    with pytest.raises(CredentialsUnusable, match="cannot be decrypted"):
        moved.open(KEYS)
    assert replace(row, facts=replace(row.facts, title="other")).open(KEYS) == SECRET


@pytest.mark.parametrize("place", ["nonce", "ciphertext"])
def test_a_changed_text_is_refused(place: str) -> None:
    row = CredentialRow.seal(KEYS, facts("ada"), SECRET)
    whole = getattr(row.sealed, place)
    flipped = bytes([whole[0] ^ 1]) + whole[1:]
    with pytest.raises(CredentialsUnusable, match="cannot be decrypted"):
        replace(row, sealed=replace(row.sealed, **{place: flipped})).open(KEYS)
    with pytest.raises(CredentialsUnusable, match="cannot be decrypted"):
        replace(row, sealed=replace(row.sealed, nonce=b"")).open(KEYS)


def test_the_first_key_encrypts_and_all_decrypt() -> None:
    old, new = f"old:{new_key()}", f"new:{new_key()}"
    row = CredentialRow.seal(Keys.parse(old), facts("ada"), SECRET)
    both = Keys.parse(f"{new}, {old}")
    assert row.open(both) == SECRET
    assert CredentialRow.seal(both, facts("ada"), SECRET).sealed.key_id == "new"
    with pytest.raises(CredentialsUnusable, match="the key 'old', which is not set here"):
        row.open(Keys.parse(new))
    with pytest.raises(CredentialsUnusable, match="cannot be decrypted"):
        row.open(Keys.parse(f"old:{new_key()}"))


def test_two_sealings_differ() -> None:
    same = facts("ada")
    first, second = (CredentialRow.seal(KEYS, same, SECRET).sealed for _ in range(2))
    assert first.nonce != second.nonce
    assert first.ciphertext != second.ciphertext


def test_without_a_key_nothing_is_kept() -> None:
    with pytest.raises(CredentialKeysMissing, match="HEDDLE_CREDENTIAL_KEYS"):
        CredentialRow.seal(Keys.parse(""), facts("ada"), SECRET)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (new_key(), "key 1 has no id"),
        (f"a b:{new_key()}", "key 1 has no id"),
        (f"a:{new_key()},a:{new_key()}", "two keys have the id 'a'"),
        ("a:" + base64.b64encode(b"short").decode(), "'a' is not 32 bytes"),
        ("a:not base 64!", "'a' is not 32 bytes"),
        (f"k:{new_key()},b:", "'b' is not 32 bytes"),
    ],
)
def test_what_is_no_key_is_named_and_not_shown(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refusal:
        Keys.parse(text)
    assert text.rpartition(":")[2] == "" or text.rpartition(":")[2] not in str(refusal.value)


def test_what_is_shown_has_no_secret() -> None:
    row = CredentialRow.seal(KEYS, facts("ada"), SECRET)
    assert "sealed" not in repr(row)
    assert repr(KEYS) == "Keys()"
