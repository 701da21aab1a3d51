"""The sources of posts: each yields pages of PostData. Knows no store."""
