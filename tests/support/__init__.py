"""What several tests share. No test of its own."""
