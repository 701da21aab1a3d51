"""The chat-completions API: requests, responses, the client that speaks HTTP. Knows no run."""
