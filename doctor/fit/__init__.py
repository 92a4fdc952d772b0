"""The VRAM budget of a model on given devices."""
