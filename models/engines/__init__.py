"""Engines: the ears. Each module wraps one library and gives back records; they are imported where they are used."""
