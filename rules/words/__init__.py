"""Words: the normal form of what was said, its sound, the numbers in it and its gist. Knows nothing of calls."""
