"""Judges of made media: what a picture, a clip or a sound shows, read apart from whatever made it.

Nothing here is opened by training or by generation; a test traces it. Every judge is scored on true media (its
ceiling) and on true media under other captions (its chance); docs/judges.md has the numbers.
"""
