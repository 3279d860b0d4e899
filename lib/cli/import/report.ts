import { escapeControls, reasonOf } from '../errors.js';

/** How many refused rows are printed; the others are only counted. */
const MAX_PRINTED = 20;

/** Counts the rows of an import, and prints why rows are refused. */
export class Report {
  rows = 0;
  faults = 0;
  /** Activities. */
  stored = 0;
  /** Activities whose id was stored already. */
  skipped = 0;
  /** Other messages for the end, with their counts. */
  private readonly notes = new Map<string, number>();
  private readonly losses = new Map<string, number>();

  /** Prints why a row is refused. */
  refuse(place: string, fault: unknown): void {
    this.faults += 1;
    if (this.faults <= MAX_PRINTED) console.error(`djaffar: ${escapeControls(place)}: ${reasonOf(fault)}`);
    else if (this.faults === MAX_PRINTED + 1)
      console.error('djaffar: more rows are refused; they are only counted');
  }

  /** @param note such as `of other models skipped` */
  note(note: string, count = 1): void {
    if (count > 0) this.notes.set(note, (this.notes.get(note) ?? 0) + count);
  }

  /** @param what the name of a value that cannot be stored */
  lose(what: string): void {
    this.losses.set(what, (this.losses.get(what) ?? 0) + 1);
  }

  get summary(): string {
    const counts: [number, string][] = [
      [this.skipped, 'already there'],
      [this.faults, 'refused'],
      ...[...this.notes].map(([note, count]): [number, string] => [count, note]),
    ];
    const others = counts.flatMap(([count, note]) => (count > 0 ? `${count} ${note}` : []));
    const read = [`${this.rows} rows read`, `${this.stored} activities stored`, ...others];
    const lost = [...this.losses].map(([what, count]) => `${what} (${count})`);
    const lines = [read.join(', ')];
    if (lost.length > 0) lines.push(`not stored, because there is no column for it: ${lost.join(', ')}`);
    return lines.join('\n');
  }
}
