"""The nouns (records) and the ears (engines)."""
