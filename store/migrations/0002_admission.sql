-- Admission: which runs may go on, and which wait for their turn (docs/adr, "Admission is a table of slots").
--
-- A run of a user and graph takes one of the numbers 1 to `slots`; the unique key is what keeps two from taking one, so beginnings
-- and ends of runs do not wait for each other. Who finds none free waits in the order of `arrived`. The statement that
-- frees a number gives it to the oldest who waits. Limits are in the row as they were when it was written, so that ending a run needs none.
CREATE TABLE run_slots (
    execution_id  text PRIMARY KEY,
    user_id       text NOT NULL,
    graph_id      text NOT NULL,
    slot          integer CHECK (slot > 0),                -- null while the run waits
    slots         integer NOT NULL CHECK (slots > 0),      -- how many there are for this user and graph
    capacity      integer NOT NULL CHECK (capacity >= 0),  -- how many runs may go on in all; 0: any number
    granted_by    text,                                    -- the run that gave the slot, until this one takes it
    arrived       bigint GENERATED ALWAYS AS IDENTITY,
    arrived_at    timestamptz NOT NULL DEFAULT now(),
    UNIQUE (user_id, graph_id, slot)
);
CREATE INDEX run_slots_waiting ON run_slots (user_id, graph_id, arrived) WHERE slot IS NULL;
CREATE INDEX run_slots_granted ON run_slots (granted_by) WHERE granted_by IS NOT NULL;

