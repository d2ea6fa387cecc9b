"""The workspace on disk: settings, lock, facts, generations of what is derived from them."""
