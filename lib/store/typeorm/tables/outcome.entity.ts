import { Column, Entity, PrimaryColumn } from 'typeorm';
import { milliseconds } from '../../../database/column-transformers.js';
import type { OutcomeCount } from '../../../diagnostics/outcome-counter.js';

/** The count of a cause in an hour, over all instances. */
@Entity('djaffar_outcome', { synchronize: false })
export class Outcome implements OutcomeCount {
  @PrimaryColumn({ name: 'hour', type: 'bigint', transformer: milliseconds })
  hour!: number;

  @PrimaryColumn({ name: 'cause', type: 'varchar', length: 64 })
  cause!: string;

  @Column({ name: 'count', type: 'bigint', transformer: milliseconds })
  count!: number;
}
