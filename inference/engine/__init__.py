"""Windows, normalisation, heads, decoding: numpy and onnxruntime in, arrays out, no Django."""
