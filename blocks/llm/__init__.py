"""Language models of several providers behind one seam: `blocks.language_models` says what it is."""
