"""Integrity and recovery of a damaged file."""
