"""Small inferences in a child of the target interpreter; returns facts."""
