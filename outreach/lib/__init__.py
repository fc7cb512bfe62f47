"""The floor: pure helpers and abstract bases; knows no app."""
