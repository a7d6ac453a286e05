"""IncludeOS's config.json as a policy: read strictly, with places, and mapped to what NaCl text would declare."""
