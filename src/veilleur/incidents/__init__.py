"""The life of an incident, from its first signal to its follow-up: pure values, told the time."""
