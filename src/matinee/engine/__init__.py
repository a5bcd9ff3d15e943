"""The machine that recommends: arrays in, arrays out. No Django, no database, no clock, no files, no network."""
