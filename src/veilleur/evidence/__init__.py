"""Pictures of an incident: redacted before they are kept, clear only in memory, for minutes."""
