"""One module per predetermined event: a rule is (Scene over time) -> signals and their checks."""
