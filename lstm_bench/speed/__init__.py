"""The timing harness: cases, contenders and their processes, and when a machine is quiet."""
