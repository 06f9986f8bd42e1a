"""Intervals and survival, on scipy and lifelines. No distribution theory of our own."""
