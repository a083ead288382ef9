"""Readable names out of a till's descriptions, by rules that never look at the article itself.

`WHITE HANGING HEART T-LIGHT HOLDER` becomes `White hanging heart T-light holder`.
"""

import re

_PROPER = (
    "American Boudicca Charlie Charlotte Chinese Christmas Columbian Cornwall Danish Diwali Dolly "
    "Dutch Easter Edwardian England English French Halloween Indian Indians Jack January Japan "
    "Kashmir Kashmiri Kensington Lola London Madras Maria Mexican Montana Moroccan Morris Murano "
    "Namaste Nancy Noel Olivia Paris Poppy's Portobello Provence Purdey Regency Rex Rosie Santa "
    "Santas Savoy Scandinavian Scottie Scotties Spaceboy Suki Susan Swiss Tahiti Tokyo Union "
    "Valentine Vegas Victorian Willie Winkie"
)
_AS_WRITTEN = (
    "3D A4 A5 A6 A7 LED TV WC PVC T-light T-lights T-shirt I I'm B C D E F G H J L M N R S V Y "
    "25W M.O.P"
)
_SPELLED_OUT = {
    "ant": "antique",
    "ass": "assorted",
    "asstd": "assorted",
    "b'fly": "butterfly",
    "blk": "black",
    "c/cover": "cushion cover",
    "candl": "candle",
    "cand": "candle",
    "col": "colour",
    "dec": "decoration",
    "des": "design",
    "dia": "diamante",
    "frappucino": "frappuccino",
    "hldr": "holder",
    "neckl": "necklace",
    "p'weight": "paperweight",
    "strawbery": "strawberry",
    "tassle": "tassel",
    "turquois": "turquoise",
    "w": "with",
    "whit": "white",
}
_WORDS = {word.lower(): word for word in f"{_PROPER} {_AS_WRITTEN}".split()}


def is_description(text: str) -> bool:
    """Whether a line's text describes an article: in capitals, as the till prints them.

    Notes of the staff are not (`amazon`, `?`); a few letters may be small (`45x45cm`, `No`).
    """
    letters = [letter for letter in text if letter.isalpha()]
    capitals = sum(letter.isupper() for letter in letters)
    return len(letters) >= 3 and capitals * 2 > len(letters)


def tidy(description: str) -> str:
    """Make a description readable: spaces, small letters, proper names, words in full.

    One that is not in capitals was written by a person, and stays.
    """
    text = " ".join(description.split())
    if not is_description(text):
        return text
    text = re.sub(r"\b(SET|S|PACK)/(\d+)\b", _counted, text, flags=re.IGNORECASE)
    text = re.sub(r"\bOF(\d)", r"of \1", text, flags=re.IGNORECASE)
    text = re.sub(r"\s*,\s*", ", ", text).strip(" ,.")
    text = re.sub(r"(?<=\w)\+(?=\w)", " + ", text)
    words = [_word(word) for word in text.split(" ")]
    return _begin_large(" ".join(words))


def _counted(match: re.Match[str]) -> str:
    noun = "pack" if match[1].lower() == "pack" else "set"
    return f"{noun} of {match[2]}"


def _word(word: str) -> str:
    """One word with its punctuation, parts around slashes and hyphens each by themselves."""
    match = re.fullmatch(r"([\"'(]*)(.*?)([\"'),.!?]*)", word)
    assert match is not None  # noqa: S101 (every string matches)
    before, core, after = match.groups()
    whole = core if len(core) == 1 and before + after else _spelled(core)
    if whole is None:
        parts = re.split(r"([/&+\"-])", core)
        whole = "".join(_spelled(part) or part.lower() for part in parts)
    return before + whole + after


def _spelled(word: str) -> str | None:
    lower = word.lower()
    return _SPELLED_OUT.get(lower) or _WORDS.get(lower)


def _begin_large(text: str) -> str:
    for index, letter in enumerate(text):
        if letter.isalpha():
            return text[:index] + letter.upper() + text[index + 1 :]
        if letter.isdigit():
            return text
    return text
