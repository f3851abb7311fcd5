"""What device and server must agree on: vectors that the C core and pytest both read."""
