import type { ActivityWriter } from '../../activity/activity.writer.js';
import { UnstorableError } from '../../activity/unstorable.error.js';
import type { VisitBounds } from '../../activity/visit-bounds.js';
import { visitIdOf } from './ids.js';
import type { Row } from './row.js';

/** How many rows are handed to the writer together; as many more are read meanwhile. */
const AT_ONCE = 2000;

/** A row on its way in, with the place it comes from. */
export interface PlacedRow extends Row {
  place: string;
}

/** Keeps the writer busy, and few rows in memory. */
export class ImportQueue {
  private rows: PlacedRow[] = [];
  private underWay: Promise<void> = Promise.resolve();

  /** @param onFault is told of a row that the database does not take */
  constructor(
    private readonly writer: ActivityWriter,
    private readonly visitBounds: VisitBounds,
    private readonly onFault: (place: string, fault: unknown) => void,
  ) {}

  /** @throws Error where the database takes nothing any more */
  async add(row: PlacedRow): Promise<void> {
    this.rows.push(row);
    if (this.rows.length >= AT_ONCE) await this.send();
  }

  /** Resolves when all rows are committed. */
  async end(): Promise<void> {
    await this.send();
    await this.underWay;
  }

  private async send(): Promise<void> {
    const rows = this.rows;
    this.rows = [];
    await this.underWay;
    this.underWay = this.write(rows);
    // It fails where it is waited for.
    this.underWay.catch(() => {});
  }

  private async write(rows: PlacedRow[]): Promise<void> {
    for (const late of await this.visitBounds.findLate(rows.map(({ activity }) => activity)))
      late.visitId = visitOfDay(late.visitId ?? '', late.date);
    const writes = rows.map(({ activity, session }) => this.writer.write([activity], session));
    for (const [i, result] of (await Promise.allSettled(writes)).entries()) {
      if (result.status === 'fulfilled') continue;
      if (!(result.reason instanceof UnstorableError)) throw result.reason;
      this.onFault(rows[i]?.place ?? '', result.reason);
    }
  }
}

/** A visit that lasts for 24 hours or longer is one for each UTC day after that; the same at each import. */
function visitOfDay(visit: string, date: Date): string {
  const day = date.toISOString().slice(0, 10);
  return visitIdOf(`${visit}\n${day}`);
}
