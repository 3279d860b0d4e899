import type { DataSource } from 'typeorm';
import { connectionsOf } from '../../../database/connections.js';
import type { Standby } from '../../../database/standbys/standby.js';
import { mayPrimaryAnswer, type Standbys } from '../../../database/standbys/standbys.js';
import { monotonicClock } from '../../../time/clock.js';

/** Reads one page. @param standby `undefined` for the primary */
type ReadPage = <T>(read: (standby?: Standby) => Promise<T>) => Promise<T>;

/** Chooses the server that an export reads. */
export class ExportSource {
  /** @param maxWait milliseconds that an export waits for a standby */
  constructor(
    private readonly dataSource: DataSource,
    private readonly maxWait: number,
    private readonly standbys: Standbys | undefined,
  ) {}

  /**
   * Returns how to read the pages of one export: from a standby that has everything that is committed now, otherwise from the
   * primary. If the standby fails, the primary is read from that page on.
   */
  async open(): Promise<ReadPage> {
    const found = await this.standbys?.choose({
      until: monotonicClock.now() + this.maxWait,
      deadline: connectionsOf(this.dataSource).deadline(),
    });
    let standby = found?.isUpToDate ? found.standby : undefined;
    return async (read) => {
      if (!standby) return read();
      try {
        return await read(standby);
      } catch (error) {
        if (!mayPrimaryAnswer(this.dataSource, error)) throw error;
        standby = undefined;
        return read();
      }
    };
  }
}
