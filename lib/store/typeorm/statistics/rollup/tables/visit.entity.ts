import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { instant, milliseconds } from '../../../../../database/columns/instant.js';
import { Session } from '../../../../../activity/session.entity.js';

/** One stay of a session, made from its activities; docs/statistics.md tells how. */
@Entity('djaffar_visit')
// With all that figures are made of, which need not look at the rows then.
@Index('djaffar_visit_started', [
  'startedAt',
  'bot',
  'mixed',
  'bounced',
  'duration',
  'sessionBefore',
  'userBefore',
])
// The start finds the neighbours of a visit among very many of a session.
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

  // As of the session, here too so that nobody has to look there.

  @Column({ name: 'bot', type: 'boolean' })
  bot!: boolean;

  /**
   * Whether its activities are of several sessions, or of more than a day, as server code may track them: they are counted
   * one by one. The session above is the first's.
   */
  @Column({ name: 'mixed', type: 'boolean' })
  mixed!: boolean;

  @Column({ name: 'browser', type: 'varchar', length: 64, nullable: true })
  browser!: string | null;

  @Column({ name: 'system', type: 'varchar', length: 64, nullable: true })
  system!: string | null;

  @Column({ name: 'device', type: 'varchar', length: 16, nullable: true })
  device!: string | null;

  /**
   * When the visit before began, in milliseconds: of the same session, or -1 for the first; `null` without a session. So
   * a visit is its session's first in a range where this is before it, and sessions are counted without comparing them.
   */
  @Column({ name: 'sessionBefore', type: 'bigint', nullable: true, transformer: milliseconds })
  sessionBefore!: number | null;

  /** The same of the user's visits. */
  @Column({ name: 'userBefore', type: 'bigint', nullable: true, transformer: milliseconds })
  userBefore!: number | null;

  /** The number of a path, as the others of a visit. */
  @Column({ name: 'entry', type: 'int' })
  entry!: number;

  @Column({ name: 'exit', type: 'int' })
  exit!: number;

  /** The paths of its views; way.ts tells how. `null` where the visit has too many activities. */
  @Column({ name: 'way', type: 'text', nullable: true })
  way!: string | null;

  /** The other paths that its activities have, in no order; `null` where there are none, too. */
  @Column({ name: 'beside', type: 'text', nullable: true })
  beside!: string | null;

  /** How often what was done, but for views; doings.ts tells how. `null` where there is nothing else, too. */
  @Column({ name: 'doings', type: 'text', nullable: true })
  doings!: string | null;

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
