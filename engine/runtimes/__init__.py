"""What drives shards: where records come from and where outputs go."""
