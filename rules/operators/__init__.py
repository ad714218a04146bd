"""Operators: what a rule file may ask of a call. A file holds one, or the few of one subject; `table` lists them."""
