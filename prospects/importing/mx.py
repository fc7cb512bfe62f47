"""Whether a domain takes mail at all, asked of the name servers; what they can't say is no reason to leave anybody out.

RFC 5321 section 5.1: without an MX record the address record takes its place. RFC 7505: a null MX takes no mail.
"""

from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor

import dns.exception
import dns.name
import dns.resolver
from django.core.cache import cache

ASKED_AT_ONCE = 20
MOST_SILENT = 20  # time-outs in a row; then no name server is there, and nobody is asked any more
PATIENCE = 3.0  # seconds for one domain, all tries together
KEPT = 7 * 24 * 3600  # seconds; what could not be told is asked again
PREFIX = "mx:"


def no_mail(domains: Collection[str], *, resolver: dns.resolver.Resolver | None = None) -> frozenset[str]:
    """Those of the domains that clearly take no mail: they don't exist, say so, or have neither MX nor address.

    A name server that fails or is slow tells nothing, and is not waited for again and again. Answers are kept for a
    week. Never raises.
    """
    distinct = sorted(set(domains))
    known = cache.get_many([PREFIX + domain for domain in distinct])
    unknown = [domain for domain in distinct if PREFIX + domain not in known]
    answers = {key.removeprefix(PREFIX): takes for key, takes in known.items()}
    if unknown:
        asked = resolver or _resolver()
        if asked is not None:
            with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
                found = dict(zip(unknown, pool.map(_Asking(asked).takes, unknown), strict=True))
            told = {domain: takes for domain, takes in found.items() if takes is not None}
            cache.set_many({PREFIX + domain: takes for domain, takes in told.items()}, KEPT)
            answers |= told
    return frozenset(domain for domain, takes in answers.items() if not takes)


def _resolver() -> dns.resolver.Resolver | None:
    """This machine's; None where it has none."""
    try:
        return dns.resolver.Resolver()
    except (dns.resolver.NoResolverConfiguration, OSError):
        return None


class _Asking:
    """A name server that is asked no more after it was silent for long: 5,000 domains would take 12 minutes."""

    def __init__(self, resolver: dns.resolver.Resolver) -> None:
        self._resolver = resolver
        self._silent = 0  # time-outs in a row

    def takes(self, domain: str) -> bool | None:
        """Whether it takes mail; None when nobody could say. From several threads at once."""
        if self._silent >= MOST_SILENT:
            return None
        try:
            found = _takes(domain, self._resolver)
        except dns.exception.Timeout:
            self._silent += 1
            return None
        self._silent = 0
        return found


def _takes(domain: str, resolver: dns.resolver.Resolver) -> bool | None:
    """Whether it takes mail; None when nobody could say. Raises dns.exception.Timeout."""
    try:
        found = list(resolver.resolve(f"{domain}.", "MX", lifetime=PATIENCE))
        return not (len(found) == 1 and found[0].exchange == dns.name.root)
    except dns.resolver.NXDOMAIN:
        return False
    except dns.resolver.NoAnswer:
        return _has_address(domain, resolver)
    except dns.exception.Timeout:
        raise
    except (dns.exception.DNSException, OSError, ValueError):
        return None


def _has_address(domain: str, resolver: dns.resolver.Resolver) -> bool | None:
    for kind in ("A", "AAAA"):
        try:
            resolver.resolve(f"{domain}.", kind, lifetime=PATIENCE)
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue
        except dns.exception.Timeout:
            raise
        except (dns.exception.DNSException, OSError, ValueError):
            return None
        return True
    return False
