import type { Format } from './format.js';
import type { Page } from './pages.js';

/** Activities in a format, in small pieces: whole at the end of each page. */
export class Document {
  private hasRows = false;

  /** @param isBegun whether its head is written already, as where an export goes on */
  constructor(
    private readonly format: Format,
    private isBegun = false,
  ) {}

  *add({ pieces }: Page): Generator<string | Uint8Array, void, void> {
    yield this.head() + (this.hasRows ? this.format.separator : '');
    yield* pieces;
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
