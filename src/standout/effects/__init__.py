"""Image and mask -> picture: what is put behind the people, or what they are put on."""
