"""The fixtures of tests in a browser; here, so that no other test imports a browser's driver."""

from support.browser import chromium, sample, sample_archive, serve, visitor

__all__ = ["chromium", "sample", "sample_archive", "serve", "visitor"]
