import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../../../database/column-transformers.js';

/** The lease of the instance that erases old activities; there is one row. */
@Entity('djaffar_retention', { synchronize: false })
export class RetentionState {
  @PrimaryColumn({ name: 'id', type: 'int' })
  id!: number;

  /** The instance that works; `null` if none does. */
  @Column({ name: 'holder', type: 'varchar', length: 36, nullable: true })
  holder!: string | null;

  /** Until when it may, by the database's clock. */
  @Column({ name: 'leaseUntil', type: 'bigint', transformer: instant })
  leaseUntil!: Date;

  /** When nothing was left for the last time, by the database's clock. */
  @Column({ name: 'doneAt', type: 'bigint', transformer: instant })
  doneAt!: Date;
}
