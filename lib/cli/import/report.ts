import { escapeControls, formatReason } from '../errors.js';

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
  private readonly counts = new Map<string, number>();
  private readonly losses = new Map<string, number>();

  /** Prints why a row is refused. */
  refuse(place: string, fault: unknown): void {
    this.faults += 1;
    if (this.faults <= MAX_PRINTED)
      console.error(`djaffar: ${escapeControls(place)}: ${formatReason(fault)}`);
    else if (this.faults === MAX_PRINTED + 1)
      console.error('djaffar: more rows are refused; they are only counted');
  }

  /** @param what such as `of other models skipped` */
  count(what: string, count = 1): void {
    if (count > 0) this.counts.set(what, (this.counts.get(what) ?? 0) + count);
  }

  /** @param what the name of a value that cannot be stored */
  lose(what: string): void {
    this.losses.set(what, (this.losses.get(what) ?? 0) + 1);
  }

  get summary(): string {
    const counts: [number, string][] = [
      [this.skipped, 'already there'],
      [this.faults, 'refused'],
      ...[...this.counts].map(([what, count]): [number, string] => [count, what]),
    ];
    const others = counts.flatMap(([count, what]) => (count > 0 ? `${count} ${what}` : []));
    const read = [`${this.rows} rows read`, `${this.stored} activities stored`, ...others];
    const lost = [...this.losses].map(([what, count]) => `${what} (${count})`);
    const lines = [read.join(', ')];
    if (lost.length > 0) lines.push(`not stored, because there is no column for it: ${lost.join(', ')}`);
    return lines.join('\n');
  }
}
