import type { DataSource } from 'typeorm';
import type { ParsedFilter } from '../../../activity/activity.filter.js';
import type { Cursor } from '../../../activity/pagination.js';
import { type Dialect, dialectOf } from '../../../database/dialects/dialect.js';
import type { PageOfRecords, RecordReader as Port, Records } from '../../records.js';
import { ACTIVITY_COLUMNS, SESSION_COLUMNS } from '../../../activity/activity-columns.js';
import type { ExportSource } from './export-source.js';
import { activitiesAfter, querySessions } from './queries.js';
import { paginate } from '../../paginate.js';

const PAGE = 4000;

/** Reads many activities that are only converted to text: see {@link Records}. */
export class RecordReader implements Port {
  private constructor(
    private readonly dataSource: DataSource,
    private readonly source: ExportSource,
    private readonly read: NonNullable<Dialect['records']>,
  ) {}

  /** @returns `undefined` if the database has no records */
  static of(dataSource: DataSource, source: ExportSource): RecordReader | undefined {
    const { records } = dialectOf(dataSource);
    return records && new RecordReader(dataSource, source, records);
  }

  /** The oldest first, in pages. */
  async *activities(filter: ParsedFilter, after?: Cursor): AsyncGenerator<PageOfRecords, void, void> {
    const read = await this.source.open();
    yield* paginate(PAGE, after, async (place) => {
      const query = activitiesAfter(this.dataSource, filter, place).limit(PAGE);
      const records = await read((standby) => this.read(this.dataSource, query, ACTIVITY_COLUMNS, standby));
      const [id = '', date = ''] = records.last.slice(1).split(',', 2);
      const last = { id, date };
      return { page: { ...records, last }, count: records.count, last };
    });
  }

  sessions(ids: string[]): Promise<Records> {
    return this.read(this.dataSource, querySessions(this.dataSource, ids), SESSION_COLUMNS);
  }
}
