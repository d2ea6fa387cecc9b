"""The rulebook's way from a folder of YAML to checked definitions, and to the bytes that an activation records."""
