-- The statements that answer each question on PostgreSQL, as they are sent: query-plan.ts chooses among them. Written by
-- test/e2e/statements.test.ts, which fails if they change; DJAFFAR_WRITE_STATEMENTS=1 writes them again. All of a question's
-- statements read one snapshot, except those that look for days to cache, which run before. Left out are those that each
-- question begins with: "asOf" (rollup/as-of.ts), and the state.

-- overview()

SELECT activity.id AS activity_id
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < :to
  AND activity.visitId IS NULL
  AND activity.name <> $1
  AND activity.userId IS NOT NULL
LIMIT 1;

SELECT activity.id AS activity_id
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < :to
  AND activity.visitId IS NULL
  AND activity.name <> $1
  AND activity.sessionId IS NOT NULL
LIMIT 1;

SELECT 0 AS n, SUM(total.activities) AS count, SUM(CASE WHEN total.name = 'view' THEN total.activities ELSE 0 END) AS views
FROM djaffar_name_rollup total
WHERE total.startedAt >= $1
  AND total.startedAt < $2
GROUP BY 0 + 0;

SELECT 0 AS n, COUNT(*) AS count, SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END) AS views
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < 1772446500000
GROUP BY 0 + 0;

WITH counted AS MATERIALIZED (
  SELECT visit.duration AS duration, 0 AS n, COUNT(*) AS visits, SUM(CASE WHEN visit.previousUserVisitAt < :from THEN 1 ELSE 0 END) AS users, SUM(CASE WHEN visit.previousSessionVisitAt < :from THEN 1 ELSE 0 END) AS sessions, SUM(CASE WHEN visit.bounced THEN 1 ELSE 0 END) AS bounceRate
  FROM djaffar_visit visit
  WHERE NOT visit.bot
    AND visit.startedAt >= :from
    AND visit.startedAt < :to
  GROUP BY 0 + 0, visit.duration) SELECT n, (MIN(CASE WHEN 2 * upto >= total THEN duration END) + MIN(CASE WHEN 2 * upto > total THEN duration END)) / 2.0 AS median, SUM(ranked.visits) AS visits, SUM(ranked.users) AS users, SUM(ranked.sessions) AS sessions, SUM(ranked.bounceRate) AS bounceRate
FROM (
  SELECT counted.*, SUM(visits) OVER (PARTITION BY n ORDER BY duration) AS upto, SUM(visits) OVER (PARTITION BY n) AS total
  FROM counted) ranked
GROUP BY n;

-- overview({ browser: 'Firefox' })

SELECT activity.id AS activity_id
FROM djaffar_activity activity
LEFT JOIN djaffar_session session ON session.id = activity.sessionId
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND session.browser = $1
  AND activity.date >= :from
  AND activity.date < :to
  AND activity.visitId IS NULL
  AND activity.name <> $2
  AND activity.userId IS NOT NULL
LIMIT 1;

SELECT activity.id AS activity_id
FROM djaffar_activity activity
LEFT JOIN djaffar_session session ON session.id = activity.sessionId
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND session.browser = $1
  AND activity.date >= :from
  AND activity.date < :to
  AND activity.visitId IS NULL
  AND activity.name <> $2
  AND activity.sessionId IS NOT NULL
LIMIT 1;

SELECT visit.id AS id
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.browser = $1
  AND visit.startedAt >= 1772446017000
  AND visit.startedAt < :to
  AND (visit.startedAt >= $2 AND visit.startedAt < $3 OR visit.startedAt >= $4 AND visit.startedAt < $5)
  AND NOT visit.mixed
  AND visit.endedAt >= CASE WHEN visit.startedAt < :from THEN :from ELSE :to END;

SELECT visit.id AS id
FROM djaffar_visit visit
WHERE visit.startedAt >= :from
  AND visit.startedAt < :to
  AND visit.mixed;

SELECT 0 AS n, COUNT(*) AS count, SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END) AS views
FROM djaffar_activity activity
LEFT JOIN djaffar_session session ON session.id = activity.sessionId
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND session.browser = $1
  AND activity.date >= :from
  AND activity.date < :to
  AND activity.visitId IS NULL
GROUP BY 0 + 0;

WITH seen AS (
  SELECT visit.userId AS visit_user, visit.sessionId AS visit_session, visit.duration AS duration, 0 AS n, CASE WHEN visit.bounced THEN 1 ELSE 0 END AS bounced, CASE WHEN NOT visit.mixed
    AND visit.endedAt < CASE WHEN visit.startedAt < :from THEN :from ELSE :to END THEN visit.activities ELSE 0 END AS activities, CASE WHEN NOT visit.mixed
    AND visit.endedAt < CASE WHEN visit.startedAt < :from THEN :from ELSE :to END THEN visit.views ELSE 0 END AS views
  FROM djaffar_visit visit
  WHERE NOT visit.bot
    AND visit.browser = $1
    AND visit.startedAt >= :from
    AND visit.startedAt < :to) SELECT 'users' AS measure, n, COUNT(*) AS value
