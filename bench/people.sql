-- `bench.people` invented people, four to a site: of each thousand one is held and one was stopped by us, one in ten is
-- suppressed, of fifty one has no first name, a quarter came with the first import. Then 500 pairs that look alike, and
-- what that import left out.
INSERT INTO prospects_site (public_id, domain, hold_reason)
SELECT gen_random_uuid(), 'site' || n || '.example', ''
FROM generate_series(1, current_setting('bench.people')::int / 4) n;

INSERT INTO prospects_prospect (
    public_id, kind, email, identity_key, contact_keys, first_name, last_name, company, job_title, website, site_id,
    x_handle, linkedin_url, country, time_zone, language, tags, custom, source, legal_basis, is_demo, stopped_at,
    stop_reason, held_at, hold_reason, import_batch_id)
SELECT gen_random_uuid(), 'person', 'person' || n || '@' || s.domain, k.key,
    ARRAY['address:' || k.key, 'domain:' || s.domain],
    CASE WHEN n % 50 = 7 THEN '' ELSE (ARRAY['Anna', 'Ben', 'Chloé', 'Dmitri', 'Elif', 'Femi'])[n % 6 + 1] END, 'Family' || n % 9000, 'Company ' || n % 40000,
    '', '', s.id, '', '', (ARRAY['DE', 'GB', 'US', 'FR', ''])[n % 5 + 1],
    (ARRAY['Europe/Berlin', 'Europe/London', 'America/New_York', 'Europe/Paris', ''])[n % 5 + 1], 'en',
    ARRAY['tag' || n % 20], '{}', 'list ' || n % 12, '', false,
    CASE WHEN n % 1000 = 2 THEN now() END, CASE WHEN n % 1000 = 2 THEN 'A competitor' ELSE '' END,
    CASE WHEN n % 1000 = 3 THEN now() END, CASE WHEN n % 1000 = 3 THEN 'Ask Ada' ELSE '' END,
    CASE WHEN n % 4 = 0 THEN (SELECT min(id) FROM prospects_importbatch) END
FROM generate_series(1, current_setting('bench.people')::int) n
CROSS JOIN LATERAL (SELECT md5(n::text) || md5((-n)::text) AS key) k
JOIN prospects_site s ON s.domain = 'site' || n % (current_setting('bench.people')::int / 4) + 1 || '.example';

INSERT INTO prospects_suppression (public_id, kind, key, value, reason, source)
SELECT gen_random_uuid(), 'address', 'address:' || md5(n::text) || md5((-n)::text), 'person' || n || '@site.example',
    CASE WHEN n % 1000 = 501 THEN 'manual' ELSE 'unsubscribed' END, ''
FROM generate_series(1, current_setting('bench.people')::int, 10) n;

INSERT INTO prospects_duplicate (public_id, first_id, second_id, reason, score)
SELECT gen_random_uuid(), p.id, p.id + 1, 'Same name at the same site', 0.5 + p.id % 50 / 100.0
FROM (SELECT id FROM prospects_prospect WHERE id % 2 = 0 ORDER BY id LIMIT 500) p;

INSERT INTO prospects_importrow (batch_id, line, reason, values)
SELECT (SELECT min(id) FROM prospects_importbatch), n * 40, 'There is no address in this row.', '{"email": ""}'
FROM generate_series(1, current_setting('bench.people')::int / 40) n;
