"""Messages: what a person or the model says, an ordered list of text and media, as plain values.

The wire form, in requests, data sets and files alike, is

    {"role": "user" | "assistant" | "system", "content": "text" or [part, ...]}
    part: {"type": "text", "text": "..."}
        | {"type": "image" | "audio" | "video", "path": "..." or "data": "<data URI>", "seed": 7}

where only media of an assistant have a seed.
A second form is that of Hugging Face chat templates. Both are read back to equal messages.
"""

from nextgpt.messages.dicts import (
    message_from_dict,
    message_to_dict,
    messages_from_list,
    messages_to_list,
)
from nextgpt.messages.hugging_face import from_hf_chat, to_hf_chat
from nextgpt.messages.values import (
    MEDIA_PARTS,
    ROLES,
    AudioPart,
    ContentPart,
    ImagePart,
    MediaPart,
    Message,
    TextPart,
    VideoPart,
    media_part,
)

__all__ = [
    "MEDIA_PARTS",
    "ROLES",
    "AudioPart",
    "ContentPart",
    "ImagePart",
    "MediaPart",
    "Message",
    "TextPart",
    "VideoPart",
    "from_hf_chat",
    "media_part",
    "message_from_dict",
    "message_to_dict",
    "messages_from_list",
    "messages_to_list",
    "to_hf_chat",
]
