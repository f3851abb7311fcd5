"""Three times more calls than fit: what is still served, how fast, and at what memory."""
