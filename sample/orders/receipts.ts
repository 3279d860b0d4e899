import { setImmediate } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { type ActivityContext, ActivityService } from '../../lib/index.js';

export interface ReceiptJob {
  order: string;
  context: ActivityContext | undefined;
}

/** Stands for a queue and its worker, which another process may be: a job is JSON. */
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
