import { isObject } from '../../activity/properties.js';
import type { Properties } from '../../activity/activity.js';
import type { Services } from '../services.js';
import type { Input } from './input.js';
import { ImportQueue } from './import-queue.js';
import type { Item } from './item.js';
import { readColumns, describe, readItems, type ReadOptions } from './read-items.js';
import { rejoin } from './rejoin.js';
import { Report } from './report.js';
import { RowReader } from './row.js';
import type { Source, Table } from './sources/source.js';
import { type OnLoss, SourceRow } from './sources/source-row.js';

interface ToolFile {
  input: Input;
  table: Table;
  items: AsyncIterable<Item>;
}

/** Imports files of another tool. */
export class ToolImport {
  readonly report = new Report();
  private readonly queue: ImportQueue;
  private readonly reader = new RowReader();
  private readonly source: Source;

  constructor(
    services: Services,
    createSource: (onLoss: OnLoss) => Source,
    private readonly options: ReadOptions,
  ) {
    this.queue = new ImportQueue(services, this.report);
    this.source = createSource((what) => this.report.lose(what));
  }

  /** Reads the files in the order of the tool's tables, not in the order of the arguments. */
  async run(inputs: Input[]): Promise<void> {
    const { tables } = this.source;
    const files: ToolFile[] = [];
    for (const input of inputs) {
      const file = await this.inspect(input);
      if (file) files.push(file);
    }
    files.sort((a, b) => tables.indexOf(a.table) - tables.indexOf(b.table));
    for (const file of files) await this.take(file);
    for (const activity of this.source.end?.() ?? []) {
      this.options.stop.throwIfAborted();
      await this.store(activity, 'a visit without activities');
    }
    await this.queue.end();
  }

  /** Stores the rows that have been read, before the command ends early. */
  async end(): Promise<void> {
    await this.queue.end();
  }

  /**
   * Finds the table of a file. The file is then closed until its turn, because a process may open only so many files.
   * @returns `undefined` for an empty file
   */
  private async inspect(input: Input): Promise<ToolFile | undefined> {
    const options = input.isFile ? { ...this.options, onBytes: () => {} } : this.options;
    const rest = readItems(input, options);
    const { value: first, done } = await rest.next();
    if (done) return undefined;
    if (input.isFile) await rest.return();
    const columns = readColumns(first) ?? new Set();
    const { name, tables } = this.source;
    const table = tables.find(({ matches }) => matches(columns));
    if (table && table.refusal === undefined) {
      return { input, table, items: input.isFile ? readItems(input, this.options) : rejoin(first, rest) };
    }
    const names = tables.filter(({ refusal }) => refusal === undefined).map((each) => each.name);
    const reason =
      table?.refusal ??
      `it is none of the files of ${name} (${names.join(', ')}): its rows have ${describe(columns)}`;
    throw new Error(`${input.name} cannot be imported: ${reason}`);
  }

  private async take({ input, table, items }: ToolFile): Promise<void> {
    this.source.beginFile?.();
    for await (const item of items) await this.takeItem(item, input, table);
  }

  private async takeItem(item: Item, input: Input, table: Table): Promise<void> {
    this.report.rows += 1;
    const place = `${input.name}, ${item.place}`;
    let activities: Properties[];
    try {
      const value = item.read();
      if (!isObject(value)) throw new Error('it is not a JSON object');
      const row = new SourceRow(value, (what) => this.report.lose(what));
      activities = [...table.read(row)];
      row.end();
    } catch (error) {
      this.report.refuse(place, error);
      return;
    }
    for (const activity of activities) await this.store(activity, place);
  }

  private async store(activity: Properties, place: string): Promise<void> {
    let row: ReturnType<RowReader['parseRow']>;
    try {
      row = this.reader.parseRow(activity);
    } catch (error) {
      this.report.refuse(place, error);
      return;
    }
    await this.queue.add({ ...row, place });
  }
}
