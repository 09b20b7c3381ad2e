"""How VQA's official script makes answers comparable, with its quirks.

Source of the rule and its tables: github.com/GT-Vision-Lab/VQA, PythonEvaluationTools/vqaEvaluation/vqaEval.py
(Agrawal et al., arXiv 1505.00468). Three quirks change figures and are kept:

- a mark of punctuation is deleted where it stands beside a space anywhere in the text, or where a digit, a comma
  and a digit follow each other anywhere; else it becomes a space;
- a period goes unless a digit follows it: the script's guard for a digit before it is mistyped and never holds;
- only the first 32 periods go, because a flag is passed where a count belongs.
"""

import re

PUNCTUATION = (*';/[]"{}()=+\\_-><@`,?!',)
PERIOD = re.compile(r"(?!<=\d)(\.)(?!\d)")
COMMA = re.compile(r"(\d)(\,)(\d)")
MOST_PERIODS = 32
ARTICLES = frozenset(("a", "an", "the"))
NUMBERS = {
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5", "six": "6",
    "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip
# Pairs: as written, as compared. Those of the script that begin with a capital are left out: text is lower by then.
_PAIRS = """
aint ain't arent aren't cant can't couldve could've couldnt couldn't couldn'tve couldn't've couldnt've couldn't've
didnt didn't doesnt doesn't dont don't hadnt hadn't hadnt've hadn't've hadn'tve hadn't've hasnt hasn't havent haven't
hed he'd hed've he'd've he'dve he'd've hes he's howd how'd howll how'll hows how's isnt isn't itd it'd itd've it'd've
it'dve it'd've itll it'll maam ma'am mightnt mightn't mightnt've mightn't've mightn'tve mightn't've mightve might've
mustnt mustn't mustve must've neednt needn't notve not've oclock o'clock oughtnt oughtn't ow's'at 'ow's'at 'ows'at
'ow's'at 'ow'sat 'ow's'at shant shan't shed've she'd've she'dve she'd've shouldve should've shouldnt shouldn't
shouldnt've shouldn't've shouldn'tve shouldn't've somebody'd somebodyd somebodyd've somebody'd've somebody'dve
somebody'd've somebodyll somebody'll somebodys somebody's someoned someone'd someoned've someone'd've someone'dve
someone'd've someonell someone'll someones someone's somethingd something'd somethingd've something'd've something'dve
something'd've somethingll something'll thats that's thered there'd thered've there'd've there'dve there'd've therere
there're theres there's theyd they'd theyd've they'd've they'dve they'd've theyll they'll theyre they're theyve they've
twas 'twas wasnt wasn't wed've we'd've we'dve we'd've weve we've werent weren't whatll what'll whatre what're whats
what's whatve what've whens when's whered where'd wheres where's whereve where've whod who'd whod've who'd've who'dve
who'd've wholl who'll whos who's whove who've whyll why'll whyre why're whys why's wont won't wouldve would've wouldnt
wouldn't wouldnt've wouldn't've wouldn'tve wouldn't've yall y'all yall'll y'all'll y'allll y'all'll yall'd've
y'all'd've y'alld've y'all'd've y'all'dve y'all'd've youd you'd youd've you'd've you'dve you'd've youll you'll youre
you're youve you've
"""
CONTRACTIONS = dict(zip(_PAIRS.split()[::2], _PAIRS.split()[1::2]))


def strip_lines(text: str) -> str:
    """What the script does to every answer, compared or not."""
    return text.replace("\n", " ").replace("\t", " ").strip()


def strip_punctuation(text: str) -> str:
    """Case is kept."""
    found, has_comma = text, COMMA.search(text) is not None
    for mark in PUNCTUATION:
        beside_space = f"{mark} " in text or f" {mark}" in text
        found = found.replace(mark, "" if beside_space or has_comma else " ")
    return PERIOD.sub("", found, count=MOST_PERIODS)


def strip_articles(text: str) -> str:
    """Lower case, number words as digits, no articles, contractions with their apostrophes, single spaces."""
    words = (NUMBERS.get(word, word) for word in text.lower().split())
    return " ".join(CONTRACTIONS.get(word, word) for word in words if word not in ARTICLES)


def normalise(text: str) -> str:
    """An answer as it is compared where people did not all say the same."""
    return strip_articles(strip_punctuation(strip_lines(text)))
