"""Records: frozen, versioned, small JSON documents; what the product remembers."""
