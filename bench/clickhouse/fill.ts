/** Days over which the activities are spread. */
export const DAYS = 90;
const ROWS_OF_VISIT = 10;
const SESSIONS_OF_ROW = 1 / 50;
const PATHS = 5000;

/**
 * Statements that fill the empty tables with so many activities of the last 90 days. They are like those of fill.ts: on average
 * a visit has ten activities and a session five visits; paths and referrers follow Zipf's law. The engine makes them itself,
 * because that is quicker than any client.
 */
export function fillStatements(rows: number): string[] {
  const visits = Math.ceil(rows / ROWS_OF_VISIT);
  const sessions = Math.ceil(rows * SESSIONS_OF_ROW);
  const session = (number: string): string => `leftPad(toString(1 + ${number}), 15, 's')`;
  const digits = '0123456789abcdefghijklmnopqrstuvwxyz';
  const start = `arrayStringConcat(arrayMap(place -> substring('${digits}', toUInt64(intDiv(start, toInt64(pow(36, place))) % 36) + 1, 1),
    [7, 6, 5, 4, 3, 2, 1, 0]))`;
  return [
    `INSERT INTO djaffar_session (id, userAgent, startedAt, browser, system, device, bot, version)
     SELECT ${session('number')}, 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 0,
            ['Firefox', 'Chrome', 'Safari', 'Microsoft Edge'][1 + number % 4],
            ['Linux', 'Windows', 'macOS', 'Android', 'iOS'][1 + number % 5],
            ['desktop', 'mobile', 'tablet'][1 + number % 3], number % 33 = 0, 1
       FROM numbers(${sessions})`,
    `CREATE TABLE made_visit ENGINE = Memory AS
     SELECT number AS i, ${session(`rand(1) % ${sessions}`)} AS session, randCanonical(2) AS chance,
            toUInt32(1 + floor(-log(1 - randCanonical(3)) * ${ROWS_OF_VISIT - 0.5})) AS length,
            toInt64(toUnixTimestamp64Milli(now64(3)) - randCanonical(4) * ${DAYS * 86_400_000}) AS start,
            concat(${start}, substring(lower(hex(MD5(toString(number)))), 1, 7)) AS id
       FROM numbers(${visits})`,
    `INSERT INTO djaffar_activity
       (id, date, receivedAt, name, path, page, referer, properties, userId, userName, sessionId, visitId, ipAddress,
        referrer, utmSource, utmCampaign, isNear, writtenAt, writeId)
     SELECT reinterpretAsUUID(MD5(concat(visit, toString(date), toString(chance2)))), date, date + 40,
            multiIf(chance2 < 0.8, 'view', chance2 < 0.92, 'engagement', chance2 < 0.984, 'click', 'bought'),
            concat(page, query), if(query != '', page, NULL), referer, properties, user,
            if(user IS NULL, NULL, concat('user', user)), session, visit, ip,
            domainWithoutWWW(referer), if(query != '', 'mail', NULL), if(query != '', concat('c', toString(i % 20)), NULL),
            true, date + 50, rand(5)
       FROM (SELECT start + step * (2000 + toInt64(randCanonical(6) * 60000)) AS date, randCanonical(7) AS chance2,
                    concat('/products/', toString(toUInt32(floor(exp(randCanonical(8) * log(${PATHS})))))) AS page,
                    if(step = 0 AND chance < 0.05, concat('?utm_source=mail&utm_campaign=c', toString(i % 20)), '') AS query,
                    if(step = 0 AND chance < 0.4,
                       concat('https://www.site', toString(toUInt32(floor(exp(randCanonical(9) * log(500))))), '.example/'), NULL) AS referer,
                    if(randCanonical(10) < 0.05, concat('{"plan":"', ['free', 'pro', 'team'][1 + rand(11) % 3], '"}'), NULL) AS properties,
                    if(right(session, 1) IN ('1', '4', '7'),
                       toString(toUInt32(trim(LEADING 's' FROM session)) % 50000), NULL) AS user,
                    session, id AS visit, i,
                    concat('10.', toString(i % 250), '.', toString(i % 200), '.', toString(i % 199)) AS ip
               FROM made_visit ARRAY JOIN range(length) AS step)`,
    'DROP TABLE made_visit',
    'OPTIMIZE TABLE djaffar_activity FINAL',
  ];
}
