-- Everybody is in the first campaign and in one of the others; two and a half messages for each person, most of them
-- sent, over two months, with what came back. Rehearsals are left as they are.
INSERT INTO campaigns_enrollment (
    public_id, campaign_id, prospect_id, sequence_version_id, mailbox_id, state, stop_reason, next_step_key,
    steps_handed_over, due_at, look_at)
SELECT gen_random_uuid(), c.id, p.id, v.id, (SELECT min(id) FROM integrations_mailbox) + p.id % 20,
    (ARRAY['active', 'active', 'finished', 'stopped'])[p.id % 4 + 1],
    CASE WHEN p.id % 4 = 3 THEN (ARRAY['replied', 'bounced', 'unsubscribed'])[p.id % 3 + 1] ELSE '' END, s.key, 1, now(),
    CASE WHEN p.id % 4 < 2 THEN now() + interval '1 day' END
FROM campaigns_campaign c
JOIN campaigns_sequenceversion v ON v.campaign_id = c.id
JOIN campaigns_step s ON s.sequence_version_id = v.id AND s.position = 1
JOIN prospects_prospect p ON p.person_id IS NULL AND (c.name = 'Campaign 0' OR p.id % 29 = c.id % 29)
WHERE c.state <> 'draft' AND c.rehearsal_of_id IS NULL;

INSERT INTO campaigns_message (
    public_id, enrollment_id, campaign_id, prospect_id, mailbox_id, step_id, step_key, arm_id, template_version_id,
    recipient, recipient_key, contact_keys, message_id, is_follow_up, state, send_at, why, planned_at, attempts,
    marked_at, handed_over_at, cancel_reason, smtp_phase, smtp_code, smtp_status, smtp_reply, subject, text, html,
    outcome)
SELECT gen_random_uuid(), e.id, e.campaign_id, e.prospect_id, e.mailbox_id, s.id, s.key, a.id, a.template_version_id,
    p.email, p.identity_key, p.contact_keys, '<' || e.id || '.' || s.id || '@bench.example>', s.position > 1, x.state,
    y.at, '{}', y.at, 0, CASE WHEN x.state <> 'planned' THEN y.at END, CASE WHEN x.state <> 'planned' THEN y.at END,
    '', '', 0, '', '', 'Hello', 'Hello there', '', CASE WHEN e.id % 40 = 0 THEN 'bounced' ELSE '' END
FROM campaigns_enrollment e
JOIN campaigns_campaign c ON c.id = e.campaign_id AND c.rehearsal_of_id IS NULL
JOIN campaigns_step s ON s.sequence_version_id = e.sequence_version_id
JOIN campaigns_arm a ON a.step_id = s.id
JOIN prospects_prospect p ON p.id = e.prospect_id
CROSS JOIN LATERAL (
    SELECT CASE WHEN s.position = 2 AND e.id % 50 = 0 THEN 'planned'
                WHEN e.id % 9000 = 0 THEN 'uncertain' ELSE 'sent' END AS state) x
CROSS JOIN LATERAL (
    SELECT now() + CASE WHEN x.state = 'planned' THEN 1 ELSE -1 END * (e.id % 400000) * interval '13 seconds' AS at) y
WHERE s.position = 1 OR e.id % 10 < 3 OR c.name = 'Campaign 0'
LIMIT current_setting('bench.people')::int * 5 / 2;

INSERT INTO campaigns_event (
    public_id, kind, prospect_id, enrollment_id, message_id, occurred_at, by_machine, detail, dedupe_key)
SELECT gen_random_uuid(), (ARRAY['replied', 'clicked', 'bounced', 'unsubscribed'])[m.id % 4 + 1], m.prospect_id,
    m.enrollment_id, m.id, m.handed_over_at + interval '1 hour', false, '{}', 'bench:' || m.id
FROM campaigns_message m
JOIN campaigns_campaign c ON c.id = m.campaign_id AND c.rehearsal_of_id IS NULL
WHERE m.state = 'sent' AND m.id % 5 = 0;

INSERT INTO campaigns_reply (
    public_id, prospect_id, message_id, event_id, sender, subject, text, reply_class, received_at, read_at)
SELECT gen_random_uuid(), e.prospect_id, e.message_id, e.id, 'a@site.example', 'Re: Hello', 'Yes, tell me more.',
    (ARRAY['positive', 'question', 'negative', 'other'])[e.id % 4 + 1], e.occurred_at,
    CASE WHEN e.id % 100 > 0 THEN now() END
FROM campaigns_event e WHERE e.kind = 'replied';
