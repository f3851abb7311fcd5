"""A small dilated convolution net: fitted with torch, written as a graph that needs none of it.

Only `fitting` and `network` import torch, and nothing that serves imports them."""
