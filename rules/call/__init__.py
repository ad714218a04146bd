"""The call as rules look at it: phrases found in it, places to look in, what the sound answered, its scenario."""
