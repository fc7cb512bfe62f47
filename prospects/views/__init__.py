"""People, segments, programs and imports as pages."""
