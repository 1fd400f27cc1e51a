"""What must outlive a power cut: incidents, verdicts, the audit chain, the outbox, accounts."""
