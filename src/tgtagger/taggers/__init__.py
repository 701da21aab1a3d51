"""What gives posts their tags: each takes posts and yields outcomes, and knows no store."""