FROM (
  SELECT DISTINCT n, visit_user
  FROM seen
  WHERE visit_user IS NOT NULL) who
GROUP BY n
UNION ALL SELECT 'sessions' AS measure, n, COUNT(*) AS value
FROM (
  SELECT DISTINCT n, visit_session
  FROM seen
  WHERE visit_session IS NOT NULL) who
GROUP BY n
UNION ALL SELECT 'visits' AS measure, n, COUNT(*) AS value
FROM seen
GROUP BY n
UNION ALL SELECT 'activities' AS measure, n, SUM(activities) AS value
FROM seen
GROUP BY n
UNION ALL SELECT 'views' AS measure, n, SUM(views) AS value
FROM seen
GROUP BY n
UNION ALL SELECT 'bounceRate' AS measure, n, SUM(bounced) AS value
FROM seen
GROUP BY n
UNION ALL SELECT 'visitDuration' AS measure, n, (MIN(CASE WHEN 2 * upto >= total THEN duration END) + MIN(CASE WHEN 2 * upto > total THEN duration END)) / 2.0 AS value
FROM (
  SELECT counted.*, SUM(visits) OVER (PARTITION BY n ORDER BY duration) AS upto, SUM(visits) OVER (PARTITION BY n) AS total
  FROM (
    SELECT n, duration, COUNT(*) AS visits
    FROM seen
    GROUP BY n, duration) counted) ranked
GROUP BY n;

-- series('visits', 'day')

SELECT part.n, found.*
FROM (VALUES (0, :from, 1772496000000), (1, 1772496000000, 1772582400000), (2, 1772582400000, 1772668800000), (3, 1772668800000, 1772755200000), (4, 1772755200000, :to)) part (n, since, until)
CROSS JOIN LATERAL (
  SELECT COUNT(*) AS visits
  FROM djaffar_visit visit
  WHERE NOT visit.bot
    AND visit.startedAt >= part.since
    AND visit.startedAt < part.until) found;

-- series('views', 'day')

SELECT CASE WHEN total.startedAt < 1772582400000 THEN CASE WHEN total.startedAt < 1772496000000 THEN 0 ELSE 1 END ELSE CASE WHEN total.startedAt < 1772668800000 THEN 2 ELSE CASE WHEN total.startedAt < 1772755200000 THEN 3 ELSE 4 END END END AS n, SUM(total.activities) AS count, SUM(CASE WHEN total.name = 'view' THEN total.activities ELSE 0 END) AS views
FROM djaffar_name_rollup total
WHERE total.startedAt >= $1
  AND total.startedAt < $2
GROUP BY CASE WHEN total.startedAt < 1772582400000 THEN CASE WHEN total.startedAt < 1772496000000 THEN 0 ELSE 1 END ELSE CASE WHEN total.startedAt < 1772668800000 THEN 2 ELSE CASE WHEN total.startedAt < 1772755200000 THEN 3 ELSE 4 END END END;

SELECT CASE WHEN activity.date < 1772582400000 THEN CASE WHEN activity.date < 1772496000000 THEN 0 ELSE 1 END ELSE CASE WHEN activity.date < 1772668800000 THEN 2 ELSE CASE WHEN activity.date < 1772755200000 THEN 3 ELSE 4 END END END AS n, COUNT(*) AS count, SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END) AS views
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < 1772446500000
GROUP BY CASE WHEN activity.date < 1772582400000 THEN CASE WHEN activity.date < 1772496000000 THEN 0 ELSE 1 END ELSE CASE WHEN activity.date < 1772668800000 THEN 2 ELSE CASE WHEN activity.date < 1772755200000 THEN 3 ELSE 4 END END END;

-- series('sum(total)', 'day')

SELECT aggregates.*
FROM (
  SELECT n, value, COUNT(*) AS count, SUM(trunc(units / 67108864e0)) AS first, SUM(units - trunc(units / 67108864e0) * 67108864e0) AS second, SUM(trunc(nanos / 32768e0)) AS third, SUM(nanos - trunc(nanos / 32768e0) * 32768e0) AS fourth
  FROM (
    SELECT n, value, trunc(number) AS units, trunc((number - trunc(number)) * 1000000000e0 + CASE WHEN number < 0 THEN -0.5e0 ELSE 0.5e0 END) AS nanos
    FROM (
      SELECT n, value, number
      FROM (
        SELECT CASE WHEN activity.date < 1772582400000 THEN CASE WHEN activity.date < 1772496000000 THEN 0 ELSE 1 END ELSE CASE WHEN activity.date < 1772668800000 THEN 2 ELSE CASE WHEN activity.date < 1772755200000 THEN 3 ELSE 4 END END END AS n, NULL AS value, CASE WHEN jsonb_typeof(activity.properties::jsonb -> $1) = 'number' THEN (activity.properties::jsonb ->> $1)::float8 END AS number
        FROM djaffar_activity activity
        WHERE NOT EXISTS (
          SELECT 1
          FROM djaffar_session robot
          WHERE robot.id = activity.sessionId
            AND robot.bot)
          AND activity.date >= :from
          AND activity.date < :to
          AND activity.properties IS NOT NULL) found
      WHERE number IS NOT NULL) numbers) split
  GROUP BY n, value) aggregates;

