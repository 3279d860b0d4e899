import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { instant, milliseconds } from '../../../../../database/column-transformers.js';
import { Session } from '../../../../../activity/session.js';

/** One stay of a session, rebuilt from its activities; see docs/statistics.md. */
@Entity('djaffar_visit', { synchronize: false })
// Covers the measures of visits, so that they are read from the index alone.
@Index('djaffar_visit_started', [
  'startedAt',
  'bot',
  'mixed',
  'bounced',
  'duration',
  'previousSessionVisitAt',
  'previousUserVisitAt',
])
// With the start, to find the neighbours of a visit if a session has many.
@Index('djaffar_visit_session', ['sessionId', 'startedAt'])
@Index('djaffar_visit_user', ['userId', 'startedAt'])
export class Visit {
  @PrimaryColumn({ name: 'id', type: 'varchar', length: 16 })
  id!: string;

  @Column({ name: 'sessionId', type: 'varchar', length: 64, nullable: true })
  sessionId!: string | null;

  @ManyToOne(() => Session, { createForeignKeyConstraints: false, nullable: true, persistence: false })
  @JoinColumn({ name: 'sessionId' })
  session!: Session | null;

  @Column({ name: 'userId', type: 'varchar', length: 255, nullable: true })
  userId!: string | null;

  @Column({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  @Column({ name: 'endedAt', type: 'bigint', transformer: instant })
  endedAt!: Date;

  /** Whole seconds, at most a day. */
  @Column({ name: 'duration', type: 'int' })
  duration!: number;

  @Column({ name: 'activities', type: 'int' })
  activities!: number;

  @Column({ name: 'views', type: 'int' })
  views!: number;

  @Column({ name: 'bounced', type: 'boolean' })
  bounced!: boolean;

  // Copied from the session, to save a join.

  @Column({ name: 'bot', type: 'boolean' })
  bot!: boolean;

  /**
   * Whether its activities belong to several sessions, or are more than a day apart (`MAX_LENGTH` in visit-boundaries.ts). They are
   * then counted individually. The session above is that of the first activity.
   */
  @Column({ name: 'mixed', type: 'boolean' })
  mixed!: boolean;

  @Column({ name: 'browser', type: 'varchar', length: 64, nullable: true })
  browser!: string | null;

  @Column({ name: 'system', type: 'varchar', length: 64, nullable: true })
  system!: string | null;

  @Column({ name: 'device', type: 'varchar', length: 16, nullable: true })
  device!: string | null;

  @Column({ name: 'country', type: 'varchar', length: 2, nullable: true })
  country!: string | null;

  @Column({ name: 'language', type: 'varchar', length: 35, nullable: true })
  language!: string | null;

  /**
   * Start (ms) of the session's previous visit, -1 if there is none, `null` without a session. If it is before the range,
   * this visit is the session's first in the range; so distinct sessions can be summed.
   */
  @Column({ name: 'previousSessionVisitAt', type: 'bigint', nullable: true, transformer: milliseconds })
  previousSessionVisitAt!: number | null;

  /** Start (ms) of the user's previous visit, -1 if there is none, `null` without a user. */
  @Column({ name: 'previousUserVisitAt', type: 'bigint', nullable: true, transformer: milliseconds })
  previousUserVisitAt!: number | null;

  /** The id of a path. */
  @Column({ name: 'entry', type: 'int' })
  entry!: number;

  @Column({ name: 'exit', type: 'int' })
  exit!: number;

  /** The paths of its views, encoded by path-sequence.ts; `null` if the visit has too many activities. */
  @Column({ name: 'pathSequence', type: 'text', nullable: true })
  pathSequence!: string | null;

  /** Paths of activities other than views, unordered; `null` if none. */
  @Column({ name: 'otherPaths', type: 'text', nullable: true })
  otherPaths!: string | null;

  /** Number of activities per name, except views, encoded by name-counts.ts; `null` if none. */
  @Column({ name: 'nameCounts', type: 'text', nullable: true })
  nameCounts!: string | null;

  /** A host in Unicode, or the package of an app, without `www.`. */
  @Column({ name: 'referrer', type: 'varchar', length: 255, nullable: true })
  referrer!: string | null;

  @Column({ name: 'utmSource', type: 'varchar', length: 255, nullable: true })
  utmSource!: string | null;

  @Column({ name: 'utmMedium', type: 'varchar', length: 255, nullable: true })
  utmMedium!: string | null;

  @Column({ name: 'utmCampaign', type: 'varchar', length: 255, nullable: true })
  utmCampaign!: string | null;

  @Column({ name: 'utmTerm', type: 'varchar', length: 255, nullable: true })
  utmTerm!: string | null;

  @Column({ name: 'utmContent', type: 'varchar', length: 255, nullable: true })
  utmContent!: string | null;
}