-- Functions, because each statement inside sees what was committed before it began: a statement's own view would be from before it
-- got the lock. Beginnings and ends share the lock of their user and graph; who is about to wait takes it alone, so no
-- slot becomes free unseen between looking for one and standing in the queue. With a capacity all take turns.
CREATE FUNCTION lock_slots(of_user text, of_graph text, in_all integer, alone boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    lock bigint := hashtextextended(of_user || '/' || of_graph, 72);
BEGIN
    IF in_all > 0 THEN
        PERFORM pg_advisory_xact_lock(hashtextextended('heddle capacity', 72));
    END IF;
    IF alone THEN
        PERFORM pg_advisory_xact_lock(lock);
    ELSE
        PERFORM pg_advisory_xact_lock_shared(lock);
    END IF;
END
$$;

-- Whether the run may go on now. Repeatable: a run that has a slot keeps it.
CREATE FUNCTION enter_slot(of_run text, of_user text, of_graph text, at_most integer, in_all integer) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE
    mine record;
    free integer;
BEGIN
    PERFORM lock_slots(of_user, of_graph, in_all, false);
    SELECT slot, granted_by INTO mine FROM run_slots WHERE execution_id = of_run;
    IF FOUND THEN
        IF mine.granted_by IS NOT NULL THEN
            UPDATE run_slots SET granted_by = NULL WHERE execution_id = of_run;
        END IF;
        RETURN mine.slot IS NOT NULL;
    END IF;
    IF EXISTS (SELECT FROM run_slots WHERE user_id = of_user AND graph_id = of_graph AND slot IS NULL) THEN
        RETURN false;
    END IF;
    IF in_all > 0 AND (SELECT count(*) FROM run_slots WHERE slot IS NOT NULL) >= in_all THEN
        RETURN false;
    END IF;
    -- At random, so that those who come at once seldom want the same one; then whatever is left.
    FOR try IN 1..4 LOOP
        free := 1 + floor(random() * at_most);
        INSERT INTO run_slots (execution_id, user_id, graph_id, slot, slots, capacity)
        VALUES (of_run, of_user, of_graph, free, at_most, in_all) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN true;
        END IF;
    END LOOP;
    FOR free IN
        SELECT number FROM generate_series(1, at_most) AS number
        WHERE NOT EXISTS (
            SELECT FROM run_slots WHERE user_id = of_user AND graph_id = of_graph AND slot = number)
    LOOP
        INSERT INTO run_slots (execution_id, user_id, graph_id, slot, slots, capacity)
        VALUES (of_run, of_user, of_graph, free, at_most, in_all) ON CONFLICT DO NOTHING;
        IF FOUND THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END
$$;

-- Gives what is free to who waits, oldest first; with a capacity also to others' runs, the users with the fewest going on first.
-- Only for who holds the lock alone.
CREATE FUNCTION grant_slots(giver text, of_user text, of_graph text, in_all integer) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    next record;
BEGIN
    LOOP
        EXIT WHEN in_all > 0 AND (SELECT count(*) FROM run_slots WHERE slot IS NOT NULL) >= in_all;
        SELECT oldest.execution_id, free.number INTO next
        FROM (
            SELECT DISTINCT ON (user_id, graph_id) * FROM run_slots
            WHERE slot IS NULL AND (in_all > 0 OR (user_id = of_user AND graph_id = of_graph))
            ORDER BY user_id, graph_id, arrived
        ) AS oldest
        CROSS JOIN LATERAL (
            SELECT number FROM generate_series(1, oldest.slots) AS number
            WHERE NOT EXISTS (
                SELECT FROM run_slots AS held
                WHERE held.user_id = oldest.user_id AND held.graph_id = oldest.graph_id AND held.slot = number)
            LIMIT 1
        ) AS free
        ORDER BY
            (SELECT count(*) FROM run_slots AS held WHERE held.user_id = oldest.user_id AND held.slot IS NOT NULL),
            oldest.arrived
        LIMIT 1;
        EXIT WHEN NOT FOUND;
        UPDATE run_slots SET slot = next.number, granted_by = giver WHERE execution_id = next.execution_id;
    END LOOP;
END
$$;

-- Stands in the queue, and gives out what has become free meanwhile. Answers the runs that may go on now, perhaps this one.
CREATE FUNCTION wait_for_slot(of_run text, of_user text, of_graph text, at_most integer, in_all integer) RETURNS text[]
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM lock_slots(of_user, of_graph, in_all, true);
    INSERT INTO run_slots (execution_id, user_id, graph_id, slots, capacity)
    VALUES (of_run, of_user, of_graph, at_most, in_all)
    ON CONFLICT (execution_id) DO UPDATE SET slots = excluded.slots, capacity = excluded.capacity;
    PERFORM grant_slots(of_run, of_user, of_graph, in_all);
    RETURN ARRAY(SELECT execution_id FROM run_slots WHERE granted_by = of_run OR (
        execution_id = of_run AND slot IS NOT NULL) ORDER BY arrived);
END
$$;

-- Frees the run's slot, or its place in the queue. Answers the runs that got it and have not taken it yet: again, when
-- asked again, so that who died before telling them can tell them.
CREATE FUNCTION leave_slot(of_run text) RETURNS text[]
LANGUAGE plpgsql AS $$
DECLARE
    mine record;
    freed integer;
BEGIN
    SELECT user_id, graph_id, capacity INTO mine FROM run_slots WHERE execution_id = of_run;
    IF FOUND THEN
        PERFORM lock_slots(mine.user_id, mine.graph_id, mine.capacity, false);
        DELETE FROM run_slots WHERE execution_id = of_run RETURNING slot INTO freed;
        IF freed IS NOT NULL AND mine.capacity > 0 THEN
            PERFORM grant_slots(of_run, mine.user_id, mine.graph_id, mine.capacity);
        ELSIF freed IS NOT NULL THEN
            -- This very number: others that end at the same time give away theirs.
            UPDATE run_slots SET slot = freed, granted_by = of_run
            WHERE execution_id = (
                SELECT execution_id FROM run_slots
                WHERE user_id = mine.user_id AND graph_id = mine.graph_id AND slot IS NULL AND slots >= freed
                ORDER BY arrived LIMIT 1
                FOR UPDATE SKIP LOCKED);
        END IF;
    END IF;
    RETURN ARRAY(SELECT execution_id FROM run_slots WHERE granted_by = of_run ORDER BY arrived);
END
$$;
