"""What we decide: triggers, policy, gates, the ledger of what was decided, and deciding itself."""
