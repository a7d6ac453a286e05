"""Questions a policy can answer."""
