"""Abstract syntax tree to typed model: names bound, values checked, units normalised."""
