import { UnstorableError } from '../../activity/unstorable.error.js';
import type { Services } from '../services.js';
import { deriveVisitId } from './ids.js';
import type { Report } from './report.js';
import type { Row } from './row.js';

/** How many rows are passed to the writer together; as many are read in the meantime. */
const BATCH_SIZE = 2000;

/** A row with its position in a file, for messages. */
export interface PlacedRow extends Row {
  place: string;
}

/** Passes rows to the writer in batches, with few rows in memory. */
export class ImportQueue {
  private rows: PlacedRow[] = [];
  private inFlight: Promise<void> = Promise.resolve();

  constructor(
    private readonly services: Pick<Services, 'store' | 'writer' | 'visitDurationLimit'>,
    private readonly report: Report,
  ) {}

  /** @throws Error if the database does not accept writes */
  async add(row: PlacedRow): Promise<void> {
    this.rows.push(row);
    if (this.rows.length >= BATCH_SIZE) await this.send();
  }

  /** Resolves when all rows are committed. */
  async end(): Promise<void> {
    await this.send();
    await this.inFlight;
  }

  private async send(): Promise<void> {
    const rows = this.rows;
    this.rows = [];
    await this.inFlight;
    this.inFlight = this.write(rows);
    // The error is thrown when the promise is awaited.
    this.inFlight.catch(() => {});
  }

  private async write(rows: PlacedRow[]): Promise<void> {
    if (rows.length === 0) return;
    const { store, writer, visitDurationLimit } = this.services;
    for (const late of await visitDurationLimit.findLate(rows.map(({ activity }) => activity)))
      late.visitId = visitOfDay(late.visitId ?? '', late.date);
    const ids = [...new Set(rows.map(({ activity }) => activity.id))];
    const before = await store.countStored(ids);
    const writes = rows.map(({ activity, session }) => writer.write([activity], session));
    const results = await Promise.allSettled(writes);
    let refused = 0;
    for (const [i, result] of results.entries()) {
      if (result.status === 'fulfilled') continue;
      if (!(result.reason instanceof UnstorableError)) throw result.reason;
      this.report.refuse(rows[i]?.place ?? '', result.reason);
      refused += 1;
    }
    const after = refused === 0 ? ids.length : await store.countStored(ids);
    this.report.stored += after - before;
    this.report.skipped += rows.length - refused - (after - before);
  }
}

/** Splits a visit of 24 hours or more: returns one id for each UTC day after that, the same in each import. */
function visitOfDay(visit: string, date: Date): string {
  const day = date.toISOString().slice(0, 10);
  return deriveVisitId(`${visit}\n${day}`);
}
