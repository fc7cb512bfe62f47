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
PATIENCE = 3.0  # seconds for one domain, all tries together
KEPT = 7 * 24 * 3600  # seconds; what could not be told is asked again
PREFIX = "mx:"


def no_mail(domains: Collection[str], *, resolver: dns.resolver.Resolver | None = None) -> frozenset[str]:
    """Those of the domains that clearly take no mail: they don't exist, say so, or have neither MX nor address.

    A name server that fails or is slow tells nothing. Answers are kept for a week. Never raises.
    """
    distinct = sorted(set(domains))
    known = cache.get_many([PREFIX + domain for domain in distinct])
    unknown = [domain for domain in distinct if PREFIX + domain not in known]
    answers = {key.removeprefix(PREFIX): takes for key, takes in known.items()}
    if unknown:
        asked = resolver or _resolver()
        if asked is not None:
            with ThreadPoolExecutor(ASKED_AT_ONCE) as pool:
                found = dict(zip(unknown, pool.map(lambda domain: _takes(domain, asked), unknown), strict=True))
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


def _takes(domain: str, resolver: dns.resolver.Resolver) -> bool | None:
    """Whether it takes mail; None when nobody could say."""
    try:
        found = list(resolver.resolve(f"{domain}.", "MX", lifetime=PATIENCE))
        return not (len(found) == 1 and found[0].exchange == dns.name.root)
    except dns.resolver.NXDOMAIN:
        return False
    except dns.resolver.NoAnswer:
        return _has_address(domain, resolver)
    except (dns.exception.DNSException, OSError, ValueError):
        return None


def _has_address(domain: str, resolver: dns.resolver.Resolver) -> bool | None:
    for kind in ("A", "AAAA"):
        try:
            resolver.resolve(f"{domain}.", kind, lifetime=PATIENCE)
        except (dns.resolver.NoAnswer, dns.resolver.NXDOMAIN):
            continue
        except (dns.exception.DNSException, OSError, ValueError):
            return None
        return True
    return False
