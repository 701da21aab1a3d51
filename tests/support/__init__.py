"""The helpers that several tests share. Holds no test."""
