"""Protected volumes: their shapes, when they are active, which are near, who watches them."""
