"""English for names of things: articles, plurals, number words."""

NUMBER_WORDS = ("zero", "one", "two", "three", "four", "five")

_PREPOSITIONS = {"with", "of", "in", "on", "without", "at", "behind", "over", "showing", "facing", "tilted"}
# After these a participle describes ("person surfing"), elsewhere it is of the noun ("smiling face").
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
    "bacon", "badminton", "baguette bread", "biting lip", "bowling", "bread", "breast-feeding",
    "bridge at night", "broccoli", "butter", "camping", "chart decreasing", "chart increasing",
    "chart increasing with yen", "cityscape at dusk", "construction", "cooked rice", "cooking", "coral",
    "curry rice", "dashing away", "dna", "falafel", "field hockey", "fire", "flatbread", "fog", "foggy",
    "garlic", "high voltage", "horse racing", "hundred points", "ice", "ice hockey", "jeans",
    "kiss man, man", "kiss woman, man", "kiss woman, woman", "lacrosse", "leafy green", "locked",
    "locked with key", "locked with pen", "luggage", "martial arts uniform", "mate", "milky way",
    "money with wings", "mount fuji", "mrs. claus", "mx claus", "nail polish", "night with stars", "oden",
    "performing arts", "ping pong", "popcorn", "pouring liquid", "rice", "rolling on the floor laughing",
    "sake", "salt", "santa claus", "shaved ice", "soap", "spaghetti", "sunrise", "sunrise over mountains",
    "sunset", "sushi", "tennis", "thread", "tokyo tower", "unlocked", "wood", "yarn", "zzz",
}  # fmt: skip
_IRREGULAR = {
    "bison": "bison", "blowfish": "blowfish", "buffalo": "buffaloes", "cactus": "cactuses",
    "child": "children", "deer": "deer", "die": "dice", "dwarf": "dwarves", "elf": "elves", "fish": "fish",
    "foot": "feet", "goose": "geese", "jellyfish": "jellyfish", "knife": "knives", "leaf": "leaves",
    "loaf": "loaves", "man": "men", "mango": "mangoes", "merman": "mermen", "merperson": "merpeople",
    "moose": "moose", "mouse": "mice", "ox": "oxen", "person": "people", "potato": "potatoes",
    "scarf": "scarves", "series": "series", "sheaf": "sheaves", "sheep": "sheep", "shrimp": "shrimp",
    "snowman": "snowmen", "squid": "squid", "superhero": "superheroes", "tomato": "tomatoes",
    "tooth": "teeth", "tornado": "tornadoes", "volcano": "volcanoes", "wolf": "wolves", "woman": "women",
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
