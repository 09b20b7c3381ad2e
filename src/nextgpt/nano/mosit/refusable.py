"""What the small world can not do: things it has no drawing or sound of, and what it has no hands for."""

from nextgpt.nano import split

THINGS = (
    "a quokka", "an aardvark", "a wombat", "an axolotl", "a platypus", "a narwhal", "an armadillo", "a meerkat",
    "the Mona Lisa", "the Eiffel Tower", "Albert Einstein", "my grandmother", "my street", "a gearbox",
    "a nuclear power plant", "a suspension bridge design", "a crossword", "a wind turbine", "a submarine",
    "a combine harvester", "a windmill", "a dishwasher", "the inside of a cell", "a map of Rome",
    "a Gothic cathedral", "a lighthouse", "a rhododendron", "a walnut tree", "a bobsleigh track", "a hovercraft",
)  # fmt: skip
SOUNDS = (
    "a didgeridoo", "a theremin", "a hurdy-gurdy", "a vuvuzela", "an erhu", "a zither", "a nightingale at dawn",
    "my favourite song", "the national anthem", "Beethoven's fifth symphony", "a waterfall", "a steam engine",
    "a crying baby", "a thunderstorm", "a chainsaw", "a jackhammer", "a horse's hooves", "a purring cat",
    "a vacuum cleaner",
)  # fmt: skip
SCENTS = (
    "a rose", "coffee", "fresh bread", "the sea", "an onion", "a wet dog", "cinnamon", "a new car", "cut grass", "soap",
    "a lemon", "chocolate", "silk", "velvet", "sandpaper", "ice",
)  # fmt: skip
ACTS = (
    "send an e-mail", "book a flight", "call my mother", "order a pizza", "turn off the lights", "open the window",
    "search the web", "set an alarm for seven", "pay my bill", "translate this film", "print this page",
    "drive me home", "check the weather", "post this online", "remember this until next year", "delete my files",
    "water the plants", "feed the cat",
)  # fmt: skip
FORMS = (
    "a 3-D model", "a spreadsheet", "a hologram", "a PDF file", "a printed poster", "a sculpture", "a video game",
    "a font", "a website", "a vector drawing", "a mesh for my printer", "a feature-length film", "a stereo image",
)  # fmt: skip

REFUSED: dict[str, tuple[str, tuple[str, ...]]] = {
    "refuse-thing": ("thing", THINGS),
    "refuse-sound": ("thing", SOUNDS),
    "refuse-sense": ("thing", SCENTS),
    "refuse-act": ("act", ACTS),
    "refuse-form": ("form", FORMS),
}


def words_of(topic: str, held_out: bool) -> tuple[str, ...]:
    """Words of one side: a tenth, by the rule of phrasings, is never trained."""
    return tuple(word for word in REFUSED[topic][1] if split.is_held_out_phrasing(word) == held_out)