-- percentile('total', 0.95)

SELECT aggregates.*
FROM (
  SELECT n, value, MAX(total) AS count, MAX(CASE WHEN place = (((95000 * (total - 1)) - (95000 * (total - 1)) % 100000) / 100000) THEN number END) AS first, MAX(CASE WHEN place = (((95000 * (total - 1)) - (95000 * (total - 1)) % 100000) / 100000) + 1 THEN number END) AS second
  FROM (
    SELECT n, value, number, ROW_NUMBER() OVER (PARTITION BY n, value ORDER BY number) - 1 AS place, COUNT(*) OVER (PARTITION BY n, value) AS total
    FROM (
      SELECT n, value, number
      FROM (
        SELECT 0 AS n, NULL AS value, CASE WHEN jsonb_typeof(activity.properties::jsonb -> $1) = 'number' THEN (activity.properties::jsonb ->> $1)::float8 END AS number
        FROM djaffar_activity activity
        WHERE NOT EXISTS (
          SELECT 1
          FROM djaffar_session robot
          WHERE robot.id = activity.sessionId
            AND robot.bot)
          AND activity.date >= :from
          AND activity.date < :to
          AND activity.properties IS NOT NULL) found
      WHERE number IS NOT NULL) numbers) placed
  GROUP BY n, value) aggregates;

-- top('referrer', { measure: 'max(total)' })

SELECT aggregates.*
FROM (
  SELECT largest.*
  FROM (
    SELECT n, value, COUNT(*) AS count, MAX(number) AS first
    FROM (
      SELECT n, value, number
      FROM (
        SELECT visit.referrer AS value, 0 AS n, CASE WHEN jsonb_typeof(activity.properties::jsonb -> $1) = 'number' THEN (activity.properties::jsonb ->> $1)::float8 END AS number
        FROM djaffar_activity activity
        INNER JOIN djaffar_visit visit ON visit.id = activity.visitId
        WHERE NOT EXISTS (
          SELECT 1
          FROM djaffar_session robot
          WHERE robot.id = activity.sessionId
            AND robot.bot)
          AND activity.date >= :from
          AND activity.date < :to
          AND activity.properties IS NOT NULL) found
      WHERE number IS NOT NULL) numbers
    GROUP BY n, value) largest
  ORDER BY largest.first DESC, CASE WHEN largest.value IS NULL THEN 0 ELSE 1 END, largest.value COLLATE C
  LIMIT 1010) aggregates;

-- measure('timeOnPage')

SELECT aggregates.*
FROM (
  SELECT n, value, MAX(total) AS count, MAX(CASE WHEN place = (((50000 * (total - 1)) - (50000 * (total - 1)) % 100000) / 100000) THEN number END) AS first, MAX(CASE WHEN place = (((50000 * (total - 1)) - (50000 * (total - 1)) % 100000) / 100000) + 1 THEN number END) AS second
  FROM (
    SELECT n, value, number, ROW_NUMBER() OVER (PARTITION BY n, value ORDER BY number) - 1 AS place, COUNT(*) OVER (PARTITION BY n, value) AS total
    FROM (
      SELECT n, value, number
      FROM (
        SELECT found.n AS n, found.value AS value, SUM(found.number) / 1000e0 AS number
        FROM (
          SELECT activity.visitId AS visit, 0 AS n, NULL AS value, COALESCE(activity.page, activity.path) AS page, CASE WHEN CASE WHEN jsonb_typeof(activity.properties::jsonb -> $1) = 'number' THEN (activity.properties::jsonb ->> $1)::float8 END > 86400000 THEN 86400000 WHEN CASE WHEN jsonb_typeof(activity.properties::jsonb -> $1) = 'number' THEN (activity.properties::jsonb ->> $1)::float8 END > 0 THEN trunc(CASE WHEN jsonb_typeof(activity.properties::jsonb -> $1) = 'number' THEN (activity.properties::jsonb ->> $1)::float8 END) END AS number
          FROM djaffar_activity activity
          WHERE NOT EXISTS (
            SELECT 1
            FROM djaffar_session robot
            WHERE robot.id = activity.sessionId
              AND robot.bot)
            AND activity.date >= :from
            AND activity.date < :to
            AND activity.properties IS NOT NULL
            AND activity.name = $2
            AND activity.visitId IS NOT NULL) found
        WHERE found.number IS NOT NULL
        GROUP BY found.n, found.value, found.visit, found.page) found
      WHERE number IS NOT NULL) numbers) placed
  GROUP BY n, value) aggregates;

