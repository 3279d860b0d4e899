import { Logger } from '@nestjs/common';
import type { DataSource, QueryRunner } from 'typeorm';
import type { IncidentLog } from '../../diagnostics/incident-log.js';
import { monotonicClock } from '../../time/clock.js';
import { Slots } from '../slots.js';
import { queryRunnerBy } from './query-runner.js';
import { type ReaderOptions, ReaderProcess } from './reader-process.js';

/** A lent connection for reading. All queries on it see the same snapshot. */
export interface LentReader {
  runner: QueryRunner;
  /** Ends it at once; its query fails with the reason. */
  destroy(reason: Error): void;
  release(): void;
}

/** How to open the database in another process, or why that is impossible, with a remedy. */
export type Openable = { options: ReaderOptions } | { obstacle: string };

/** Processes that read at once, each with about 50 MB. */
const MAX_PROCESSES = 2;
/** Milliseconds after which an idle process ends. */
const IDLE = 30_000;
/** Milliseconds until the next attempt after a process could not be started, and after several could not. */
const FIRST_PAUSE = 1000;
const MAX_PAUSE = 60_000;

const SYMPTOM = 'reading stops the event loop of this process, as no other can read the database';

/**
 * Connections for reading in separate processes, for databases that run inside this process and would block its event loop. They
 * are started when they are needed.
 */
export class Readers {
  private readonly logger = new Logger('Djaffar');
  private readonly slots = new Slots(MAX_PROCESSES);
  private readonly idle = new Map<ReaderProcess, NodeJS.Timeout>();
  private readonly all = new Set<ReaderProcess>();
  private openable: Openable | undefined;
  /** By the clock, when the next process may be started. */
  private notBefore = 0;
  private pause = 0;
  private isClosed = false;
  /** True if it does not log why no other process can read. Commands do not, because nothing else uses their event loop. */
  isSilent = true;

  /** @param find returns how to open the database again */
  constructor(
    private readonly dataSource: DataSource,
    private readonly find: (dataSource: DataSource) => Promise<Openable>,
    private readonly incidents: IncidentLog,
  ) {}

  /**
   * Resolves when a reader is free.
   * @returns `undefined` if no other process can read the database, which is logged
   * @throws the signal's reason if it aborts before
   */
  async take(signal: AbortSignal): Promise<LentReader | undefined> {
    if (this.isClosed || monotonicClock.now() < this.notBefore) return undefined;
    const options = await this.options();
    if (!options) return undefined;
    const release = await this.slots.take(signal);
    try {
      const reader = await this.reader(options);
      if (reader) return this.lend(reader, release);
    } catch (error) {
      release();
      if (this.isClosed) return undefined;
      this.pause = Math.min(10 * this.pause || FIRST_PAUSE, MAX_PAUSE);
      this.notBefore = monotonicClock.now() + this.pause;
      const reason = error instanceof Error ? error.message : String(error);
      if (!this.isSilent) this.incidents.failed(SYMPTOM, { code: 'reader', reason }, 'warn');
      return undefined;
    }
    release();
    return undefined;
  }

  /** Resolves when all processes have ended. */
  async close(): Promise<void> {
    this.isClosed = true;
    for (const timer of this.idle.values()) clearTimeout(timer);
    this.idle.clear();
    await Promise.all([...this.all].map((reader) => reader.end()));
  }

  private async options(): Promise<ReaderOptions | undefined> {
    if (!this.openable) {
      const found = await this.find(this.dataSource);
      // Another call may have done it in the meantime.
      if (!this.isSilent && !this.openable && 'obstacle' in found)
        this.logger.warn(`${SYMPTOM}: ${found.obstacle}`);
      this.openable ??= found;
    }
    return 'options' in this.openable ? this.openable.options : undefined;
  }

  private async reader(options: ReaderOptions): Promise<ReaderProcess | undefined> {
    const found = [...this.idle.keys()].find(({ isEnded }) => !isEnded);
    if (found) {
      clearTimeout(this.idle.get(found));
      this.idle.delete(found);
      return found;
    }
    const started = new ReaderProcess(options);
    this.all.add(started);
    try {
      await started.opened;
    } catch (error) {
      await this.end(started);
      throw error;
    }
    if (!this.isClosed) {
      this.incidents.worked(SYMPTOM);
      this.pause = 0;
      return started;
    }
    await this.end(started);
    return undefined;
  }

  private lend(reader: ReaderProcess, release: () => void): LentReader {
    // It is the first query of the process, so nothing waits for it.
    void reader.query('BEGIN', []).catch(() => {});
    return {
      runner: queryRunnerBy(this.dataSource, (sql, parameters) => reader.query(sql, parameters)),
      destroy: (reason) => reader.kill(reason),
      release: () => {
        void reader.query('COMMIT', []).catch(() => {});
        this.keep(reader);
        release();
      },
    };
  }

  private keep(reader: ReaderProcess): void {
    if (reader.isEnded || this.isClosed) void this.end(reader);
    else this.idle.set(reader, setTimeout(() => void this.end(reader), IDLE).unref());
  }

  private async end(reader: ReaderProcess): Promise<void> {
    clearTimeout(this.idle.get(reader));
    this.idle.delete(reader);
    await reader.end();
    this.all.delete(reader);
  }
}
