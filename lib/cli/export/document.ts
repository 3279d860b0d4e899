import type { Activity } from '../../activity/activity.entity.js';
import type { Output } from '../output.js';
import type { Format } from '../../export/format.js';

/** Texts of more than some 100 KiB leave the memory that is quickly given and taken back, and cost several times as much. */
const AT_ONCE = 100;

/** Activities in a format, on their way out: whole at the end of each page. */
export class Document {
  private isBegun: boolean;
  private hasRows = false;

  constructor(
    private readonly format: Format,
    private readonly output: Output,
  ) {
    this.isBegun = output.isContinued;
  }

  /** Resolves when the system has taken all of them. */
  async add(activities: Activity[]): Promise<void> {
    await this.output.write(this.piecesOf(activities));
    this.isBegun = true;
    this.hasRows = true;
  }

  /** Also where it has to end early, so that what is there can be read. */
  async end(): Promise<void> {
    const text = this.head() + this.format.tail;
    if (text !== '') await this.output.write([text]);
  }

  private *piecesOf(activities: Activity[]): Generator<string, void, void> {
    yield this.head() + (this.hasRows ? this.format.separator : '');
    for (let at = 0; at < activities.length; at += AT_ONCE) {
      const rows = this.format.rows(activities.slice(at, at + AT_ONCE));
      yield at === 0 ? rows : this.format.separator + rows;
    }
  }

  private head(): string {
    return this.isBegun ? '' : this.format.head;
  }
}
