"""The instruments: devices and the keys that speak for them. Knows no night."""
