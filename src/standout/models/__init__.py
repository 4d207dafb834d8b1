"""What ships: the registry of bundled models, the card that each model file carries, and the weights."""