-- top('path')

SELECT part.value AS value, SUM(part.count) AS count
FROM (
  SELECT path.path AS value, counted.count AS count
  FROM (
    SELECT rollup.path AS value, SUM(rollup.views) AS count
    FROM djaffar_path_rollup rollup
    WHERE rollup.startedAt >= 1772409600000
      AND rollup.startedAt < 1772755200000
    GROUP BY rollup.path) counted
  INNER JOIN djaffar_path path ON path.id = counted.value
  UNION ALL SELECT COALESCE(activity.page, activity.path) AS value, SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END) AS count
  FROM djaffar_activity activity
  WHERE NOT EXISTS (
    SELECT 1
    FROM djaffar_session robot
    WHERE robot.id = activity.sessionId
      AND robot.bot)
    AND activity.date >= 1772755200000
    AND activity.date < :to
  GROUP BY COALESCE(activity.page, activity.path)
  UNION ALL SELECT value, -count AS count
  FROM (
    SELECT COALESCE(activity.page, activity.path) AS value, SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END) AS count
    FROM djaffar_activity activity
    WHERE NOT EXISTS (
      SELECT 1
      FROM djaffar_session robot
      WHERE robot.id = activity.sessionId
        AND robot.bot)
      AND activity.date >= 1772409600000
      AND activity.date < :from
    GROUP BY COALESCE(activity.page, activity.path)) subtracted) part
GROUP BY part.value
HAVING SUM(part.count) > 0
ORDER BY SUM(part.count) DESC, CASE WHEN part.value IS NULL THEN 0 ELSE 1 END ASC, part.value COLLATE C ASC
LIMIT 10;

-- top('path', { measure: 'visits' })

SELECT total.startedAt - total.startedAt % 86400000 AS day, SUM(total.activities) AS activities
FROM djaffar_name_rollup total
WHERE total.startedAt >= $1
  AND total.startedAt < $2
GROUP BY day;

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3));

SELECT visit.id AS id
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= 1772446017000
  AND visit.startedAt < :to
  AND (visit.startedAt >= $1 AND visit.startedAt < $2 OR visit.startedAt >= $3 AND visit.startedAt < $4)
  AND NOT visit.mixed
  AND visit.endedAt >= CASE WHEN visit.startedAt < :from THEN :from ELSE :to END;

SELECT visit.id AS id
FROM djaffar_visit visit
WHERE visit.startedAt >= :from
  AND visit.startedAt < :to
  AND visit.mixed;

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric, DailyCount.counts AS DailyCount_counts
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3))
ORDER BY DailyCount.startedAt ASC;

SELECT visit.pathSequence AS pathSequence, visit.otherPaths AS otherPaths, CASE WHEN visit.pathSequence IS NULL THEN visit.id END AS id
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= :from
  AND visit.startedAt < 1772496000000
  AND NOT visit.mixed
  AND visit.endedAt < CASE WHEN visit.startedAt < :from THEN :from ELSE :to END;

SELECT visit.pathSequence AS pathSequence, visit.otherPaths AS otherPaths, CASE WHEN visit.pathSequence IS NULL THEN visit.id END AS id
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= 1772755200000
  AND visit.startedAt < :to
  AND NOT visit.mixed
  AND visit.endedAt < CASE WHEN visit.startedAt < :from THEN :from ELSE :to END;

SELECT COALESCE(activity.page, activity.path) AS value, COUNT(DISTINCT activity.visitId) AS count
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < :to
  AND activity.visitId IS NULL
GROUP BY COALESCE(activity.page, activity.path);

SELECT Path.id AS Path_id, Path.path AS Path_path
FROM djaffar_path Path
WHERE ((Path.id IN ($1, $2)));

-- top('path', { measure: 'sessions' })

SELECT total.startedAt - total.startedAt % 86400000 AS day, SUM(total.activities) AS activities
FROM djaffar_name_rollup total
WHERE total.startedAt >= $1
  AND total.startedAt < $2
GROUP BY day;

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3));

SELECT SUM(LENGTH(day.counts)) AS characters
FROM djaffar_daily_count day
WHERE (day.metric = $1 AND day.startedAt BETWEEN $2 AND $3);

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric, DailyCount.counts AS DailyCount_counts
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3))
ORDER BY DailyCount.startedAt ASC;

