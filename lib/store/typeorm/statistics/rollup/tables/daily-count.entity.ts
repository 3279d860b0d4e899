import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../../../../../database/columns/instant.js';

/** What was counted of a UTC day that is over, bots left out; kept from when somebody asks. */
@Entity('djaffar_day_count')
export class DayCount {
  @PrimaryColumn({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  /** day-counts.ts tells what there is. */
  @PrimaryColumn({ name: 'what', type: 'varchar', length: 80 })
  what!: string;

  /** In a form of its own for each; `null` where there is too much of it. */
  @Column({ name: 'counts', type: 'text', nullable: true })
  counts!: string | null;
}
