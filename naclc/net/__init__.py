"""Facts of the network that several stages share: field names and widths, address arithmetic, constants."""
