"""Events and processes, which every service has: the feed is whole and in order, an effect
happens once, and nothing is left lying (design 5.4, 5.5).
"""

from tandem.verify.check import Check

EVENTS = (
    Check(
        "the feed has no gaps",
        """
        SELECT format('After position %s of the feed comes %s.', before, position)
        FROM (
            SELECT position, lag(position, 1, (SELECT max(pruned) FROM feed_head))
                             OVER (ORDER BY position) AS before
            FROM outbox WHERE position IS NOT NULL
        ) AS feed
        WHERE position IS DISTINCT FROM before + 1
        UNION ALL
        SELECT format('The feed ends at %s, but its head says %s.', coalesce(last, pruned),
                      position)
        FROM feed_head, (SELECT max(position) AS last FROM outbox) AS ends
        WHERE coalesce(last, pruned) <> position
        UNION ALL
        SELECT format('Event %s (%s of %s) is published without a position.', event_id, type,
                      subject)
        FROM outbox WHERE position IS NULL AND published_at IS NOT NULL
        """,
    ),
    Check(
        "the feed has the order of the versions",
        """
        WITH told AS (
            SELECT position, type, item.sequence,
                   coalesce(item.sku, item.key, item.member, subject) AS subject, item.list
            FROM outbox CROSS JOIN LATERAL (
                SELECT one ->> 'sku' AS sku, one ->> 'key' AS key,
                       one ->> 'member_id' AS member, one ->> 'price_list' AS list,
                       (one ->> 'sequence')::bigint AS sequence
                FROM jsonb_array_elements(event::jsonb -> 'data' -> 'items') AS one
                WHERE event::jsonb -> 'data' ? 'items'
                UNION ALL
                SELECT NULL, NULL, NULL, NULL, outbox.sequence
                WHERE NOT event::jsonb -> 'data' ? 'items'
            ) AS item
            WHERE position IS NOT NULL
        )
        SELECT format('%s of %s%s: sequence %s stands at position %s, after %s at %s.', type,
                      list || '/', subject, sequence, position, before, before_at)
        FROM (
            SELECT told.*, lag(sequence) OVER later AS before, lag(position) OVER later AS before_at
            FROM told
            WINDOW later AS (PARTITION BY type, list, subject ORDER BY position, sequence)
        ) AS ordered
        WHERE sequence <= before
        """,
    ),
    Check(
        "an event is taken once",
        """
        SELECT format('%s has event %s in its inbox %s times.', queue, event_id, count(*))
        FROM inbox GROUP BY queue, event_id HAVING count(*) > 1
        """,
    ),
)

PROCESSES = (
    Check(
        "no process is stuck",
        """
        SELECT format('Process %s (%s) is %s at step %s since %s, after %s attempts, and nobody'
                      ' takes it up.', id, kind, status, step,
                      to_char(greatest(next_attempt_at, lease_until), 'YYYY-MM-DD HH24:MI:SS'),
                      attempts)
        FROM processes
        WHERE status NOT IN ('done', 'undone')
          AND greatest(next_attempt_at, lease_until) < now() - interval '1 minute'
        """,
    ),
    Check(
        "a process ends or turns back at its deadline",
        """
        SELECT format('Process %s (%s) is %s at step %s, though its deadline was %s.', id, kind,
                      status, step, to_char(deadline_at, 'YYYY-MM-DD HH24:MI:SS'))
        FROM processes
        WHERE kind = 'placing' AND status IN ('running', 'waiting')
          AND deadline_at < now() - interval '5 minutes'
        """,
    ),
)
