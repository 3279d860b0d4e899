import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../../../../../database/columns/instant.js';

/** Counts of a past UTC day without bots, cached when a question first needs them. */
@Entity('djaffar_daily_count', { synchronize: false })
export class DailyCount {
  @PrimaryColumn({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  /** daily-count-cache.ts has the keys. */
  @PrimaryColumn({ name: 'metric', type: 'varchar', length: 80 })
  metric!: string;

  /** The encoding depends on the metric; `null` if the result exceeds the size limit. */
  @Column({ name: 'counts', type: 'text', nullable: true })
  counts!: string | null;
}