SELECT visit.id AS id
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= 1772446017000
  AND visit.startedAt < 1772496000000
  AND (visit.startedAt >= $1 AND visit.startedAt < $2 OR visit.startedAt >= $3 AND visit.startedAt < $4)
  AND NOT visit.mixed
  AND visit.endedAt >= CASE WHEN visit.startedAt < :from THEN :from ELSE 1772496000000 END;

SELECT visit.id AS id
FROM djaffar_visit visit
WHERE visit.startedAt >= :from
  AND visit.startedAt < 1772496000000
  AND visit.mixed;

SELECT visit.sessionId AS visitor, visit.pathSequence AS pathSequence, visit.otherPaths AS otherPaths, visit.id AS id
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= :from
  AND visit.startedAt < 1772496000000
  AND NOT visit.mixed
  AND visit.endedAt < CASE WHEN visit.startedAt < :from THEN :from ELSE 1772496000000 END
  AND visit.sessionId IS NOT NULL;

SELECT DISTINCT activity.sessionId AS visitor, COALESCE(activity.page, activity.path) AS value
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < 1772496000000
  AND activity.visitId IS NULL
  AND activity.sessionId IS NOT NULL;

SELECT visit.id AS id
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= 1772755197000
  AND visit.startedAt < :to
  AND (visit.startedAt >= $1 AND visit.startedAt < $2 OR visit.startedAt >= $3 AND visit.startedAt < $4)
  AND NOT visit.mixed
  AND visit.endedAt >= CASE WHEN visit.startedAt < 1772755200000 THEN 1772755200000 ELSE :to END;

SELECT visit.id AS id
FROM djaffar_visit visit
WHERE visit.startedAt >= 1772755200000
  AND visit.startedAt < :to
  AND visit.mixed;

SELECT visit.sessionId AS visitor, visit.pathSequence AS pathSequence, visit.otherPaths AS otherPaths, visit.id AS id
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= 1772755200000
  AND visit.startedAt < :to
  AND NOT visit.mixed
  AND visit.endedAt < CASE WHEN visit.startedAt < 1772755200000 THEN 1772755200000 ELSE :to END
  AND visit.sessionId IS NOT NULL;

SELECT DISTINCT activity.sessionId AS visitor, COALESCE(activity.page, activity.path) AS value
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= 1772755200000
  AND activity.date < :to
  AND activity.visitId IS NULL
  AND activity.sessionId IS NOT NULL;

SELECT Path.id AS Path_id, Path.path AS Path_path
FROM djaffar_path Path
WHERE ((Path.id IN ($1, $2)));

-- top('path', { measure: 'users' })

SELECT total.startedAt - total.startedAt % 86400000 AS day, SUM(total.activities) AS activities
FROM djaffar_name_rollup total
WHERE total.startedAt >= $1
  AND total.startedAt < $2
GROUP BY day;

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3));

SELECT SUM(LENGTH(day.counts)) AS characters
FROM djaffar_daily_count day
WHERE (day.metric = $1 AND day.startedAt BETWEEN $2 AND $3);

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric, DailyCount.counts AS DailyCount_counts
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3))
ORDER BY DailyCount.startedAt ASC;

SELECT DISTINCT activity.userId AS visitor, COALESCE(activity.page, activity.path) AS value
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < 1772496000000
  AND activity.userId IS NOT NULL;

SELECT path.id AS path_id, path.path AS path_path
FROM djaffar_path path
WHERE path.path COLLATE C IN ($1, $2)
  AND left(path.path, 200) COLLATE C IN ($3, $4);

SELECT DISTINCT activity.userId AS visitor, COALESCE(activity.page, activity.path) AS value
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= 1772755200000
  AND activity.date < :to
  AND activity.userId IS NOT NULL;

SELECT Path.id AS Path_id, Path.path AS Path_path
FROM djaffar_path Path
WHERE ((Path.id IN ($1, $2)));

-- top('name')

SELECT part.value AS value, SUM(part.count) AS count
FROM (
  SELECT rollup.name AS value, SUM(rollup.activities) AS count
  FROM djaffar_name_rollup rollup
  WHERE rollup.startedAt >= 1772445600000
    AND rollup.startedAt < :to
  GROUP BY rollup.name
  UNION ALL SELECT value, -count AS count
  FROM (
    SELECT activity.name AS value, COUNT(*) AS count
    FROM djaffar_activity activity
    WHERE NOT EXISTS (
      SELECT 1
      FROM djaffar_session robot
      WHERE robot.id = activity.sessionId
        AND robot.bot)
      AND activity.date >= 1772445600000
      AND activity.date < :from
    GROUP BY activity.name) subtracted) part
