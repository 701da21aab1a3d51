"""Telegram itself, through Telethon: sign in, and read channels.

`sign_in` signs in and out, `session` keeps sessions and connects, `connection` asks and waits,
`source` reads a channel page by page. `errors` turns Telegram's failures into ours, and
`telethon_internals` holds what Telethon does not promise. `convert`, `media`, `entities`, `inline`
and `blocks` turn a message into a post, from its plain form (nested dicts with the class's name
under "_") and without Telethon, so that a stored raw record is converted as a fresh message is.
Knows no store.
"""
