"""What each command does: opens the house, asks the engine or the store, shows the answer."""
