"""What the small world can not do: things it has no drawing or sound of, and what it has no hands for."""

from nextgpt.nano import split

THINGS = (
    "a quokka", "an aardvark", "a wombat", "an axolotl", "a platypus", "a narwhal", "an armadillo", "a meerkat",
    "the Mona Lisa", "the Eiffel Tower", "Albert Einstein", "my grandmother", "my street", "a gearbox",
    "a nuclear power plant", "a suspension bridge design", "a crossword", "a wind turbine", "a submarine",
    "a combine harvester", "a windmill", "a dishwasher", "the inside of a cell", "a map of Rome",
    "a Gothic cathedral", "a lighthouse", "a rhododendron", "a walnut tree", "a bobsleigh track", "a hovercraft",
    "a capybara", "a pangolin", "a tapir", "an okapi", "a lemur", "a stingray", "the Taj Mahal", "Isaac Newton",
    "my neighbour", "your face", "our kitchen", "a carburettor", "a circuit diagram", "a subway map", "a cuckoo clock",
    "a lawn mower", "a forklift", "a zeppelin", "a drawbridge", "a chandelier", "the solar system to scale",
)  # fmt: skip
SOUNDS = (
    "a didgeridoo", "a theremin", "a hurdy-gurdy", "a vuvuzela", "an erhu", "a zither", "a nightingale at dawn",
    "my favourite song", "the national anthem", "Beethoven's fifth symphony", "a waterfall", "a steam engine",
    "a crying baby", "a thunderstorm", "a chainsaw", "a jackhammer", "a horse's hooves", "a purring cat",
    "a vacuum cleaner", "a lute", "a cuckoo clock", "my own voice", "the sea at night", "a roaring lion",
    "a creaking door", "an earthquake", "rain on a roof", "an opera", "a jazz band", "a church choir in Latin",
    "a whale's song", "a howling wolf", "a neighing horse", "a mooing cow", "a bleating sheep", "a quacking duck",
    "a hooting owl", "a croaking frog", "a buzzing bee", "a chirping cricket", "an elephant's trumpeting",
    "a barking dog", "a meowing cat", "a crackling fire", "a bubbling brook", "a howling wind", "hail on a window",
    "an avalanche", "a lawn mower", "a hair dryer", "a washing machine", "a coffee grinder",
    "a typewriter", "a sewing machine", "a dentist's drill", "a passing train",
    "a ship's horn", "a jet engine", "a bicycle bell ringing twice", "a fire engine's siren", "a car alarm",
    "footsteps on gravel", "a heart beating", "a baby laughing", "a sneeze", "a snore", "a yawn", "someone whispering",
    "a crowd at a football match", "a speech by Churchill", "a news reader", "a lullaby", "a love song",
    "a symphony", "a string quartet by Haydn", "a fugue by Bach", "some reggae", "a rap song", "heavy metal",
    "a tango", "a polka band", "a bagpipe parade of a thousand pipers", "a balalaika", "a shamisen", "a mandolin",
    "a ukulele", "a concertina", "a sousaphone", "a cornett", "a crumhorn", "a bodhran", "a gong ensemble", "a kazoo",
    "an ocarina", "a glass harmonica", "a musical saw", "a jaw harp", "a dulcimer", "a lyre", "an alphorn", "a shofar",
)  # fmt: skip
SCENTS = (
    "a rose", "coffee", "fresh bread", "the sea", "an onion", "a wet dog", "cinnamon", "a new car", "cut grass", "soap",
    "a lemon", "chocolate", "silk", "velvet", "sandpaper", "ice",
    "garlic", "petrol", "old books", "a forest", "vanilla", "vinegar", "wool", "marble", "warm milk", "smoke",
)  # fmt: skip
ACTS = (
    "send an e-mail", "book a flight", "call my mother", "order a pizza", "turn off the lights", "open the window",
    "search the web", "set an alarm for seven", "pay my bill", "translate this film", "print this page",
    "drive me home", "check the weather", "post this online", "remember this until next year", "delete my files",
    "water the plants", "feed the cat", "rent a car", "reserve a table", "wash the dishes", "lock the door",
    "read my mail", "sell my house", "cook dinner", "buy a ticket", "start the car", "make a phone call",
    "download a film", "restart the computer", "take a photo of me", "record my voice",
)  # fmt: skip
FORMS = (
    "a 3-D model", "a spreadsheet", "a hologram", "a PDF file", "a printed poster", "a sculpture", "a video game",
    "a font", "a website", "a vector drawing", "a mesh for my printer", "a feature-length film", "a stereo image",
    "a slide show", "a comic book", "a tattoo", "a mural", "a board game", "an app", "a knitting pattern",
    "a musical score", "a jigsaw puzzle", "a poster of two metres",
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
