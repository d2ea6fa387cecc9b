"""The rulebook's expression language: its tree, parser, checker and compiler."""
