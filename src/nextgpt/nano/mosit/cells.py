"""The table of cells: (what goes in, what comes out) -> makers of such a turn."""

from nextgpt.nano.mosit import heard, moving, plain, several, stills, wishes
from nextgpt.nano.mosit.talk import Maker

CELLS: dict[tuple[str, str], tuple[Maker, ...]] = {
    ("text", "text"): (plain.refuse, plain.refuse, plain.missing, plain.abilities),
    ("text", "image"): (plain.draw,),
    ("text", "audio"): (plain.play,),
    ("text", "video"): (plain.animate,),
    ("image", "text"): (stills.tell, stills.tell, stills.tell, stills.no_sound),
    ("image", "image"): (stills.recolour, stills.count_of, stills.size_of, stills.beside),
    ("image", "audio"): (stills.sound_of, stills.play_on),
    ("image", "video"): (stills.animate,),
    ("audio", "text"): (heard.tell,),
    ("audio", "image"): (heard.source_of,),
    ("audio", "audio"): (heard.reverse, heard.on_another, heard.speed_of, heard.repeat),
    ("audio", "video"): (heard.animate_source,),
    ("video", "text"): (moving.tell, moving.tell, moving.tell, moving.no_sound),
    ("video", "image"): (moving.still_of, moving.still_on),
    ("video", "audio"): (moving.sound_of, moving.play_on),
    ("video", "video"): (moving.reverse, moving.reverse, moving.recolour, moving.other_motion),
}
# Several media in a message.
SEVERAL: tuple[Maker, ...] = (
    several.which,
    several.fit,
    several.colour_of_other,
    several.side_by_side,
    several.one_after_other,
    several.move_like,
)
# Several media in a reply.
MANY_OUT: tuple[Maker, ...] = (
    several.two_wishes,
    several.two_wishes,
    several.draw_and_play_clip,
    stills.draw_and_play,
    heard.see_and_move,
    several.three_wishes,
    several.three_wishes,
    several.all_of_one,
    several.all_of_one,
)
# Only where the conversation has gone on for a while.
LOOKING_BACK: tuple[Maker, ...] = (plain.what_was_first,)
# What the model learns last; training has it oftener, before the last turn and as one.
DRILLED: tuple[Maker, ...] = (
    *(moving.reverse,) * 2,
    heard.reverse,
    heard.on_another,
    heard.speed_of,
    heard.repeat,
    *(heard.animate_source,) * 2,
    *(stills.no_sound, stills.sound_of) * 3,
    *(moving.no_sound, moving.sound_of) * 3,
    *(stills.count_of,) * 3,
    *(stills.size_of,) * 2,
    stills.beside,
    *(plain.refuse,) * 3,
    plain.missing,
    *wishes.GRANTED * 3,
    *wishes.DECLINED,
    several.two_wishes,
    *(several.three_wishes,) * 3,
)
# In words alone: many names, each of which comes seldom in whole conversations.
NAMES: tuple[Maker, ...] = (*wishes.GRANTED * 2, *wishes.DECLINED, *(plain.refuse,) * 2, plain.abilities)
# The same words about things that have a sound and things that have none: neither always playing nor never is right.
OWN_SOUND: tuple[tuple[Maker, ...], ...] = (
    (stills.sound_of,),
    (stills.no_sound,),
    (moving.sound_of,),
    (moving.no_sound,),
)
# The same words about things that it can make and things that it can not.
WISHES: tuple[tuple[Maker, ...], ...] = tuple((maker,) for maker in wishes.GRANTED + wishes.DECLINED)
# What a conversation's last turn is, in turn: each cell as often as any other where something is measured.
EVEN: tuple[tuple[Maker, ...], ...] = (*CELLS.values(), SEVERAL, MANY_OUT, LOOKING_BACK)
PLANS: tuple[tuple[Maker, ...], ...] = (
    *EVEN,
    CELLS["text", "text"],
    SEVERAL,
    *(MANY_OUT,) * 3,
    *(DRILLED,) * 7,
    LOOKING_BACK,
)
