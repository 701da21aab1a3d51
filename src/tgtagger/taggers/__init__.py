"""The taggers: each takes posts and yields outcomes. Knows no store."""
