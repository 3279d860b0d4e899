import type { ActivityRow } from '../activity/reader.js';
import type { Format } from './format.js';

/** Texts of more than some 100 KiB leave the memory that is quickly given and taken back, and cost several times as much. */
const AT_ONCE = 100;

/** Activities in a format, in small pieces: whole at the end of each page. */
export class Document {
  private hasRows = false;

  /** @param isBegun whether its head is written already, as where an export goes on */
  constructor(
    private readonly format: Format,
    private isBegun = false,
  ) {}

  *add(activities: ActivityRow[]): Generator<string, void, void> {
    yield this.head() + (this.hasRows ? this.format.separator : '');
    for (let at = 0; at < activities.length; at += AT_ONCE) {
      const rows = this.format.rows(activities.slice(at, at + AT_ONCE));
      yield at === 0 ? rows : this.format.separator + rows;
    }
    this.isBegun = true;
    this.hasRows = true;
  }

  /** What is left to write; also where it has to end early, so that what is there can be read. */
  end(): string {
    return this.head() + this.format.tail;
  }

  private head(): string {
    return this.isBegun ? '' : this.format.head;
  }
}
