"""Pipeline to the rules of another system: a reading of the policy of its own, straight from the statement trees."""
