"""Many files in, many files out: planned, worked on, and recorded in a ledger."""
