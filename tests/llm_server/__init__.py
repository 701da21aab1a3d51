"""An OpenAI-compatible server on loopback with a script of faults, for tests and benchmarks.

    from llm_server import LlmServer, Limit, contents, faults, refusals

    with LlmServer() as server:                     # or LlmServer("ollama"), models=["gpt-5-mini"]
        server.script = [refusals.rate_limited(2, "date"), None, faults.reset("body")]
        server.rule = lambda seen: contents.prose() if "poison" in seen.texts else None
        ...                                         # a client of server.url, in any process
    assert server.statuses == [429, 200, 200]
    assert not server.paid_twice()

An answer is made in this order: a fault from `script` (one a completion, None is none); a wrong
key; `loading`; the `limit`; a fault from `rule`, once the script is used up; what this kind of
server refuses; the right answer. GETs have a script of their own, `lookups`. Every kind but
llamacpp, lmstudio, llama-cpp-python and plain knows only the models that it lists.

`Brain` is the same without sockets. `mock_transport` puts it behind httpx under any clock:

    brain = Brain(clock=clock.now, wall=clock.now, limit=Limit(60))
    client = httpx.AsyncClient(transport=mock_transport(brain, sleep=clock.sleep))
    await client.post("http://server/v1/chat/completions", json={...})

and whoever wants no httpx calls `brain.respond("POST", "/v1/chat/completions", headers, body)`: the
`Response` says its delay and, as `wire`, what happens to it on its way; `brain.sent(response)` then
counts the posts as answered.

The modules: `posts` reads requests, `answers` has the nouns, `kinds` the servers it can be;
`faults`, `refusals` and `contents` are what goes wrong, `wire` what does on the way; `limit`
counts, `brain` decides, `server` and `sending` speak.
"""

from llm_server import contents, faults, refusals
from llm_server.answers import Response, Seen, Turn
from llm_server.brain import Brain
from llm_server.faults import Fault
from llm_server.kinds import KINDS
from llm_server.limit import Limit
from llm_server.mock import mock_transport
from llm_server.posts import words_as_tags
from llm_server.server import LlmServer

__all__ = [
    "KINDS", "Brain", "Fault", "Limit", "LlmServer", "Response", "Seen", "Turn", "contents",
    "faults", "mock_transport", "refusals", "words_as_tags",
]  # fmt: skip
