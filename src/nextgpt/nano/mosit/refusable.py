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
    "an anteater", "a manatee", "a puffin", "an ibex", "a gazelle", "a mongoose", "a chinchilla", "a ferret",
    "a weasel", "a stoat", "a heron", "a pelican", "a toucan", "a cassowary", "an albatross", "a woodpecker",
    "a hummingbird", "a kingfisher", "a magpie", "an ostrich", "a vulture", "an iguana", "a seahorse", "a starfish",
    "a clownfish", "a swordfish", "an eel", "a praying mantis", "a dragonfly", "a centipede", "a silverfish",
    "a coyote", "a hyena", "a jackal", "a cheetah", "a lynx", "an antelope", "an elk", "a yak", "a walrus",
    "the Colosseum", "Big Ben", "the Great Wall of China", "Mount Everest", "Niagara Falls", "the Brooklyn Bridge",
    "the Parthenon", "Stonehenge", "the Sydney Opera House", "Napoleon", "Marie Curie", "Charles Darwin",
    "Charlie Chaplin", "my teacher", "my boss", "my sister's wedding", "my garden", "my bedroom", "my desk",
    "our school", "my hometown", "the president", "a famous actor", "a crankshaft", "a transistor", "a gas turbine",
    "a blast furnace", "an oil rig", "a water mill", "a drilling platform", "a bulldozer", "an excavator",
    "a cement mixer", "a rickety barn", "a greenhouse", "a silo", "a pagoda", "a pyramid", "an aqueduct", "a viaduct",
    "a dam", "a canal lock", "a villa", "a cottage", "a bungalow", "a maze", "a wardrobe", "a bookshelf", "a hammock",
    "a stepladder", "a wheelbarrow", "a garden hose", "a rake", "a spade", "a pitchfork", "a colander", "a whisk",
    "a rolling pin", "a toaster", "a blender", "a kettle", "a corkscrew", "a thimble", "a spinning wheel", "a loom",
    "a sundial", "a metronome", "a barometer", "a sextant", "a weather map", "a floor plan", "a chess problem",
    "a sudoku", "a street sign in Paris", "a bonsai", "an oak", "a birch", "a fern", "a thistle", "an orchid",
    "a dandelion", "lavender", "a mangrove", "a redwood",
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
    "a bouzouki", "a cimbalom", "a nyckelharpa", "an ophicleide", "a viola da gamba", "a lur", "a guiro", "a cajon",
    "a djembe", "a taiko ensemble", "a conch", "a nose flute", "a bird whistle", "a hang drum", "a waterphone",
    "a stylophone", "a mellotron", "a barrel organ", "a carillon", "a spinet", "a virginal", "a clavichord",
    "a psaltery", "a rebec", "a shawm", "a sackbut", "a racket", "a cat's hiss", "a pig's grunt", "a donkey's bray",
    "a turkey's gobble", "a crowing rooster", "a cawing crow", "a gull", "a parrot talking", "a hissing snake",
    "a roaring bear", "a barking seal", "a dolphin's clicks", "a bleating lamb", "a galloping herd",
    "a swarm of wasps", "a grasshopper", "a woodpecker at work", "a wolf pack", "a growling tiger",
    "a kettle whistling", "boiling water", "frying bacon", "a popping cork", "a dripping tap", "a flushing toilet",
    "a creaking floor", "a slamming door", "a knock at the door", "a doorbell", "a ticking clock",
    "a church bell at noon", "a motorbike", "a lorry in reverse", "a propeller plane", "a rocket launch",
    "a submarine's sonar", "a mouse click", "a camera's shutter", "a zip", "a saw", "a drill", "a lathe at work",
    "a waterwheel", "a windmill turning", "a storm at sea", "a geyser", "a sandstorm", "snow underfoot", "a campfire",
    "a whistle from the crowd", "a scream", "a cough", "a hiccup", "a whisper", "humming", "a yodel",
    "a choir of children", "a sermon", "an auction", "a radio play", "a weather report", "a phone call with my aunt",
    "the Beatles", "a waltz by Strauss", "a march by Sousa", "a requiem", "a raga", "a samba", "a salsa band",
    "a country song", "techno", "a disco hit", "a film score", "the silence of space",
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
