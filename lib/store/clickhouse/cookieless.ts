import { type CookielessVisit, MAX_RESERVATION_AGE, type Salt } from '../../privacy/salt.js';
import type { Server, StatementLimits } from './server.js';
import { texts } from './sql.js';
import { COOKIELESS_VISIT, SALT } from './tables.js';
import { changeInTurn, type InTurn } from './turns.js';

type VisitRow = Omit<CookielessVisit, 'startedAt' | 'lastSeen'> & { startedAt: number; lastSeen: number };

/** A row that keeps the latest turn, also when all visits are deleted: tokens of earlier turns are still known. */
const TURN: VisitRow = { sessionId: '', visitId: '', startedAt: 0, lastSeen: 0, user: '', version: 0 };

/** Waits for this server only: a replica that is down must not stop the tracking. */
const LOCAL = { mutations_sync: '1' } as const;

/** See `Store.loadSalts`. */
export async function loadSalts(
  server: Server,
  next: (now: number) => Salt,
  limits: StatementLimits,
): Promise<Salt[]> {
  const salt = next(await server.findNow(limits));
  const salts = await changeInTurn<Salt>(
    server,
    SALT,
    () => server.query(`SELECT period, secret, turn FROM ${SALT} FINAL`, limits),
    (found) => (found.some(({ period }) => period === salt.period) ? [] : [salt]),
    limits,
  );
  // Another instance may have stored the next one at this very moment.
  const [oldest, newest] = [salt.period - 1, salt.period + 1];
  const kept = salts.filter(({ period }) => period >= oldest && period <= newest);
  // The row of the latest turn stays until there is a later one.
  const latest = Math.max(...salts.map(({ turn }) => turn));
  if (salts.some((each) => !kept.includes(each) && each.turn < latest))
    await server.command(
      `ALTER TABLE ${SALT} DELETE WHERE (period < ${oldest} OR period > ${newest}) AND turn < ${latest}`,
      limits,
      LOCAL,
    );
  return kept.map(({ period, secret }) => ({ period, secret }));
}

/** See `Store.reserveVisits`. */
export async function reserveVisits(
  server: Server,
  visits: CookielessVisit[],
  limits: StatementLimits,
): Promise<CookielessVisit[]> {
  const ids = [TURN.sessionId, ...visits.map(({ sessionId }) => sessionId)];
  const rows = await changeInTurn<VisitRow>(
    server,
    COOKIELESS_VISIT,
    () => readVisits(server, ids, limits),
    (found) => {
      const versions = new Map(found.map(({ sessionId, version }) => [sessionId, version]));
      const next = visits.filter(
        ({ sessionId, version }) => (versions.get(sessionId) ?? version - 1) === version - 1,
      );
      return next.length > 0 ? [TURN, ...next.map(toRow)] : [];
    },
    limits,
  );
  return rows.filter(({ sessionId }) => sessionId !== TURN.sessionId).map(toVisit);
}

/** See `Store.findReservedVisits`. */
export async function findReservedVisits(
  server: Server,
  sessions: string[],
  limits: StatementLimits,
): Promise<CookielessVisit[]> {
  await server.sync(limits, [COOKIELESS_VISIT]);
  return (await readVisits(server, sessions, limits)).map(toVisit);
}

/**
 * Deletes all visits that are over, in one statement.
 * @returns how many
 */
export async function deleteReservedVisits(server: Server, limits: StatementLimits): Promise<number> {
  const oldest = (await server.findNow(limits)) - MAX_RESERVATION_AGE;
  return deleteVisits(server, `lastSeen < ${oldest} AND sessionId != ''`, limits);
}

/** Deletes the visits of sessions that were erased. */
export async function eraseReservedVisits(
  server: Server,
  sessions: string[],
  limits?: StatementLimits,
): Promise<void> {
  await deleteVisits(server, `sessionId IN ${texts(sessions)}`, limits);
}

async function deleteVisits(server: Server, condition: string, limits?: StatementLimits): Promise<number> {
  const [row] = await server.query<{ count: number }>(
    `SELECT uniqExact(sessionId) AS count FROM ${COOKIELESS_VISIT} WHERE ${condition}`,
    limits,
  );
  const count = row?.count ?? 0;
  // It rewrites the table, so that nothing stays on the disk.
  if (count > 0) await server.command(`ALTER TABLE ${COOKIELESS_VISIT} DELETE WHERE ${condition}`, limits);
  return count;
}

function readVisits(
  server: Server,
  sessions: string[],
  limits: StatementLimits,
): Promise<InTurn<VisitRow>[]> {
  return server.query(
    `SELECT sessionId, visitId, startedAt, lastSeen, user, version, turn FROM ${COOKIELESS_VISIT} FINAL
    WHERE sessionId IN ${texts(sessions)}`,
    limits,
  );
}

function toRow({ startedAt, lastSeen, ...visit }: CookielessVisit): VisitRow {
  return { ...visit, startedAt: startedAt.getTime(), lastSeen: lastSeen.getTime() };
}

function toVisit({ sessionId, visitId, startedAt, lastSeen, user, version }: VisitRow): CookielessVisit {
  const dates = { startedAt: new Date(startedAt), lastSeen: new Date(lastSeen) };
  return { sessionId, visitId, ...dates, user, version };
}
