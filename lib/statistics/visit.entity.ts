import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { instant } from '../activity/instant.js';
import { Session } from '../activity/session.entity.js';

/** One stay of a session, made from its activities; docs/statistics.md tells how. */
@Entity('djaffar_visit')
@Index('djaffar_visit_started', ['startedAt'])
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

  /** Whole seconds. */
  @Column({ name: 'duration', type: 'int' })
  duration!: number;

  @Column({ name: 'activities', type: 'int' })
  activities!: number;

  @Column({ name: 'views', type: 'int' })
  views!: number;

  @Column({ name: 'bounced', type: 'boolean' })
  bounced!: boolean;

  /** As of the session: here too, so that bots can be left out without looking there. */
  @Column({ name: 'bot', type: 'boolean' })
  bot!: boolean;

  @Column({ name: 'entry', type: 'varchar', length: 2048 })
  entry!: string;

  @Column({ name: 'exit', type: 'varchar', length: 2048 })
  exit!: string;

  /** A host, without `www.`. */
  @Column({ name: 'referrer', type: 'varchar', length: 255, nullable: true })
  referrer!: string | null;

  @Column({ name: 'utmSource', type: 'varchar', length: 255, nullable: true })
  utmSource!: string | null;

  @Column({ name: 'utmMedium', type: 'varchar', length: 255, nullable: true })
  utmMedium!: string | null;

  @Column({ name: 'utmCampaign', type: 'varchar', length: 255, nullable: true })
  utmCampaign!: string | null;
}
