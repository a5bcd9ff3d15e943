"""Text as it is compared in search: words without case, accents and punctuation, the same for films and for queries.

A word is a run of letters and digits; of scripts that put no space between words, every character is one. Marks that
stand on or beside a letter are dropped, so that a title is found with and without them.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import TypeAlias

from matinee.catalog.matching import ARTICLES, LETTERS_WITHOUT_PARTS

Words: TypeAlias = tuple[str, ...]

LONGEST_WORD = 60
"""Characters; the rest of a longer one is not looked at."""
UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u109f\u1780-\u17ff"  # Tibetan, Burmese, Khmer
    "\u3005-\u3007\u3041-\u30ff\u31f0-\u31ff"  # kana and the marks that repeat
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
)
APOSTROPHES = dict.fromkeys(map(ord, "'\u2019\u2018\u02bc\u02bb`\u00b4\u05f3\u05f4\u0640"))
"""They part no word: Ocean's is oceans. The last three are Hebrew's and the stroke that lengthens an Arabic word."""
FOLDED_ARTICLES = {
    language: frozenset(article.rstrip("'").lower() for article in articles) for language, articles in ARTICLES.items()
}
"""By the film's language: "Die Hard" is not "Hard"."""
ROMAN = dict(
    zip(
        [
            "ii",
            "iii",
            "iv",
            "v",
            "vi",
            "vii",
            "viii",
            "ix",
            "x",
            "xi",
            "xii",
            "xiii",
            "xiv",
            "xv",
            "xvi",
            "xvii",
            "xviii",
            "xix",
            "xx",
        ],
        map(str, range(2, 21)),
        strict=True,
    )
)
ARABIC = {arabic: roman for roman, arabic in ROMAN.items()}
SPELLED = {
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
    "10": "ten",
    "11": "eleven",
    "12": "twelve",
    "13": "thirteen",
    "14": "fourteen",
    "15": "fifteen",
    "16": "sixteen",
    "17": "seventeen",
    "18": "eighteen",
    "19": "nineteen",
    "20": "twenty",
}
IN_FIGURES = {spelled: arabic for arabic, spelled in SPELLED.items()}
_WORD = re.compile(rf"[{UNSPACED}]|[^\W_{UNSPACED}]+")
_HYPHEN = re.compile(r"(?<=[^\W_])[-\u2010\u2011](?=[^\W_])")
_ONE_CHARACTER = re.compile(rf"[{UNSPACED}]")


def words_of(text: str) -> Words:
    """The words of `text`. One that has no letter and no digit is one word whole, so that the film "$" is found."""
    return tuple(word for run in runs_of(text) for word in run)


def runs_of(text: str) -> list[Words]:
    """The words of `text` in runs: of scripts without spaces, where each character is a word, those that stand side by
    side make one run, which is looked for as a whole; any other word is a run of its own."""
    runs: list[Words] = []
    end = -1
    for match in _WORD.finditer(folded(text)):
        word = match[0][:LONGEST_WORD]
        if match.start() == end and stands_alone(word) and stands_alone(runs[-1][-1]):
            runs[-1] += (word,)
        else:
            runs.append((word,))
        end = match.end()
    if not runs:
        rest = "".join(character for character in text if character.isprintable() and not character.isspace())
        return [(rest[:LONGEST_WORD].casefold(),)] if rest else []
    return runs


def folded(text: str) -> str:
    if text.isascii():
        return text.lower().translate(APOSTROPHES).replace("&", " and ")
    apart = unicodedata.normalize("NFKD", text.translate(APOSTROPHES)).casefold().replace("&", " and ")
    apart = unicodedata.normalize("NFKD", apart.translate(LETTERS_WITHOUT_PARTS))
    return "".join(character for character in apart if not unicodedata.category(character).startswith("M"))


def stands_alone(word: str) -> bool:
    """Whether it is one character of a script that puts no space between words."""
    return _ONE_CHARACTER.fullmatch(word) is not None


def in_other_numerals(words: Words) -> Words:
    """Roman numerals as arabic ones, and the reverse: (rocky, ii) is (rocky, 2). "I" is one only at the end."""
    swapped = [ROMAN.get(word) or ARABIC.get(word) or word for word in words]
    if len(words) > 1 and words[-1] in {"i", "1"}:
        swapped[-1] = "1" if words[-1] == "i" else "i"
    return tuple(swapped)


def spelled_otherwise(words: Words) -> Words:
    """Numbers in figures as English words, and the reverse: (oceans, eleven) is (oceans, 11)."""
    return tuple(SPELLED.get(ROMAN.get(word, word)) or IN_FIGURES.get(word) or word for word in words)


def without_article(words: Words, language: str | None = None) -> Words:
    """Without the article in front, English or of the film's own language; all of it where nothing else is there."""
    articles = FOLDED_ARTICLES["en"] | FOLDED_ARTICLES.get(language or "", frozenset())
    return words[1:] if len(words) > 1 and words[0] in articles else words


def key_of(words: Words) -> str:
    """The words run together: where the blanks stand makes no difference."""
    return "".join(words)


def swaps_of(key: str) -> list[str]:
    """The key with each two neighbours swapped."""
    places = [place for place in range(len(key) - 1) if key[place] != key[place + 1]]
    return [key[:place] + key[place + 1] + key[place] + key[place + 2 :] for place in places]


def names_of(titles: Sequence[str | None]) -> list[Words]:
    """Each title in words as people may write it, without repeats: with numbers of each kind, and with what a hyphen
    joins as one word, too, so that "spiderman" stands in "The Amazing Spider-Man"."""
    told = [words_of(way) for title in titles if title for way in (title, _HYPHEN.sub("", title))]
    written = [name for words in told for name in (words, in_other_numerals(words), spelled_otherwise(words))]
    return [name for name in dict.fromkeys(written) if name]
