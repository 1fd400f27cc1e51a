"""Made cameras, scenes and crowds, with exact truth."""
