import type { ActivityWriter } from '../../activity/activity.writer.js';
import { UnstorableError } from '../../activity/unstorable.error.js';
import type { VisitDurationLimit } from '../../activity/visit-duration-limit.js';
import { visitIdOf } from './ids.js';
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

  /** @param onFault called for each row that the database rejects */
  constructor(
    private readonly writer: ActivityWriter,
    private readonly visitDurationLimit: VisitDurationLimit,
    private readonly onFault: (place: string, fault: unknown) => void,
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
    // The error is thrown where the promise is awaited.
    this.inFlight.catch(() => {});
  }

  private async write(rows: PlacedRow[]): Promise<void> {
    for (const late of await this.visitDurationLimit.findLate(rows.map(({ activity }) => activity)))
      late.visitId = visitOfDay(late.visitId ?? '', late.date);
    const writes = rows.map(({ activity, session }) => this.writer.write([activity], session));
    for (const [i, result] of (await Promise.allSettled(writes)).entries()) {
      if (result.status === 'fulfilled') continue;
      if (!(result.reason instanceof UnstorableError)) throw result.reason;
      this.onFault(rows[i]?.place ?? '', result.reason);
    }
  }
}

/** Splits a visit of 24 hours or more: returns one id for each UTC day after that, the same in each import. */
function visitOfDay(visit: string, date: Date): string {
  const day = date.toISOString().slice(0, 10);
  return visitIdOf(`${visit}\n${day}`);
}
