"""About 400 plain text prompts, so that the language model keeps chatting as before; a fifth is held out.

Only prompts stand here: the base model's own answers are generated from them.
"""

from nextgpt.nano.split import bucket

_FAMILIES: dict[str, str] = {
    "Hello!|Hi there.|Good morning!|Good evening.|How are you today?|Nice to meet you.|Thank you for your help.|"
    "Hey, what's up?|Can you help me?|I am bored.|I feel tired today.|Tell me something interesting.|Goodbye!|"
    "What can you do?|Do you like music?|I had a great day.|I am nervous about tomorrow.|Wish me luck!": "{}",
    "France|Japan|Italy|Canada|Egypt|Brazil|Australia|Germany|Spain|India|Norway|Kenya": "What is the capital of {}?",
    "a verb|photosynthesis|gravity|a volcano|democracy|an atom|inflation|a prime number|a metaphor|the internet|"
    "a glacier|a virus|an island|an eclipse|a database|evolution|a compass used for|a noun|friction|a haiku": (
        "What is {}?"
    ),
    "how rain forms|why the sky is blue|how bread is made|what a computer does|how plants drink water|"
    "why we sleep|how a bicycle works|what a magnet does|why leaves fall in autumn|how a bank works|"
    "what recycling means|why the sea is salty|how birds fly|what electricity is|how vaccines work": (
        "Explain {} in simple words."
    ),
    "a brave mouse|a lost key|a lonely lighthouse|a dragon who is afraid of fire|two friends at school|a talking tree|"
    "a trip to the moon|a rainy day|an old clock|a baker and a thief|a robot who learns to cook|a hidden garden": (
        "Write a very short story about {}."
    ),
    "autumn|the sea|my grandmother|a cup of tea|the night sky|friendship|snow|a small town": "Write a short poem about {}.",
    "fruits|countries in Europe|musical instruments|planets|colours|animals that can swim|kitchen tools|sports|"
    "vegetables|things in a classroom|famous rivers|jobs|board games|kinds of weather|ways to travel|trees|"
    "healthy snacks|holidays|gemstones|dances": "Name three {}.",
    "learn a new language|fall asleep faster|save money|write a good letter|cook rice|make new friends|"
    "prepare for an exam|clean a window|start running|be more patient|keep a plant alive|tidy my room|"
    "speak in front of people|remember names|read more books|plan a birthday party": "How can I {}?",
    "I want the report now.|Move your car.|You are wrong.|Give me a discount.|Be quiet.|Send me the file.|"
    "Hurry up.|Answer my question.": "Make this sentence polite: {}",
    "happy|big|fast|beautiful|tired|smart|angry|easy|strange|cold": "Give me another word for {}.",
    "hot|early|brave|noisy|full|ancient|rough|generous": "What is the opposite of {}?",
    "cats and dogs|tea and coffee|a city and a village|summer and winter|a novel and a poem|milk and water|"
    "a bus and a train|a lake and a river|a king and a president|wood and metal": "What is the difference between {}?",
    "the first person on the Moon|the author of Hamlet|the painter of the Mona Lisa|the inventor of the telephone|"
    "the first president of the United States|the composer of the Ninth Symphony": "Who was {}?",
    "days are in a week|minutes are in an hour|legs does a spider have|continents are there|months have 31 days|"
    "letters are in the English alphabet|sides does a hexagon have|players are in a football team|"
    "strings does a guitar have|planets are in the solar system|teeth does an adult have|hours are in two days": (
        "How many {}?"
    ),
    "Why do cats purr?|What do bees make?|Which animal is the largest?|What is the longest river in the world?|"
    "At what temperature does water boil?|What do you call a baby cow?|Which planet is called the red planet?|"
    "What is the chemical symbol of gold?|Where do penguins live?|What colour do you get from blue and yellow?|"
    "Which month comes after June?|What is the largest ocean?|Who wrote Romeo and Juliet?|What is ice made of?|"
    "How long does it take the Earth to go around the Sun?|Which metal is liquid at room temperature?|"
    "What do caterpillars become?|Which language is spoken in Brazil?|What is the fastest land animal?|"
    "What is the hardest natural material?|Why does the Moon change its shape?|What do we breathe out?|"
    "Which organ pumps blood?|What is the tallest mountain on Earth?|Where does chocolate come from?|"
    "What is a group of lions called?|Which season is the coldest?|What is the main ingredient of bread?|"
    "How do fish breathe?|Which bird can not fly?|What is the currency of Japan?|Why is exercise good for us?": "{}",
    "The meeting is on Monday at nine. Bring your notes and a pen.|Ann went to the market and bought apples, but forgot "
    "the milk.|The old bridge was closed after the storm because two of its beams had cracked.|Tom likes football more "
    "than tennis, yet he plays tennis every week.|The museum opens at ten and closes at six, except on Fridays.": (
        "Summarise this in a few words: {}"
    ),
    "She go to school every day.|He don't like fish.|Me and him was late.|I has two brother.|They is playing outside.|"
    "The childrens are happy.|Yesterday I eat pizza.|It were a nice day.": "Correct this sentence: {}",
    "good morning|thank you|where is the station|I am hungry|see you tomorrow|how much is it|the house is small|"
    "my name is Anna": "Translate into French: {}",
    "a dinner with three courses|a rainy weekend|a week in the mountains|a picnic for four people|a morning without my "
    "phone|a surprise for a friend": "Plan {} for me in a few sentences.",
    "cooking|space|ancient Rome|dinosaurs|the ocean|bees|chess|the human body|coffee|trees|trains|sleep": (
        "Tell me one fact about {}."
    ),
    "a shy detective|a bakery|a space station|a pirate ship|a cat hotel|a rock band|a village of giants|"
    "a school for ghosts": "Think of a name for {}.",
    "Tell me a joke.|Tell me a riddle.|Give me a motivational quote.|Count from one to ten.|Say the alphabet backwards.|"
    "Write one sentence with the word river.|Write one sentence with the words sun and bicycle.|Spell the word rhythm.|"
    "Which word does not belong: apple, pear, chair, plum?|What comes next: 2, 4, 6, 8?|What comes next: Monday, "
    "Tuesday, Wednesday?|Sort these numbers: 7, 2, 9, 4.|What rhymes with cat?|What rhymes with moon?|"
    "Write a short email that asks for a day off.|Write an invitation to a birthday party.|Write a thank-you note.|"
    "Give me a recipe for pancakes.|Suggest a title for a book about bees.|Write a slogan for a bookshop.|"
    "Write a Python function that adds two numbers.|Write a Python loop that prints the numbers from 1 to 5.|"
    "What does HTML stand for?|What is a variable in programming?|Describe a sunset in two sentences.|"
    "Describe the taste of a lemon.|Describe a busy market.|Give me two reasons to learn to swim.|"
    "Should I walk or take the bus when it rains?|Is a tomato a fruit or a vegetable?|Would you rather fly or be invisible?|"
    "What would happen if there were no Moon?|Imagine you are a tree. What do you see?|What should I cook tonight?|"
    "My friend is sad. What can I say?|I lost my wallet. What should I do?|My computer is slow. What can I try?|"
    "What makes a good teacher?|What is the best way to say sorry?|Which book should everybody read?": "{}",
}
_SUMS = tuple((3 + 7 * n % 40, 2 + 5 * n % 23, ["plus", "minus", "times"][n % 3]) for n in range(1, 46))


def chat_prompts() -> list[dict[str, str]]:
    """Rows {"id", "split": train or held-out, "text"}."""
    texts = [form.format(word) for words, form in _FAMILIES.items() for word in words.split("|")]
    texts += [f"What is {max(a, b)} {sign} {min(a, b)}?" for a, b, sign in _SUMS]
    return [
        {"id": f"chat-{number:04d}", "split": "held-out" if bucket(text, 5) == 0 else "train", "text": text}
        for number, text in enumerate(dict.fromkeys(texts))
    ]
