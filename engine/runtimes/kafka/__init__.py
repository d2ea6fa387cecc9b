"""The same shards on Kafka: a worker owns the partitions that its group gives it."""
