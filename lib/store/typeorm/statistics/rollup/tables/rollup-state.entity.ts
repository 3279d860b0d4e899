import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, milliseconds } from '../../../../../database/column-transformers.js';

/** The state of the rollup, in one row. */
@Entity('djaffar_rollup_state', { synchronize: false })
export class RollupState {
  @PrimaryColumn({ name: 'id', type: 'int' })
  id!: number;

  /** Changed by each commit, so that of two concurrent steps only one commits. */
  @Column({ name: 'version', type: 'int' })
  version!: number;

  /** The id of the instance that updates the statistics; `null` if none does. */
  @Column({ name: 'leaseHolder', type: 'varchar', length: 36, nullable: true })
  leaseHolder!: string | null;

  /** Until when it has the lease, by the database's clock. */
  @Column({ name: 'leaseUntil', type: 'bigint', transformer: instant })
  leaseUntil!: Date;

  /** When large visits may be recomputed again, by the database's clock. */
  @Column({ name: 'largeFrom', type: 'bigint', transformer: instant })
  largeFrom!: Date;

  /** `djaffar_path_rollup` has daily buckets before this instant. */
  @Column({ name: 'compactedUntil', type: 'bigint', transformer: instant })
  compactedUntil!: Date;

  /**
   * Retention has erased the activities before this instant (the start of a day); data derived from them are no longer recomputed.
   */
  @Column({ name: 'frozenUntil', type: 'bigint', transformer: instant })
  frozenUntil!: Date;

  /** Longest duration (ms) of a visit that is not mixed. */
  @Column({ name: 'maxVisitDuration', type: 'bigint', transformer: milliseconds })
  maxVisitDuration!: number;

  /** Longest duration (ms) of a mixed visit. */
  @Column({ name: 'maxMixedDuration', type: 'bigint', transformer: milliseconds })
  maxMixedDuration!: number;
}
