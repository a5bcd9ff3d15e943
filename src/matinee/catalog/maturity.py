"""For whom films are: the certifications of each country from the mildest on, after TMDb's list (November 2026).

What TMDb puts side by side stands in its order here. NR, not rated, has no place on a scale: it satisfies no bound,
as what is unknown does not.
"""

from __future__ import annotations

UNRATED = "NR"
SCALES: dict[str, tuple[str, ...]] = {
    "AR": ("ATP", "+13", "+16", "+18", "C"),
    "AU": ("E", "G", "PG", "M", "MA 15+", "R 18+", "X 18+", "RC"),
    "BG": ("A", "B", "C", "D", "X"),
    "BR": ("L", "10", "12", "14", "16", "18"),
    "CA": ("E", "G", "PG", "14A", "18A", "R", "A"),
    "CA-QC": ("G", "13+", "16+", "18+"),
    "CH": ("0", "6", "8", "10", "12", "14", "16", "18"),
    "DE": ("0", "6", "12", "16", "18"),
    "DK": ("A", "7", "11", "15", "F"),
    "ES": ("A", "Ai", "7", "7i", "12", "16", "18", "X"),
    "FI": ("S", "K-7", "K-12", "K-16", "K-18", "KK"),
    "FR": ("TP", "12", "16", "18"),
    "GB": ("U", "PG", "12A", "12", "15", "18", "R18"),
    "GR": ("K", "K12", "K15", "K18"),
    "HK": ("I", "IIA", "IIB", "III"),
    "HU": ("KN", "6", "12", "16", "18", "X"),
    "ID": ("SU", "13+", "17+", "21+"),
    "IE": ("G", "PG", "12A", "12", "15A", "15", "16", "18"),
    "IL": ("All", "12", "14", "16", "18"),
    "IN": ("U", "U/A 7+", "UA", "U/A 13+", "U/A 16+", "A", "S"),
    "IT": ("T", "6+", "14+", "18+"),
    "JP": ("G", "PG12", "R15+", "R18+"),
    "KR": ("All", "12", "15", "18", "Restricted Screening"),
    "LT": ("V", "N-7", "N-13", "N-16", "N-18"),
    "LU": ("EA", "6", "12", "16", "18"),
    "LV": ("U", "7+", "12+", "16+", "18+"),
    "MO": ("A", "B", "C", "D"),
    "MX": ("AA", "A", "B", "B-15", "C", "D"),
    "MY": ("U", "P13", "18SG", "18SX", "18PA", "18PL"),
    "NL": ("AL", "6", "9", "12", "14", "16", "18"),
    "NO": ("A", "6", "9", "12", "15", "18"),
    "NZ": ("G", "PG", "M", "R13", "RP13", "R15", "R16", "RP16", "R18", "RP18", "R"),
    "PH": ("G", "PG", "R-13", "R-16", "R-18", "X"),
    "PR": ("G", "PG", "PG-13", "R", "NC-17"),
    "PT": ("Públicos", "M/3", "M/6", "M/12", "M/14", "M/16", "M/18", "P"),
    "RU": ("0+", "6+", "12+", "16+", "18+"),
    "SE": ("Btl", "7", "11", "15"),
    "SG": ("G", "PG", "PG13", "NC16", "M18", "R21"),
    "SK": ("U", "7", "12", "15", "18"),
    "TH": ("P", "G", "13", "15", "18", "20", "Banned"),
    "TR": ("Genel İzleyici Kitlesi", "6A", "6+", "10A", "10+", "13A", "13+", "16+", "18+"),
    "TW": ("0+", "6+", "12+", "15+", "18+"),
    "US": ("G", "PG", "PG-13", "R", "NC-17"),
    "VI": ("G", "PG", "PG-13", "R", "NC-17"),
    "ZA": ("A", "PG", "7-9PG", "10-12PG", "13", "16", "18", "X18", "XX"),
}

_BY_NAME = {
    (country, name.casefold()): 100 * number + place
    for number, country in enumerate(sorted(SCALES))
    for place, name in enumerate((UNRATED, *SCALES[country]))
}


def key_of(country: str, certification: str) -> int | None:
    """The number that a certification is looked up by, None for one that is on no list; "r" is R."""
    return _BY_NAME.get((country, certification.casefold()))


def known_key_of(country: str, certification: str) -> int:
    """As `key_of`. Raises ValueError for one that is on no list, which tells the country's certifications."""
    key = key_of(country, certification)
    if key is None:
        raise ValueError(f"The certifications of {country} are {', '.join(SCALES[country])}.")
    return key


def place_of(country: str, certification: str) -> int:
    """Where it stands on its country's scale, from 0. Raises ValueError for what has no place there."""
    for place, name in enumerate(SCALES[country]):
        if name.casefold() == certification.casefold():
            return place
    raise ValueError(f"The certifications of {country} go from mild to strict: {', '.join(SCALES[country])}.")


def ceiling_keys(setting: str) -> tuple[int, ...]:
    """What may be shown below a ceiling like US:PG-13. Raises ValueError that tells what can be one."""
    country, _, certification = setting.partition(":")
    if country not in SCALES:
        raise ValueError(f"Give a country and its certification, like US:PG-13. The countries are {', '.join(SCALES)}.")
    return keys_between(country, None, place_of(country, certification))


def keys_between(country: str, mildest: int | None, strictest: int | None) -> tuple[int, ...]:
    """Those on the country's scale between two places, both among them; None bounds nothing."""
    names = SCALES[country][mildest or 0 : None if strictest is None else strictest + 1]
    return tuple(_BY_NAME[country, name.casefold()] for name in names)