GROUP BY part.value
HAVING SUM(part.count) > 0
ORDER BY SUM(part.count) DESC, CASE WHEN part.value IS NULL THEN 0 ELSE 1 END ASC, part.value COLLATE C ASC
LIMIT 10;

-- top('browser')

SELECT total.startedAt - total.startedAt % 86400000 AS day, SUM(total.activities) AS activities
FROM djaffar_name_rollup total
WHERE total.startedAt >= $1
  AND total.startedAt < $2
GROUP BY day;

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3));

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric, DailyCount.counts AS DailyCount_counts
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3))
ORDER BY DailyCount.startedAt ASC;

SELECT visit.browser AS value, COUNT(*) AS count
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= :from
  AND visit.startedAt < 1772496000000
GROUP BY visit.browser
LIMIT 10001;

SELECT visit.browser AS value, COUNT(*) AS count
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= 1772755200000
  AND visit.startedAt < :to
GROUP BY visit.browser
LIMIT 10001;

-- top('entry', { path: '/a' })

SELECT known.id AS id
FROM djaffar_path known
WHERE known.path COLLATE C = $1
  AND left(known.path, 200) COLLATE C = $2
LIMIT 51;

SELECT part.value AS value, SUM(part.count) AS count
FROM (
  SELECT path.path AS value, counted.count AS count
  FROM (
    SELECT visit.entry AS value, COUNT(*) AS count
    FROM djaffar_visit visit
    WHERE NOT visit.bot
      AND ((visit.pathSequence IS NULL AND EXISTS (
      SELECT 1
      FROM djaffar_activity activity
      WHERE activity.visitId = visit.id
        AND ((activity.page IS NULL AND activity.path COLLATE C = $1 AND left(activity.path, 200) COLLATE C = $2) OR (activity.page COLLATE C = $1 AND left(activity.page, 200) COLLATE C = $2)))) OR ( ((visit.pathSequence LIKE '%C%') AND visit.pathSequence ~ '(^|[A-Z2-7.])(C)')) OR ( ((visit.otherPaths LIKE '%C%') AND visit.otherPaths ~ '(^|[A-Z2-7.])(C)')))
      AND visit.startedAt >= :from
      AND visit.startedAt < :to
      AND visit.entry IS NOT NULL
    GROUP BY visit.entry) counted
  INNER JOIN djaffar_path path ON path.id = counted.value) part
GROUP BY part.value
HAVING SUM(part.count) > 0
ORDER BY SUM(part.count) DESC, CASE WHEN part.value IS NULL THEN 0 ELSE 1 END ASC, part.value COLLATE C ASC
LIMIT 10;

-- top('property', { property: 'plan' })

SELECT total.startedAt - total.startedAt % 86400000 AS day, SUM(total.activities) AS activities
FROM djaffar_name_rollup total
WHERE total.startedAt >= $1
  AND total.startedAt < $2
GROUP BY day;

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3));

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric, DailyCount.counts AS DailyCount_counts
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3))
ORDER BY DailyCount.startedAt ASC;

SELECT CASE WHEN json_typeof(activity.properties::json -> $1) IN ('string', 'number', 'boolean') THEN activity.properties::json ->> $1 END AS value, COUNT(*) AS count
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < 1772496000000
  AND activity.properties IS NOT NULL
  AND CASE WHEN json_typeof(activity.properties::json -> $1) IN ('string', 'number', 'boolean') THEN activity.properties::json ->> $1 END IS NOT NULL
GROUP BY value
LIMIT 10001;

SELECT CASE WHEN json_typeof(activity.properties::json -> $1) IN ('string', 'number', 'boolean') THEN activity.properties::json ->> $1 END AS value, COUNT(*) AS count
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= 1772755200000
  AND activity.date < :to
  AND activity.properties IS NOT NULL
  AND CASE WHEN json_typeof(activity.properties::json -> $1) IN ('string', 'number', 'boolean') THEN activity.properties::json ->> $1 END IS NOT NULL
GROUP BY value
LIMIT 10001;

-- top('user')

SELECT total.startedAt - total.startedAt % 86400000 AS day, SUM(total.activities) AS activities
FROM djaffar_name_rollup total
WHERE total.startedAt >= $1
  AND total.startedAt < $2
GROUP BY day;

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3));

SELECT DailyCount.startedAt AS DailyCount_startedAt, DailyCount.metric AS DailyCount_metric, DailyCount.counts AS DailyCount_counts
FROM djaffar_daily_count DailyCount
WHERE ((DailyCount.metric = $1) AND (DailyCount.startedAt BETWEEN $2 AND $3))
ORDER BY DailyCount.startedAt ASC;

SELECT visit.userId AS value, COUNT(*) AS count
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= :from
  AND visit.startedAt < 1772496000000
  AND visit.userId IS NOT NULL
