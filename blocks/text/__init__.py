"""Work on texts: plain, by patterns, by templates, as code, as XML."""
