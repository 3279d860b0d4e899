import { escapeControls, reasonOf } from '../errors.js';

/** Refused rows that are printed; any more are only counted. */
const MAX_PRINTED = 20;

/** Counts what an import has read and refused, and prints why. */
export class Report {
  rows = 0;
  faults = 0;
  /** Other things to say at the end, with their number. */
  private readonly notes = new Map<string, number>();
  private readonly losses = new Map<string, number>();

  /** Prints why a row is refused. */
  refuse(place: string, fault: unknown): void {
    this.faults += 1;
    if (this.faults <= MAX_PRINTED) console.error(`djaffar: ${escapeControls(place)}: ${reasonOf(fault)}`);
    else if (this.faults === MAX_PRINTED + 1)
      console.error('djaffar: more rows are refused; they are only counted');
  }

  /** @param note such as `of other models passed over` */
  note(note: string, count = 1): void {
    if (count > 0) this.notes.set(note, (this.notes.get(note) ?? 0) + count);
  }

  /** @param what has no place in the database */
  lose(what: string): void {
    this.losses.set(what, (this.losses.get(what) ?? 0) + 1);
  }

  get summary(): string {
    const read = [`${this.rows} rows read`, ...[...this.notes].map(([note, count]) => `${count} ${note}`)];
    const lost = [...this.losses].map(([what, count]) => `${what} (${count})`);
    const lines = [read.join(', ')];
    if (lost.length > 0) lines.push(`not stored, because there is no column for it: ${lost.join(', ')}`);
    return lines.join('\n');
  }
}
