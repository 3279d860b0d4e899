import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant, milliseconds } from '../../../../../database/columns/instant.js';

/** How many activities of a name there were in a quarter of an hour, bots left out. */
@Entity('djaffar_total')
export class Total {
  /** The beginning of the quarter: each time zone of today begins its days with one. */
  @PrimaryColumn({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  @PrimaryColumn({ name: 'name', type: 'varchar', length: 64 })
  name!: string;

  @Column({ name: 'activities', type: 'int' })
  activities!: number;
}

/** How many activities, and views among them, a path had: in quarters of an hour of the last days, in UTC days before them. */
@Entity('djaffar_path_total')
export class PathTotal {
  @PrimaryColumn({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  /** Its number. */
  @PrimaryColumn({ name: 'path', type: 'int' })
  path!: number;

  @Column({ name: 'activities', type: 'int' })
  activities!: number;

  @Column({ name: 'views', type: 'int' })
  views!: number;
}

/** How far the statistics are, in one row. */
@Entity('djaffar_rollup')
export class RollupState {
  @PrimaryColumn({ name: 'id', type: 'int' })
  id!: number;

  /** Changed with each change of the statistics, so that of two who change them at once one begins again. */
  @Column({ name: 'version', type: 'int' })
  version!: number;

  /** Which instance works on the statistics; `null` if none does. */
  @Column({ name: 'leaseHolder', type: 'varchar', length: 36, nullable: true })
  leaseHolder!: string | null;

  /** Until when it may, by the database's clock. */
  @Column({ name: 'leaseUntil', type: 'bigint', transformer: instant })
  leaseUntil!: Date;

  /** When visits of very many activities may be recomputed again, by the database's clock. */
  @Column({ name: 'largeFrom', type: 'bigint', transformer: instant })
  largeFrom!: Date;

  /** Up to here, {@link PathTotal} holds days. */
  @Column({ name: 'daysUntil', type: 'bigint', transformer: instant })
  daysUntil!: Date;

  /** Milliseconds: no visit that is not mixed is, or was, longer. */
  @Column({ name: 'longest', type: 'bigint', transformer: milliseconds })
  longest!: number;

  /** The same of mixed visits. */
  @Column({ name: 'longestMixed', type: 'bigint', transformer: milliseconds })
  longestMixed!: number;
}
