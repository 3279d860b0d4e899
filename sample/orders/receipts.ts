import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type ActivityContext, ActivityService } from '../../lib/index.js';

export interface ReceiptJob {
  order: string;
  context: ActivityContext | undefined;
}

/** Replaces a queue and its worker, which may be another process; jobs are JSON. */
@Injectable()
export class Receipts {
  constructor(private readonly activities: ActivityService) {}

  async add(job: ReceiptJob): Promise<void> {
    const text = JSON.stringify(job);
    await setImmediate();
    await this.work(JSON.parse(text));
  }

  private async work({ order, context }: ReceiptJob): Promise<void> {
    await this.activities.runAs(context ?? {}, () =>
      this.activities.track({ name: 'receipt.sent', properties: { order } }),
    );
  }
}
