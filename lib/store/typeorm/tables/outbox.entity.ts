import { Column, Entity, PrimaryColumn, PrimaryGeneratedColumn } from 'typeorm';
import { instant } from '../../../database/column-transformers.js';

/** An activity that waits for a subscription. */
@Entity('djaffar_outbox', { synchronize: false })
export class OutboxEntry {
  /** The database numbers the entries when they are inserted. */
  @PrimaryGeneratedColumn('increment', { name: 'number', type: 'bigint' })
  number!: string | number;

  @Column({ name: 'subscription', type: 'varchar', length: 64 })
  subscription!: string;

  @Column({ name: 'activityId', type: 'uuid' })
  activityId!: string;
}

/** A subscription, and which instance delivers it. */
@Entity('djaffar_subscription', { synchronize: false })
export class SubscriptionState {
  @PrimaryColumn({ name: 'name', type: 'varchar', length: 64 })
  name!: string;

  /** By the database's clock, as all dates here. */
  @Column({ name: 'createdAt', type: 'bigint', transformer: instant })
  createdAt!: Date;

  @Column({ name: 'failures', type: 'int' })
  failures!: number;

  @Column({ name: 'retryAt', type: 'bigint', transformer: instant })
  retryAt!: Date;

  @Column({ name: 'parkedAt', type: 'bigint', nullable: true, transformer: instant })
  parkedAt!: Date | null;

  /** The kind of the last failure; never its text, which may name somebody. */
  @Column({ name: 'error', type: 'varchar', length: 64, nullable: true })
  error!: string | null;

  @Column({ name: 'holder', type: 'varchar', length: 36, nullable: true })
  holder!: string | null;

  /** It also shows when an instance last had the subscription. */
  @Column({ name: 'leaseUntil', type: 'bigint', transformer: instant })
  leaseUntil!: Date;

  /** The last delivered activity from before the subscription; `null` if all of these are delivered. */
  @Column({ name: 'historyDate', type: 'bigint', nullable: true, transformer: instant })
  historyDate!: Date | null;

  @Column({ name: 'historyId', type: 'varchar', length: 36, nullable: true })
  historyId!: string | null;
}
