"""Sources, decoding in worker processes, privacy masks, health."""
