import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, fstatSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { DataSource } from 'typeorm';
import { Activity, djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { OutboxEntry } from '../../lib/store/typeorm/tables/outbox.entity.js';
import { createDatabase, type DatabaseName } from './databases.js';

const WRITERS = 2;
/** Milliseconds between two looks at the deliveries. */
const LOOK = 20;

export interface ProofOptions {
  database: DatabaseName;
  activities: number;
  kills: number;
  /** How many processes have the subscription; one that was killed is replaced. */
  subscribers: number;
  /** Milliseconds. */
  lease: number;
  /** Node's arguments that start subscriber.ts. */
  command: string[];
}

export interface Proof {
  stored: number;
  /** Activities whose handler never ended. */
  missed: number;
  /** Deliveries after the first of each activity. */
  repeated: number;
  /** How often a handler began while that of another instance ran. */
  overlaps: number;
  kills: number;
  /** Milliseconds from a kill to the next delivery, at most. */
  longestTakeover: number;
  /** Seconds until all was delivered. */
  seconds: number;
}

/** A call of the handler. Moments are nanoseconds of a clock that all processes have in common. */
interface Call {
  pid: number;
  begun: bigint;
  /** When it ended, or its process was killed. */
  ended: bigint | undefined;
  ids: string[];
}

/** Has two processes store activities while two others deliver them, of which the one that delivers is killed again and again. */
export async function proveDelivery({
  database,
  activities,
  kills,
  subscribers: count,
  lease,
  command,
}: ProofOptions): Promise<Proof> {
  const target = await createDatabase(database);
  const folder = mkdtempSync(join(tmpdir(), 'djaffar-proof-'));
  const file = join(folder, 'deliveries');
  const dataSource = await new DataSource({
    ...target.options,
    entities: djaffarEntities,
    migrations: djaffarMigrations,
    migrationsRun: true,
  }).initialize();
  const children = new Set<ChildProcess>();
  const start = async (environment: Record<string, string>): Promise<ChildProcess> => {
    const child = spawn(process.execPath, command, {
      env: {
        ...process.env,
        DATABASE_URL: target.url,
        DELIVERIES: file,
        LEASE: String(lease),
        ...environment,
      },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    children.add(child);
    child.once('exit', () => children.delete(child));
    if (child.stdout) await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    return child;
  };
  try {
    const begun = performance.now();
    const subscribers = await Promise.all(Array.from({ length: count }, () => start({ ROLE: 'subscriber' })));
    const writers = await Promise.all(
      Array.from({ length: WRITERS }, () =>
        start({ ROLE: 'writer', COUNT: String(Math.ceil(activities / WRITERS)) }),
      ),
    );
    const written = Promise.all(writers.map(async (child) => child.exitCode ?? (await once(child, 'exit'))));
    const log = new CallLog(file);
    const killedAt: bigint[] = [];
    while (killedAt.length < kills) {
      log.update();
      const before = log.calls.length;
      // At an even pace over all activities.
      const due = Math.floor(((killedAt.length + 1) * activities) / (kills + 1));
      while (log.calls.length <= before || log.delivered.size < due) {
        if (log.delivered.size >= activities)
          throw new Error(`all were delivered before kill ${killedAt.length + 1}`);
        await pause(LOOK);
        log.update();
      }
      const victim = subscribers.find(({ pid }) => pid === log.calls.at(-1)?.pid);
      if (!victim?.pid) throw new Error('who delivers is no subscriber');
      victim.kill('SIGKILL');
      await once(victim, 'exit');
      const at = process.hrtime.bigint();
      killedAt.push(at);
      log.update();
      for (const call of log.calls) if (call.pid === victim.pid) call.ended ??= at;
      subscribers.splice(subscribers.indexOf(victim), 1);
      // It is a process more to choose from as soon as it runs.
      void start({ ROLE: 'subscriber' }).then((child) => subscribers.push(child));
    }
    await written;
    const entries = dataSource.getRepository(OutboxEntry);
    while ((await entries.count()) > 0) await pause(LOOK);
    const seconds = (performance.now() - begun) / 1000;
    const stored = await dataSource.getRepository(Activity).find({ select: { id: true } });
    log.update();
    const { calls, delivered } = log;
    return {
      stored: stored.length,
      missed: stored.filter(({ id }) => !delivered.has(id)).length,
      repeated: calls.reduce((sum, { ids }) => sum + ids.length, 0) - delivered.size,
      overlaps: countOverlaps(calls),
      kills: killedAt.length,
      longestTakeover: Math.max(
        ...killedAt.map((at) => Number((calls.find(({ begun: next }) => next > at)?.begun ?? at) - at) / 1e6),
      ),
      seconds,
    };
  } finally {
    for (const child of children) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    await dataSource.destroy();
    await target.drop();
    rmSync(folder, { recursive: true });
  }
}

/** The calls of the handler, as the processes note them in a file. */
class CallLog {
  /** In the order in which they were noted. */
  readonly calls: Call[] = [];
  /** Activities whose handler has ended. */
  readonly delivered = new Set<string>();
  private readonly open = new Map<number, Call>();
  private offset = 0;
  private rest = '';

  constructor(private readonly file: string) {}

  /** Reads what was added. */
  update(): void {
    if (!existsSync(this.file)) return;
    const descriptor = openSync(this.file, 'r');
    const added = Buffer.alloc(fstatSync(descriptor).size - this.offset);
    this.offset += readSync(descriptor, added, 0, added.length, this.offset);
    closeSync(descriptor);
    const lines = (this.rest + added.toString()).split('\n');
    this.rest = lines.pop() ?? '';
    for (const line of lines) this.add(line);
  }

  private add(line: string): void {
    const [kind, process_ = '', moment = '0', ids = ''] = line.split(' ');
    const pid = Number(process_);
    if (kind === 'begin') {
      const call = { pid, begun: BigInt(moment), ended: undefined, ids: ids.split(',') };
      this.calls.push(call);
      this.open.set(pid, call);
      return;
    }
    const call = this.open.get(pid);
    if (!call) throw new Error(`a call has ended that has not begun: ${line}`);
    call.ended = BigInt(moment);
    for (const id of call.ids) this.delivered.add(id);
  }
}

function countOverlaps(calls: Call[]): number {
  const inOrder = calls.toSorted((a, b) => (a.begun < b.begun ? -1 : 1));
  return inOrder.filter(({ pid, begun }, i) =>
    inOrder
      .slice(Math.max(0, i - 50), i)
      .some((other) => other.pid !== pid && (other.ended ?? begun) > begun),
  ).length;
}
