"""First-party mechanisms, one room each. None imports another."""
