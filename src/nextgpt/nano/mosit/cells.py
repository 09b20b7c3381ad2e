"""The table of cells: (what goes in, what comes out) -> makers of such a turn."""

from nextgpt.nano.mosit import heard, moving, plain, several, stills
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
# What is answered by words alone, whatever the request sounds like; oftener before the last turn than its cells are.
DECLINING: tuple[Maker, ...] = (plain.refuse, plain.missing, stills.no_sound, moving.no_sound)
# What a conversation's last turn is, in turn. What a model learns last comes oftener.
PLANS: tuple[tuple[Maker, ...], ...] = (
    *CELLS.values(),
    *(CELLS["text", "text"],) * 2,
    *(CELLS["audio", "audio"],) * 2,
    *(CELLS["video", "video"],) * 2,
    *(SEVERAL,) * 2,
    *(MANY_OUT,) * 8,
    *((stills.no_sound, moving.no_sound),) * 2,
    LOOKING_BACK,
)
