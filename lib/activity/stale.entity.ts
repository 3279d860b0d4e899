import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from './instant.js';

/**
 * A stretch of time whose activities are not in the statistics as they are now. Whoever changes activities adds rows in
 * the same transaction, and never reads or changes one: writers do not wait for each other.
 */
@Entity('djaffar_stale')
export class Stale {
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id!: string;

  /** Inclusive. */
  @Column({ name: 'since', type: 'bigint', transformer: instant })
  since!: Date;

  /** Exclusive. */
  @Column({ name: 'until', type: 'bigint', transformer: instant })
  until!: Date;

  /** Where activities were erased: their visit, which could not be found by those left, or an empty text for none. */
  @Column({ name: 'visitId', type: 'varchar', length: 16, nullable: true })
  visitId!: string | null;
}
