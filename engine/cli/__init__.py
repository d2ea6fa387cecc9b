"""The command `strand`: one module a command, a thin shell around what the engine does."""
