"""Tags by a language model, of any server that speaks OpenAI's chat completions over HTTP.

Bottom up: `prompt` says what is asked, `wire` writes it, `replies` reads what comes; `asking` joins
them with the vocabulary. `bodies`, `waits` and `verdicts` tell what an answer means, `formats` what
each model takes. `gate` says when the next request may go, `groups` which posts go together, `jobs`
which are asked again; `prices` and `ledger` count the money, `stops` say why a run ends. `client`
speaks HTTP, `sent` is a request on its way, `outbox` what is to be told; `run` puts it all in
order, and `tagger` is what others see. `estimate` says beforehand what a run would be, `probe` what
a server can do.

Knows no store: what is to be kept is yielded.
"""
