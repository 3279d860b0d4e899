import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, milliseconds } from '../../../../../database/columns/instant.js';

/** Activities of a name in a bucket of 15 minutes, without bots. */
@Entity('djaffar_name_rollup', { synchronize: false })
export class NameRollup {
  /** Start of the bucket: in every time zone of today, days begin with one. */
  @PrimaryColumn({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  @PrimaryColumn({ name: 'name', type: 'varchar', length: 64 })
  name!: string;

  @Column({ name: 'activities', type: 'int' })
  activities!: number;
}

/** Activities and views of a path without bots: in buckets of 15 minutes for the last days, and of UTC days before them. */
@Entity('djaffar_path_rollup', { synchronize: false })
export class PathRollup {
  @PrimaryColumn({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  /** The id of the path. */
  @PrimaryColumn({ name: 'path', type: 'int' })
  path!: number;

  @Column({ name: 'activities', type: 'int' })
  activities!: number;

  @Column({ name: 'views', type: 'int' })
  views!: number;
}

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

  /** {@link PathRollup} has daily buckets before this instant. */
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
