"""Translation validation: the plan is proved equal to the rules as written, on every compile."""