GROUP BY visit.userId
LIMIT 10001;

SELECT visit.userId AS value, COUNT(*) AS count
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= 1772755200000
  AND visit.startedAt < :to
  AND visit.userId IS NOT NULL
GROUP BY visit.userId
LIMIT 10001;

SELECT latest.*
FROM (
  SELECT visit.id AS id, ROW_NUMBER() OVER (PARTITION BY visit.userId ORDER BY visit.startedAt DESC, visit.id COLLATE C DESC) AS place
  FROM djaffar_visit visit
  WHERE visit.userId IN ($1)) latest
WHERE latest.place = 1;

SELECT latest.*
FROM (
  SELECT visit.userId AS user, activity.userName AS name, ROW_NUMBER() OVER (PARTITION BY visit.id ORDER BY activity.date DESC, activity.id DESC) AS place
  FROM djaffar_visit visit
  INNER JOIN djaffar_activity activity ON activity.visitId = visit.id
    AND activity.userId = visit.userId
  WHERE visit.id IN ($1)
    AND activity.userName IS NOT NULL) latest
WHERE latest.place = 1;

-- live()

SELECT COUNT(*) AS activities, COUNT(DISTINCT activity.sessionId) AS sessions, COUNT(DISTINCT activity.userId) AS users
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :now;

SELECT latest.session, latest.user, latest.userName, latest.browser, latest.system, latest.device, latest.country, latest.language, latest.date, latest.path, latest.name
FROM (
  SELECT activity.sessionId AS session, activity.userId AS user, activity.userName AS userName, activity.date AS date, activity.name AS name, activity.id AS id, session.browser AS browser, session.system AS system, session.device AS device, session.country AS country, session.language AS language, COALESCE(activity.page, activity.path) AS path, ROW_NUMBER() OVER (PARTITION BY activity.sessionId, CASE WHEN activity.sessionId IS NULL THEN activity.userId END ORDER BY activity.date DESC, activity.id DESC) AS place
  FROM djaffar_activity activity
  LEFT JOIN djaffar_session session ON session.id = activity.sessionId
  WHERE NOT EXISTS (
    SELECT 1
    FROM djaffar_session robot
    WHERE robot.id = activity.sessionId
      AND robot.bot)
    AND activity.date >= :now
    AND (activity.sessionId IS NOT NULL OR activity.userId IS NOT NULL)) latest
WHERE latest.place = 1
ORDER BY latest.date DESC, latest.id DESC
LIMIT 100;

-- funnel([{ path: '/a' }, { name: 'bought' }])

SELECT activity.date AS date, COALESCE(activity.sessionId, activity.userId) AS visitor, CASE WHEN ((((activity.page IS NULL AND activity.path COLLATE C = $1 AND left(activity.path, 200) COLLATE C = $2) OR (activity.page COLLATE C = $1 AND left(activity.page, 200) COLLATE C = $2)))) THEN 1 ELSE 0 END + CASE WHEN (activity.name = $3) THEN 2 ELSE 0 END + CASE WHEN activity.sessionId IS NULL THEN 1024 ELSE 0 END AS done
FROM djaffar_activity activity
WHERE NOT EXISTS (
  SELECT 1
  FROM djaffar_session robot
  WHERE robot.id = activity.sessionId
    AND robot.bot)
  AND activity.date >= :from
  AND activity.date < :to
  AND (activity.sessionId IS NOT NULL OR activity.userId IS NOT NULL)
  AND (((((activity.page IS NULL AND activity.path COLLATE C = $1 AND left(activity.path, 200) COLLATE C = $2) OR (activity.page COLLATE C = $1 AND left(activity.page, 200) COLLATE C = $2)))) OR (activity.name = $3))
ORDER BY activity.date ASC, activity.id ASC;

-- retention()

SELECT 0 AS cohort, seen.period AS period, COUNT(*) AS count
FROM (
  SELECT visit.userId AS id, MIN(visit.startedAt) AS first
  FROM djaffar_visit visit
  WHERE NOT visit.bot
    AND visit.startedAt < :to
    AND visit.userId IS NOT NULL
  GROUP BY visit.userId
  HAVING MIN(visit.startedAt) >= :from) newcomer
INNER JOIN (
  SELECT DISTINCT visit.userId AS id, 0 AS period
  FROM djaffar_visit visit
  WHERE NOT visit.bot
    AND visit.startedAt >= :from
    AND visit.startedAt < :to
    AND visit.userId IS NOT NULL) seen ON seen.id = newcomer.id
GROUP BY cohort, seen.period;

-- journeys({ start: '/a' })

SELECT path.id AS path_id, path.path AS path_path
FROM djaffar_path path
WHERE path.path COLLATE C IN ($1)
  AND left(path.path, 200) COLLATE C IN ($2);

