"""English for names of things: articles, plurals, number words."""

NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five")

_PREPOSITIONS = {"with", "of", "in", "on", "without", "at", "behind", "over", "showing", "facing", "tilted"}
# After these a participle begins a description ("person surfing"), elsewhere it belongs to the noun ("smiling face").
_BEARERS = {"person", "man", "woman", "people", "men", "women", "face", "head", "leaf", "index", "backhand"}
_TAILS = ("beard", "bald", "red hair", "curly hair", "white hair", "blond hair")

_SINGULAR_S = {
    "bus",
    "trolleybus",
    "minibus",
    "glass",
    "octopus",
    "cactus",
    "compass",
    "abacus",
    "lotus",
    "dress",
} | {
    "rhinoceros",
    "hippopotamus",
    "hibiscus",
    "tennis",
    "claus",
    "chess",
}
_NO_ARTICLE = {
    "badminton", "bacon", "biting lip", "bowling", "bread", "breast-feeding", "broccoli", "butter", "camping",
    "construction", "cooked rice", "cooking", "coral", "curry rice", "field hockey", "fire", "fog", "garlic",
    "horse racing", "ice", "ice hockey", "lacrosse", "leafy green", "martial arts uniform", "mate", "mount fuji",
    "oden", "ping pong", "pouring liquid", "rolling on the floor laughing", "sake", "salt", "santa claus",
    "shaved ice", "spaghetti", "sushi", "tennis", "tokyo tower", "zzz", "milky way", "soap", "popcorn", "performing arts",
    "mrs. claus", "mx claus", "wood", "yarn", "thread", "dna", "falafel", "nail polish", "hundred points", "sunrise",
    "sunrise over mountains", "sunset", "cityscape at dusk", "bridge at night", "night with stars", "foggy", "high voltage",
    "dashing away", "rice", "baguette bread", "flatbread", "jeans",
    "locked", "unlocked", "locked with pen", "locked with key", "money with wings", "luggage", "chart increasing",
    "chart decreasing", "chart increasing with yen", "kiss woman, man", "kiss man, man", "kiss woman, woman",
}  # fmt: skip
_IRREGULAR = {
    "person": "people", "man": "men", "woman": "women", "child": "children", "mouse": "mice", "wolf": "wolves",
    "foot": "feet", "tooth": "teeth", "goose": "geese", "ox": "oxen", "leaf": "leaves", "knife": "knives",
    "fish": "fish", "blowfish": "blowfish", "jellyfish": "jellyfish", "deer": "deer", "moose": "moose",
    "bison": "bison", "squid": "squid", "shrimp": "shrimp", "scarf": "scarves", "elf": "elves", "die": "dice",
    "tomato": "tomatoes", "potato": "potatoes", "mango": "mangoes", "volcano": "volcanoes", "tornado": "tornadoes",
    "buffalo": "buffaloes", "snowman": "snowmen", "merman": "mermen", "cactus": "cactuses", "series": "series",
    "loaf": "loaves", "dwarf": "dwarves", "sheep": "sheep", "sheaf": "sheaves", "merperson": "merpeople", "superhero": "superheroes",
}  # fmt: skip
# Last words that no plural fits, or whose plural is another drawing's name.
_UNCOUNTABLE = {
    "done",
    "volume",
    "departure",
    "arrival",
    "house",
    "score",
    "note",
    "rail",
    "book",
    "wedding",
    "metro",
} | {
    "beverage",
    "star-struck",
    "kiss",
    "family",
    "meat",
    "milk",
}
_AN_EXCEPTIONS = ("unicorn", "one", "euro", "ewe", "uni", "use")
_AN_CONSONANTS = ("hour", "x-ray", "mx ")


def head_and_tail(name: str) -> tuple[str, str]:
    """Split a name after its noun: "cat with wry smile" -> ("cat", " with wry smile")."""
    words = name.split(" ")
    for index, word in enumerate(words[1:], start=1):
        rest = " ".join(words[index:])
        described = words[0] in _BEARERS and (
            word.endswith("ing") or rest in _TAILS or rest == "mountain biking"
        )
        if word in _PREPOSITIONS or described:
            return " ".join(words[:index]), " " + rest
    return name, ""


def is_plural(name: str) -> bool:
    """Whether the name itself speaks of several: "cherries", "two hearts", "people wrestling"."""
    last = head_and_tail(name)[0].split(" ")[-1]
    if last in {"people", "men", "women", "children", "mice", "feet", "teeth", "hands"}:
        return True
    return last.endswith("s") and not last.endswith("ss") and last not in _SINGULAR_S


def takes_article(name: str) -> bool:
    if name in _NO_ARTICLE or "o'clock" in name or name.endswith("-thirty"):
        return False
    return not is_plural(name)


def with_article(name: str) -> str:
    """ "an apple", "a unicorn", "cherries"."""
    if not takes_article(name):
        return name
    return f"{indefinite(name)} {name}"


def indefinite(name: str) -> str:
    if name.startswith(_AN_EXCEPTIONS):
        return "a"
    return "an" if name[0] in "aeiou" or name.startswith(_AN_CONSONANTS) else "a"


def with_the(name: str) -> str:
    """ "the cat", but "two o'clock", "santa claus"."""
    if name in _NO_ARTICLE or "o'clock" in name or name.endswith("-thirty"):
        return name
    return f"the {name}"


def is_are(name: str) -> str:
    return "are" if is_plural(name) else "is"


def is_countable(name: str) -> bool:
    """Whether "three <plural>" is plain English."""
    odd = (
        head_and_tail(name)[0].split(" ")[-1] in _UNCOUNTABLE
        or "," in name
        or " and " in name
        or name[0].isdigit()
    )
    return takes_article(name) and not odd


def plural(name: str) -> str:
    """ "cat with wry smile" -> "cats with wry smile", "person surfing" -> "people surfing"."""
    head, tail = head_and_tail(name)
    first, _, last = head.rpartition(" ")
    return (f"{first} " if first else "") + _plural_word(last) + tail


def _plural_word(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    if word.endswith(("s", "x", "z", "ch", "sh")):
        return word + "es"
    if word.endswith("y") and word[-2] not in "aeiou":
        return word[:-1] + "ies"
    return word + "s"


def counted(number: int, name: str) -> str:
    """ "a cat", "three cats"."""
    return with_article(name) if number == 1 else f"{NUMBER_WORDS[number]} {plural(name)}"
