"""Where results live: the only room that spells a path. Light to import; pandas only in collect."""
