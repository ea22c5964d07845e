-- Some thousand rows of no meaning in every table that grows, behind the guards' backs: PostgreSQL chooses by what there is.
SET session_replication_role = replica;
DO $$
DECLARE grows text; names text; made text;
BEGIN
    FOR grows IN
        SELECT table_name FROM information_schema.tables
        WHERE table_schema = 'public' AND table_name ~ '^(core|adoption|ballots|councils|disclosure|enterprise_council|forums|points|new_residents)_' AND NOT table_name = ANY (ARRAY[:small:])
    LOOP
        SELECT string_agg(quote_ident(column_name), ', '), string_agg(CASE
            WHEN column_name = 'id' AND data_type = 'uuid' THEN 'gen_random_uuid()'
            WHEN column_name = 'area_id'
                THEN '(SELECT array_agg(id) FROM core_area)[1 + g % (SELECT count(*) FROM core_area)]'
            WHEN data_type = 'uuid' THEN format('md5((g %% %s)::text)::uuid', 1000 + 137 * ordinal_position)
            WHEN is_nullable = 'YES' THEN 'NULL'
            WHEN data_type LIKE 'char%' OR data_type = 'text'
                THEN format('left(md5(g::text), %s)', least(character_maximum_length, 8))
            WHEN data_type LIKE '%int%' THEN '100000 + g'
            WHEN data_type = 'boolean' THEN 'false'
            WHEN data_type = 'date' THEN 'current_date - g % 700'
            WHEN data_type LIKE 'timestamp%' THEN 'now() - g * interval ''1 hour'''
            ELSE '''{}''' END, ', ')
        INTO names, made FROM information_schema.columns WHERE table_schema = 'public' AND table_name = grows;
        EXECUTE format(
            'INSERT INTO %I (%s) SELECT %s FROM generate_series(1, 5000) g ON CONFLICT DO NOTHING', grows, names, made
        );
    END LOOP;
END $$;
