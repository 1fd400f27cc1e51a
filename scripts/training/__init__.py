"""What the scripts that train a verifier share. Needs torch, which the product never does."""
