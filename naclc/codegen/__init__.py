"""Decision graphs to C++: a plan (Unit), then text."""
