"""Measurements of the suite against other ways of doing the same; see docs/performance.md."""
