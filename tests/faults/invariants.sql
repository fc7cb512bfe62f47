-- What must hold after every fault. Each statement finds what breaks the sentence above it.
-- Tables of the rig: sink (what the receiving server took), stops (who said no, and the database's time right after that
-- was committed), seen (every message there ever was), allowed (how many may be uncertain).

-- Nobody gets a step twice.
SELECT m.campaign_id, m.step_key, s.recipient, count(*) FROM sink s JOIN campaigns_message m USING (message_id)
 GROUP BY 1, 2, 3 HAVING count(*) > 1;

-- Each mail that arrived has its row, and went to whom the row names.
SELECT s.message_id, s.recipient, m.recipient FROM sink s LEFT JOIN campaigns_message m USING (message_id)
 WHERE m.recipient IS DISTINCT FROM s.recipient;

-- What arrived was marked before, and the ledger does not say that it never left.
SELECT m.id, m.state FROM sink s JOIN campaigns_message m USING (message_id)
 WHERE m.state NOT IN ('sending', 'sent', 'uncertain', 'abandoned') OR m.marked_at > s.at;

-- What the ledger calls sent has arrived.
SELECT m.id FROM campaigns_message m WHERE m.state = 'sent' AND NOT EXISTS (
       SELECT 1 FROM sink s WHERE s.message_id = m.message_id);

-- Nothing is marked after a stop.
SELECT m.id, m.marked_at, x.since FROM stops x
  JOIN campaigns_message m ON m.prospect_id = x.prospect_id OR x.prospect_id IS NULL
 WHERE m.marked_at > x.since AND (x.until IS NULL OR m.marked_at < x.until);

-- No more is uncertain than what the killed connections had in hand.
SELECT count(*), max(most) FROM campaigns_message, allowed WHERE state IN ('uncertain', 'abandoned')
HAVING count(*) > max(most);

-- Planned ever is sent, refused, cancelled, uncertain, abandoned and pending: no row is lost.
SELECT id FROM seen WHERE NOT EXISTS (SELECT 1 FROM campaigns_message m WHERE m.id = seen.id);

-- Whoever is under way is looked at again or has one message open, never both and never neither.
SELECT e.id, e.look_at, count(m.id) FROM campaigns_enrollment e
  LEFT JOIN campaigns_message m ON m.enrollment_id = e.id
        AND m.state IN ('planned', 'sending', 'uncertain')
 WHERE e.state = 'active' GROUP BY e.id HAVING count(m.id) + (e.look_at IS NOT NULL)::int <> 1;

-- The steps that count as handed over are those that were sent, and nobody is finished before the last.
SELECT e.id, e.state, e.steps_handed_over, sent.steps FROM campaigns_enrollment e,
       LATERAL (SELECT count(*) AS steps FROM campaigns_message m WHERE m.enrollment_id = e.id AND m.state = 'sent') sent,
       LATERAL (SELECT count(*) AS steps FROM campaigns_step s WHERE s.sequence_version_id = e.sequence_version_id) wanted
 WHERE (e.state <> 'stopped' AND e.steps_handed_over <> sent.steps)
    OR (e.state = 'finished' AND sent.steps <> wanted.steps);

-- Whoever was stopped has nothing open, but what came back from a hand-over a moment ago.
SELECT m.id FROM campaigns_message m JOIN campaigns_enrollment e ON e.id = m.enrollment_id
 WHERE e.state <> 'active' AND m.state = 'planned' AND m.attempts = 0;

-- No mailbox passes its cap of a UTC day.
SELECT m.mailbox_id, (m.handed_over_at AT TIME ZONE 'UTC')::date, count(*)
  FROM campaigns_message m JOIN integrations_mailbox b ON b.id = m.mailbox_id
 WHERE m.state IN ('sending', 'sent', 'refused', 'uncertain', 'abandoned')
 GROUP BY 1, 2, b.daily_cap HAVING count(*) > b.daily_cap;

-- No two messages of a mailbox are closer than its gap.
SELECT * FROM (
    SELECT m.id, b.gap_seconds, m.handed_over_at - lag(m.handed_over_at) OVER (
               PARTITION BY m.mailbox_id ORDER BY m.handed_over_at) AS apart
      FROM campaigns_message m JOIN integrations_mailbox b ON b.id = m.mailbox_id
     WHERE m.state IN ('sending', 'sent', 'refused', 'uncertain', 'abandoned')) x
 WHERE apart < make_interval(secs => gap_seconds) - interval '1 microsecond';

-- No hand-over begins outside its step's window.
SELECT m.id, m.handed_over_at FROM campaigns_message m
  JOIN campaigns_step s ON s.id = m.step_id JOIN campaigns_campaign c ON c.id = m.campaign_id
  JOIN prospects_prospect p ON p.id = m.prospect_id,
       LATERAL (SELECT m.handed_over_at AT TIME ZONE coalesce(nullif(p.time_zone, ''), c.time_zone) AS at) wall
 WHERE m.state IN ('sending', 'sent', 'refused', 'uncertain', 'abandoned')
   AND NOT (wall.at::time >= s.window_start AND (s.window_end = '00:00' OR wall.at::time < s.window_end)
            AND extract(isodow FROM wall.at) = ANY (s.weekdays));

-- Nothing is in the hand of nobody, and no lease is left lying for longer than twice its time.
SELECT m.id, b.lease_until FROM campaigns_message m JOIN integrations_mailbox b ON b.id = m.mailbox_id
 WHERE (m.state = 'sending' AND b.lease_until IS NULL)
    OR b.lease_until < clock_timestamp() - interval '60 seconds';
