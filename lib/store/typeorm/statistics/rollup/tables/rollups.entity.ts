import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../../../../../database/column-transformers.js';

/** A page, which visits and rollups store by id because most pages recur. It is deleted with its last activity. */
@Entity('djaffar_path', { synchronize: false })
export class Path {
  @PrimaryColumn({ name: 'id', type: 'int' })
  id!: number;

  @Column({ name: 'path', type: 'varchar', length: 2048 })
  path!: string;
}

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