SELECT visit.pathSequence AS pathSequence
FROM djaffar_visit visit
WHERE NOT visit.bot
  AND visit.startedAt >= :from
  AND visit.startedAt < :to
  AND (visit.pathSequence IS NULL OR visit.pathSequence LIKE $1);

SELECT Path.id AS Path_id, Path.path AS Path_path
FROM djaffar_path Path
WHERE ((Path.id IN ($1, $2)));

-- journeys({ by: 'route', start: '/:id' })

WITH steps AS (
  SELECT visit, route, ROW_NUMBER() OVER (PARTITION BY visit ORDER BY place) - 1 AS step
  FROM (
    SELECT activity.visitId AS visit, activity.route AS route, LAG(activity.route) OVER (PARTITION BY activity.visitId ORDER BY activity.date ASC, activity.id ASC) AS previous, ROW_NUMBER() OVER (PARTITION BY activity.visitId ORDER BY activity.date ASC, activity.id ASC) AS place
    FROM djaffar_activity activity
    WHERE activity.route IS NOT NULL
      AND activity.name <> 'engagement'
      AND activity.visitId IN (
      SELECT visit.id AS visit_id
      FROM djaffar_visit visit
      WHERE NOT visit.bot
        AND visit.startedAt >= :from
        AND visit.startedAt < :to)) routes
  WHERE previous IS NULL OR previous <> route) SELECT route0, route1, COUNT(*) AS visits
FROM (
  SELECT MAX(CASE WHEN step = 0 THEN route END) AS route0, MAX(CASE WHEN step = 1 THEN route END) AS route1
  FROM (
    SELECT steps.visit, steps.route, steps.step - anchor.step AS step
    FROM steps
    INNER JOIN (
      SELECT visit, MIN(step) AS step
      FROM steps
      WHERE route = $1
      GROUP BY visit) anchor ON anchor.visit = steps.visit) anchored
  WHERE step >= 0
    AND step < 2
  GROUP BY visit) journeys
GROUP BY route0, route1;

-- visits()

SELECT visit.id AS visit_id, visit.sessionId AS visit_sessionId, visit.userId AS visit_userId, visit.startedAt AS visit_startedAt, visit.endedAt AS visit_endedAt, visit.duration AS visit_duration, visit.activities AS visit_activities, visit.views AS visit_views, visit.bounced AS visit_bounced, visit.bot AS visit_bot, visit.mixed AS visit_mixed, visit.browser AS visit_browser, visit.system AS visit_system, visit.device AS visit_device, visit.country AS visit_country, visit.language AS visit_language, visit.previousSessionVisitAt AS visit_previousSessionVisitAt, visit.previousUserVisitAt AS visit_previousUserVisitAt, visit.entry AS visit_entry, visit.exit AS visit_exit, visit.pathSequence AS visit_pathSequence, visit.otherPaths AS visit_otherPaths, visit.nameCounts AS visit_nameCounts, visit.referrer AS visit_referrer, visit.utmSource AS visit_utmSource, visit.utmMedium AS visit_utmMedium, visit.utmCampaign AS visit_utmCampaign, visit.utmTerm AS visit_utmTerm, visit.utmContent AS visit_utmContent, of.id AS of_id, of.userAgent AS of_userAgent, of.startedAt AS of_startedAt, of.browser AS of_browser, of.system AS of_system, of.device AS of_device, of.country AS of_country, of.language AS of_language, of.bot AS of_bot, of.consent AS of_consent
FROM djaffar_visit visit
LEFT JOIN djaffar_session of ON of.id=visit.sessionId
WHERE NOT visit.bot
  AND visit.startedAt >= :from
  AND visit.startedAt < :to
ORDER BY visit.startedAt DESC, visit.id COLLATE C DESC
LIMIT 21;

SELECT Activity.id AS Activity_id, Activity.date AS Activity_date, Activity.receivedAt AS Activity_receivedAt, Activity.name AS Activity_name, Activity.path AS Activity_path, Activity.route AS Activity_route, Activity.referer AS Activity_referer, Activity.properties AS Activity_properties, Activity.subject AS Activity_subject, Activity.userId AS Activity_userId, Activity.userName AS Activity_userName, Activity.groupId AS Activity_groupId, Activity.groupName AS Activity_groupName, Activity.sessionId AS Activity_sessionId, Activity.visitId AS Activity_visitId, Activity.ipAddress AS Activity_ipAddress, Activity.interactive AS Activity_interactive
FROM djaffar_activity Activity
WHERE ((Activity.visitId IN ($1, $2, $3, $4, $5, $6, $7)));

SELECT Path.id AS Path_id, Path.path AS Path_path
FROM djaffar_path Path
WHERE ((Path.id IN ($1, $2)));
