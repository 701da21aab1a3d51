"""Where posts come from: each source yields pages of PostData, and knows no store."""
