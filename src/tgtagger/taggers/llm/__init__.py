"""Tags by a language model, of any server that speaks OpenAI's chat completions over HTTP.

Bottom up: `prompt` says what is asked, `wire` writes it and reads what comes, `verdicts` tells what
an answer means, `formats` what each model takes. `gate` says when the next request may go, `groups`
which posts go together, `jobs` which are asked again; `prices` and `ledger` count the money, and
`stops` say why a run ends. `client` speaks HTTP, `run` puts it all in order, `tagger` is what
others see, and `estimate` says beforehand what a run would be. Knows no store: what is to be kept
is yielded.
"""
