-- Decisions name reviews by their ids alone.
CREATE INDEX reviews_by_id ON reviews (id);
