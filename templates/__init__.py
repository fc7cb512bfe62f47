"""What we can say: message templates, their immutable versions, and the engine that renders them."""
