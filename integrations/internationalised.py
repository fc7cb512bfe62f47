"""Domain names with letters outside ASCII, as mail carries them."""

import idna


def ascii_domain(address: str) -> str:
    """The address with its domain as A-labels (RFC 5890), the local part untouched. Raises ValueError for no domain."""
    local, at, domain = address.rpartition("@")
    if domain.isascii():
        return address
    try:
        return local + at + idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise ValueError(f"{address!r} is not an address: {error}.") from error
