import type { Activity } from '../../activity/activity.entity.js';
import type { Output } from '../output.js';
import type { Format } from '../../export/format.js';

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
    const separator = this.hasRows ? this.format.separator : '';
    await this.output.write(this.head() + separator + this.format.rows(activities));
    this.isBegun = true;
    this.hasRows = true;
  }

  /** Also where it has to end early, so that what is there can be read. */
  async end(): Promise<void> {
    const text = this.head() + this.format.tail;
    if (text !== '') await this.output.write(text);
  }

  private head(): string {
    return this.isBegun ? '' : this.format.head;
  }
}
