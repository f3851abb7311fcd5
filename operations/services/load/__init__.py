"""Load tests: sent by the clock over HTTP, counted, and compared with what is stored."""
