"""Addresses that others collected: each disagreement is listed with its reason, and nothing else disagrees."""

import json

import pytest

from prospects import identity
from prospects.identity import BadAddress
from tests import corpora

GOOD = ("ISEMAIL_VALID_CATEGORY", "ISEMAIL_VALID", "ISEMAIL_DNSWARN")
PASTED = "what is pasted around an address (spaces, line ends, zero-width characters) is taken off before it is judged"
NAMED = "an address in angle brackets, with or without a name, is the address in it"
DOTLESS = "a host without a dot is nobody's address in the world (RFC 7085)"
NO_SUCH_SUFFIX = "no top-level domain ends in a digit, nor will any (RFC 3696 section 2)"
QUOTED = "nobody has a quoted local part; one in a sheet is a broken line"
REFUSED = {
    "test@io": DOTLESS,
    "test@123.123.123.x123": NO_SUCH_SUFFIX,
}


def cases(name):
    return json.loads((corpora.folder(name) / "cases.json").read_text())


def taken(address):
    try:
        return identity.normalise(address)
    except BadAddress:
        return None


def why_taken(address):
    """The reason for taking what the corpus refuses; "" when there is none."""
    plain = address.strip().strip(identity.EDGES)
    if plain.endswith(">") and "<" in plain:
        return NAMED if taken(plain[plain.rindex("<") + 1 : -1]) else ""
    return PASTED if plain != address and taken(plain) else ""


def why_refused(address):
    """The reason for refusing what the corpus takes."""
    local = address.rpartition("@")[0]
    return REFUSED.get(address) or (QUOTED if local.rstrip().endswith('"') else "")


def disagreements(found):
    """From (address, whether the corpus takes it): those without a reason, and how many have one."""
    wrong, reasoned = [], 0
    for address, is_good in found:
        is_taken = taken(address) is not None
        if is_taken == is_good:
            continue
        reason = why_taken(address) if is_taken else why_refused(address)
        reasoned += bool(reason)
        wrong += [] if reason else [address]
    return wrong, reasoned


def test_agrees_with_isemail_but_for_what_has_a_reason():
    found = [(case["address"], case["category"] in GOOD) for case in cases("isemail")]
    assert len(found) > 200
    assert disagreements(found) == ([], 15)


def test_agrees_with_python_email_validator_but_for_what_has_a_reason():
    found = []
    for case in cases("python-email-validator"):
        if case["test"] in ("test_email_valid", "test_email_valid_intl_local_part"):
            found.append((case["email_input"], True))
        elif case["test"] == "test_pyisemail_tests":
            found.append((case["email_input"], case["status"] in GOOD))
        elif case["test"] == "test_email_unsafe_character":
            found.append((f"{case['s']}test@example.tld", False))
        else:
            found.append((case["email_input"], False))
    assert len(found) == 286
    assert disagreements(found) == ([], 41)


@pytest.mark.parametrize("test", ["test_email_valid", "test_email_valid_intl_local_part"])
def test_writes_an_address_as_python_email_validator_does(test):
    for case in cases("python-email-validator"):
        if case["test"] == test and (ours := taken(case["email_input"])):
            expected = case["output"]
            assert ours == f"{expected['local_part']}@{expected['ascii_domain']}"


@pytest.mark.parametrize("name", ["isemail", "python-email-validator"])
def test_compares_every_address_without_ever_failing(name):
    for case in cases(name):
        address = case.get("address", case.get("email_input", ""))
        folded = identity.fold(address)
        assert identity.fold(folded) == folded
        if ours := taken(address):
            assert identity.address_key(ours) == identity.address_key(address)
