"""One process, one folder: the engine on one machine."""
