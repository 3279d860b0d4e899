import { isObject } from '../../activity/properties.js';
import type { Services } from '../services.js';
import { itemOfCells } from './csv.js';
import {
  ACTIVITY,
  DjangoActivities,
  parseDjangoRecord,
  SESSION_INFO,
  type SessionInfo,
  parseSessionInfo,
} from './django.js';
import type { Input } from './input.js';
import { ImportQueue } from './import-queue.js';
import type { Item } from './item.js';
import { readColumns, describe, readItems, type ReadOptions } from './read-items.js';
import { Report } from './report.js';
import { type Row, RowReader } from './row.js';
import { detectTool } from './sources/index.js';
import { UserAgents } from './user-agents.js';

export interface ImportOptions extends ReadOptions {
  /** Whether CSV was exported with `--raw`. */
  raw: boolean;
}

/**
 * Stores the rows of files, activities first. The user agents of a Django dump may be anywhere in it, or in other
 * files, so the files are read a second time for them.
 */
export class Import {
  readonly report = new Report();
  private readonly queue: ImportQueue;
  private readonly reader = new RowReader();
  private readonly django = new DjangoActivities();
  private readonly userAgents: UserAgents;

  constructor(
    services: Services,
    private readonly options: ImportOptions,
  ) {
    this.queue = new ImportQueue(services, this.report);
    this.userAgents = new UserAgents(services.store);
  }

  async run(inputs: Input[]): Promise<void> {
    const withUserAgents: Input[] = [];
    for (const input of inputs) if (await this.takeActivities(input)) withUserAgents.push(input);
    await this.queue.end();
    for (const input of withUserAgents) await this.takeUserAgents(input);
    await this.userAgents.end();
    this.report.count('user agents of sessions without activities skipped', this.userAgents.unknownSessions);
  }

  /** Stores the rows that have been read, before the command ends early. */
  async end(): Promise<void> {
    await this.queue.end();
  }

  /** @returns whether the file contains user agents */
  private async takeActivities(input: Input): Promise<boolean> {
    let hasUserAgents = false;
    let isFirst = true;
    for await (const item of readItems(input, this.options)) {
      if (isFirst) checkKind(item, input);
      isFirst = false;
      this.report.rows += 1;
      const place = `${input.name}, ${item.place}`;
      const content = this.read(item, place);
      if (!content) continue;
      if ('activity' in content) await this.queue.add({ ...content, place });
      else if (input.isFile) hasUserAgents = true;
      else
        throw new Error(
          'a Django dump with user agents is read twice, so it must be a file and not standard input',
        );
    }
    return hasUserAgents;
  }

  private read(item: Item, place: string): Row | SessionInfo | undefined {
    try {
      const value = item.read();
      if (!isObject(value)) throw new Error('it is not a JSON object');
      if (item.isCells) return this.reader.parseRow(itemOfCells(value, this.options.raw));
      const record = parseDjangoRecord(value);
      if (!record) return this.reader.parseRow(value);
      if (record.model === ACTIVITY) return this.django.parseRow(record);
      if (record.model === SESSION_INFO) return parseSessionInfo(record);
      this.report.count('of other models skipped');
    } catch (error) {
      this.report.refuse(place, error);
    }
    return undefined;
  }

  private async takeUserAgents(input: Input): Promise<void> {
    for await (const item of readItems(input, this.options)) {
      const info = userAgentIn(item);
      if (info) await this.userAgents.add(info);
    }
  }
}

/**
 * Refuses a file in another format as a whole.
 * @throws Error that describes the file and what is expected
 */
function checkKind(item: Item, { name }: Input): void {
  const columns = readColumns(item);
  if (!columns || columns.has('date') || (columns.has('model') && columns.has('fields'))) return;
  const tool = detectTool(columns);
  const advice = tool
    ? `they look like those of ${tool.name}: give --from ${tool.option}`
    : 'djaffar import --help lists what is expected';
  throw new Error(
    `${name} contains no activities: its rows have ${describe(columns)}, but no date; ${advice}`,
  );
}

/** Errors are ignored here: the first reading has reported them. */
function userAgentIn(item: Item): SessionInfo | undefined {
  try {
    const value = item.read();
    const record = isObject(value) ? parseDjangoRecord(value) : undefined;
    return record?.model === SESSION_INFO ? parseSessionInfo(record) : undefined;
  } catch {
    return undefined;
  }
}
