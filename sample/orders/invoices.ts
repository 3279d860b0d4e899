import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import type { Activity, ActivityHandler } from '../../lib/index.js';
import { Invoice } from './invoice.entity.js';

/** Writes an invoice for each order that was paid. */
@Injectable()
export class Invoices implements ActivityHandler {
  constructor(private readonly dataSource: DataSource) {}

  async handle(activities: Activity[]): Promise<void> {
    // An activity may come twice: the order is the key.
    const invoices = activities.flatMap(({ subject }) => (subject ? [{ order: subject }] : []));
    await this.dataSource.getRepository(Invoice).upsert(invoices, ['order']);
  }
}
