import { setTimeout as wait } from 'node:timers/promises';
import type { StoredActivity } from '../../lib/activity/activity.entity.js';
import { randomBytes, uuidv7 } from '../../lib/activity/random.js';
import type { Instance } from './stage.js';

/** Milliseconds between two batches. */
const TICK = 50;

const PATHS = 200;

function randomText(length: number): string {
  return randomBytes(length).toString('base64url').slice(0, length);
}

export function activity(date: Date, session: string, visit: string, path = '/'): StoredActivity {
  return {
    id: uuidv7(),
    date,
    receivedAt: new Date(),
    name: 'view',
    path,
    referer: null,
    properties: null,
    userId: null,
    userName: null,
    sessionId: session,
    visitId: visit,
    ipAddress: null,
  };
}

/** An id as the tracker makes them: it begins with the start of the visit. */
export function visitId(start: number): string {
  return start.toString(36) + randomText(7);
}

export interface Load {
  /** Activities that are stored. */
  stored: number;
  /** Resolves when the last is stored. */
  stop(): Promise<void>;
}

/** Activities of now at a rate, of visitors who each do ten things. */
export function startLoad({ writer }: Instance, perSecond: number): Load {
  const stopping = new AbortController();
  const open = new Set<Promise<void>>();
  const visits: { session: string; visit: string }[] = [];
  const load: Load = {
    stored: 0,
    stop: async () => {
      stopping.abort();
      await run;
      await Promise.allSettled(open);
    },
  };
  const send = (): void => {
    if (visits.length < perSecond * 3 || Math.random() < 0.1) {
      const fresh = { session: randomText(15), visit: visitId(Date.now()) };
      if (visits.length < perSecond * 3) visits.push(fresh);
      else visits[Math.trunc(Math.random() * visits.length)] = fresh;
    }
    const { session = '', visit = '' } = visits[Math.trunc(Math.random() * visits.length)] ?? {};
    const path = `/${Math.trunc(PATHS * Math.random() ** 2)}`;
    const store = async (): Promise<void> => {
      await writer.write([activity(new Date(), session, visit, path)]);
      load.stored += 1;
    };
    const written = store();
    open.add(written);
    void written.finally(() => open.delete(written)).catch(() => {});
  };
  const run = (async () => {
    const begun = performance.now();
    for (let sent = 0; !stopping.signal.aborted;) {
      const due = ((performance.now() - begun) * perSecond) / 1000;
      for (; sent < due; sent++) send();
      await wait(TICK);
    }
  })();
  return load;
}
