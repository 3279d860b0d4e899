import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../../../../../database/column-transformers.js';

/**
 * A time range whose rollups are out of date. Writers only append rows, in the transaction that changes the activities,
 * so they never wait for each other.
 */
@Entity('djaffar_dirty_range', { synchronize: false })
export class DirtyRange {
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id!: string;

  /** By the database's clock, so it is before the commit. */
  @Column({ name: 'createdAt', type: 'bigint', transformer: instant })
  createdAt!: Date;

  /** Inclusive. */
  @Column({ name: 'since', type: 'bigint', transformer: instant })
  since!: Date;

  /** Exclusive. */
  @Column({ name: 'until', type: 'bigint', transformer: instant })
  until!: Date;

  /** The visits of the changed activities, with commas between, as dirty-ranges.ts encodes them. `null`: all visits with activities in the range. */
  @Column({ name: 'visits', type: 'text', nullable: true })
  visits!: string | null;

  /** Whether activities were erased. */
  @Column({ name: 'erased', type: 'boolean' })
  erased!: boolean;

  /** Whether a visit may have activities more than a day away, because its id does not contain its start. */
  @Column({ name: 'unbounded', type: 'boolean' })
  unbounded!: boolean;

  /** True if only its large visits are left, which are not recomputed before {@link RollupState.largeFrom}. */
  @Column({ name: 'deferred', type: 'boolean' })
  deferred!: boolean;
}
