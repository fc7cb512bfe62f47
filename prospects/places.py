"""Countries and their time zones, from the IANA database's own tables."""

from functools import lru_cache
from importlib import resources
from zoneinfo import available_timezones

OTHER_NAMES = {
    "usa": "US", "united states of america": "US", "america": "US", "uk": "GB", "united kingdom": "GB",
    "great britain": "GB", "england": "GB", "scotland": "GB", "wales": "GB", "deutschland": "DE", "österreich": "AT",
    "schweiz": "CH", "suisse": "CH", "españa": "ES", "italia": "IT", "polska": "PL", "nederland": "NL", "holland": "NL",
    "the netherlands": "NL", "belgique": "BE", "belgië": "BE", "brasil": "BR", "méxico": "MX", "türkiye": "TR",
    "czechia": "CZ", "korea": "KR", "south korea": "KR", "republic of korea": "KR", "russian federation": "RU",
    "viet nam": "VN", "uae": "AE", "ireland": "IE", "sverige": "SE", "norge": "NO", "danmark": "DK", "suomi": "FI",
    "bosnia and herzegovina": "BA", "ivory coast": "CI", "côte d'ivoire": "CI", "hong kong": "HK", "macau": "MO",
    "trinidad and tobago": "TT", "new zealand": "NZ", "south africa": "ZA", "portugal": "PT", "france": "FR",
}  # fmt: skip

# Where a country has several zones: the one of its most people. A guess is kinder than another continent's clock.
MAIN_ZONES = {
    "AR": "America/Argentina/Buenos_Aires", "AU": "Australia/Sydney", "BR": "America/Sao_Paulo",
    "CA": "America/Toronto", "CD": "Africa/Kinshasa", "CL": "America/Santiago", "CN": "Asia/Shanghai",
    "CY": "Asia/Nicosia", "DE": "Europe/Berlin", "EC": "America/Guayaquil", "ES": "Europe/Madrid",
    "ID": "Asia/Jakarta", "KZ": "Asia/Almaty", "MN": "Asia/Ulaanbaatar", "MX": "America/Mexico_City",
    "MY": "Asia/Kuala_Lumpur", "NZ": "Pacific/Auckland", "PG": "Pacific/Port_Moresby", "PS": "Asia/Gaza",
    "PT": "Europe/Lisbon", "RU": "Europe/Moscow", "UA": "Europe/Kyiv", "US": "America/New_York",
    "UZ": "Asia/Tashkent",
}  # fmt: skip


def country_code(name: str) -> str:
    """The ISO 3166-1 alpha-2 code of a code or a name, or "" when it is none that we know."""
    name = name.strip()
    if name.upper() in _names():
        return name.upper()
    key = name.casefold()
    return OTHER_NAMES.get(key) or _codes().get(key, "")


def country_name(code: str) -> str:
    """The English name of a country code, or "" for an unknown one."""
    return _names().get(code, "")


def countries() -> list[tuple[str, str]]:
    """Every country's code and English name, by name."""
    return sorted(_names().items(), key=lambda country: country[1])


def zone_of_country(code: str) -> str:
    """The IANA zone of a country, of most of its people where it has several; "" for an unknown country."""
    zones = _zones().get(code, [])
    return zones[0] if len(zones) == 1 else MAIN_ZONES.get(code, "")


def zone_name(name: str) -> str:
    """The IANA zone of this name, however its case; "" when there is none."""
    return _zone_names().get(name.strip().casefold().replace(" ", "_"), "")


def _table(file_name: str) -> list[list[str]]:
    text = resources.files("tzdata").joinpath("zoneinfo", file_name).read_text(encoding="utf-8")
    return [line.split("\t") for line in text.splitlines() if line and not line.startswith("#")]


@lru_cache(maxsize=1)
def _names() -> dict[str, str]:
    return {row[0]: row[1] for row in _table("iso3166.tab")}


@lru_cache(maxsize=1)
def _codes() -> dict[str, str]:
    return {name.casefold(): code for code, name in _names().items()}


@lru_cache(maxsize=1)
def _zones() -> dict[str, list[str]]:
    zones: dict[str, list[str]] = {}
    for code, _, zone, *_ in _table("zone.tab"):
        zones.setdefault(code, []).append(zone)
    return zones


@lru_cache(maxsize=1)
def _zone_names() -> dict[str, str]:
    return {name.casefold(): name for name in available_timezones() if name not in {"Factory", "localtime"}}
