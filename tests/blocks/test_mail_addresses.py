"""Mail addresses are read from whatever somebody wrote, without end or harm."""

from email.utils import getaddresses, parseaddr

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.mail.addresses import address_of, addresses_of

HOSTILE = [
    "(" * 9_000,
    "(" * 5_000 + ")" * 5_000 + " a@b.c",
    "(\\" * 5_000,
    '("' * 5_000,
    "(\\)" * 5_000,
    "\\(" * 5_000,
]


@pytest.mark.parametrize("text", [*HOSTILE, '"' * 3_000, "<" * 5_000, ":;" * 5_000, "a@[" + "[" * 5_000, "," * 19_000])
def test_what_is_nested_without_end_names_nobody(text: str) -> None:
    assert not any("@" in address for address in addresses_of([text]))
    assert "@" not in address_of(text)


@given(st.text('ab@.<>()",\\ ', max_size=40))
def test_all_else_is_read_as_the_standard_library_reads_it(text: str) -> None:
    assert addresses_of([text]) == [address for _, address in getaddresses([text])]
    assert address_of(text) == parseaddr(text)[1]


def test_comments_are_no_part_of_an_address() -> None:
    assert addresses_of(["Ada (at (home)) <a@b.c>, b@b.c (Bob)"]) == ["a@b.c", "b@b.c"]
    # Of texts that follow each other, too: nothing is carried on from one comment to the next.
    assert addresses_of(["a@b.c (A)"] * 200) == ["a@b.c"] * 200
