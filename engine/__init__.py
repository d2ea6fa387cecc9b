"""How it runs: rulebook loading, step, shard, ports and adapters, runtimes, replay and the command line."""
