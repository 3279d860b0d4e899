import { isObject } from '../../activity/properties.js';
import { escapeControls, reasonOf } from '../errors.js';
import type { Services } from '../services.js';
import {
  ACTIVITY,
  DjangoActivities,
  djangoRecordOf,
  SESSION_INFO,
  type SessionInfo,
  sessionInfoOf,
} from './django.js';
import type { Input } from './input.js';
import { Intake } from './intake.js';
import { type Item, itemsOf } from './items.js';
import { type Row, RowReader } from './row.js';
import { UserAgents } from './user-agents.js';

/**
 * Stores what files hold. Activities first: the user agents of a Django dump have files of their own, or stand anywhere
 * in it, so for them the files are read once more.
 */
export class Import {
  rows = 0;
  faults = 0;
  private others = 0;
  private readonly intake: Intake;
  private readonly reader = new RowReader();
  private readonly django = new DjangoActivities();
  private readonly userAgents: UserAgents;

  constructor(
    { dataSource, writer, visitBounds }: Services,
    private readonly onBytes: (count: number) => void,
  ) {
    this.intake = new Intake(writer, visitBounds, (place, fault) => this.tell(place, fault));
    this.userAgents = new UserAgents(dataSource);
  }

  async run(inputs: Input[]): Promise<void> {
    const withUserAgents: Input[] = [];
    for (const input of inputs) if (await this.takeActivities(input)) withUserAgents.push(input);
    await this.intake.end();
    for (const input of withUserAgents) await this.takeUserAgents(input);
    await this.userAgents.end();
  }

  get summary(): string {
    const { strangers } = this.userAgents;
    return [
      `${this.rows} rows read`,
      ...(this.others > 0 ? [`${this.others} of other models passed over`] : []),
      ...(strangers > 0 ? [`${strangers} user agents of sessions without activities left out`] : []),
    ].join(', ');
  }

  /** @returns whether there are user agents in it */
  private async takeActivities(input: Input): Promise<boolean> {
    let hasUserAgents = false;
    for await (const item of itemsOf(input.chunks(this.onBytes))) {
      this.rows += 1;
      const place = `${input.name}, ${item.place}`;
      const content = this.read(item, place);
      if (!content) continue;
      if ('activity' in content) await this.intake.add({ ...content, place });
      else if (input.isFile) hasUserAgents = true;
      else throw new Error('a Django dump with user agents is read twice: give it as a file');
    }
    return hasUserAgents;
  }

  private read(item: Item, place: string): Row | SessionInfo | undefined {
    try {
      const value = item.read();
      if (!isObject(value)) throw new Error('it is not a JSON object');
      const record = djangoRecordOf(value);
      if (!record) return this.reader.rowOf(value);
      if (record.model === ACTIVITY) return this.django.rowOf(record);
      if (record.model === SESSION_INFO) return sessionInfoOf(record);
      this.others += 1;
    } catch (error) {
      this.tell(place, error);
    }
    return undefined;
  }

  private async takeUserAgents(input: Input): Promise<void> {
    for await (const item of itemsOf(input.chunks(this.onBytes))) {
      const info = userAgentIn(item);
      if (info) await this.userAgents.add(info);
    }
  }

  private tell(place: string, fault: unknown): void {
    this.faults += 1;
    console.error(`djaffar: ${escapeControls(place)}: ${reasonOf(fault)}`);
  }
}

/** What is wrong has been told already. */
function userAgentIn(item: Item): SessionInfo | undefined {
  try {
    const value = item.read();
    const record = isObject(value) ? djangoRecordOf(value) : undefined;
    return record?.model === SESSION_INFO ? sessionInfoOf(record) : undefined;
  } catch {
    return undefined;
  }
}
