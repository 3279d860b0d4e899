import { Column, Entity, Index, JoinColumn, ManyToOne, PrimaryColumn } from 'typeorm';
import { instant } from '../database/columns/instant.js';
import { json } from '../database/columns/json.js';
import { Session } from './session.entity.js';
import { MAX_SUBJECT } from './subject.js';

/** A JSON object that says more about an activity. */
export type Properties = Record<string, unknown>;

/** One thing that was done, at a `path`, at a `date`. */
// The columns are named so that a naming strategy of the host leaves them as the migrations have made them.
@Entity('djaffar_activity')
// Of one column each: PostgreSQL keeps a value once in an index however many rows have it.
@Index('djaffar_activity_session', ['sessionId'])
@Index('djaffar_activity_visit', ['visitId'])
// The migration makes these, in each dialect's way.
@Index('djaffar_activity_date', { synchronize: false })
@Index('djaffar_activity_timestamp', { synchronize: false })
@Index('djaffar_activity_minute', { synchronize: false })
@Index('djaffar_activity_received', { synchronize: false })
@Index('djaffar_activity_path', { synchronize: false })
@Index('djaffar_activity_page', { synchronize: false })
@Index('djaffar_activity_user', { synchronize: false })
@Index('djaffar_activity_subject', { synchronize: false })
export class Activity {
  /** The client's own UUID, or a UUIDv7 made by the server. */
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id!: string;

  /** When it happened: the client's clock, corrected where the client said what its clock showed at sending. */
  @Column({ name: 'date', type: 'bigint', transformer: instant })
  date!: Date;

  /** When the server took it; by the database's clock if the server's is wrong by more than 2 s. */
  @Column({ name: 'receivedAt', type: 'bigint', transformer: instant })
  receivedAt!: Date;

  /** What was done, at most 64 characters. */
  @Column({ name: 'name', type: 'varchar', length: 64 })
  name!: string;

  /** Where it was done, at most 2,048 characters. */
  @Column({ name: 'path', type: 'varchar', length: 2048 })
  path!: string;

  /**
   * The page of the path as statistics count it; `null` if it is the path itself.
   * @internal {@link Pages} finds it when the activity is written
   */
  @Column({ name: 'page', type: 'varchar', length: 2048, nullable: true, select: false })
  page?: string | null;

  /** The pattern of the route, such as `/orders/:id/pay`, at most 255 characters; `null` if it is not known. */
  @Column({ name: 'route', type: 'varchar', length: 255, nullable: true })
  route!: string | null;

  /** Where the user came from, at most 2,048 characters. */
  @Column({ name: 'referer', type: 'varchar', length: 2048, nullable: true })
  referer!: string | null;

  /** In a `where` it is compared as a whole, with its keys in the same order. */
  @Column({ name: 'properties', type: 'text', nullable: true, transformer: json })
  properties!: Properties | null;

  /** To what it was done, as server code said: a type and an id, such as `order:17`. */
  @Column({ name: 'subject', type: 'varchar', length: MAX_SUBJECT, nullable: true })
  subject!: string | null;

  /** The host's id of the user as text; `null` for an anonymous visitor. Never a foreign key. */
  @Column({ name: 'userId', type: 'varchar', length: 255, nullable: true })
  userId!: string | null;

  @Column({ name: 'userName', type: 'varchar', length: 255, nullable: true })
  userName!: string | null;

  /** `null` for what server code tracked without a session. */
  @Column({ name: 'sessionId', type: 'varchar', length: 64, nullable: true })
  sessionId!: string | null;

  @ManyToOne(() => Session, { createForeignKeyConstraints: false, nullable: true, persistence: false })
  @JoinColumn({ name: 'sessionId' })
  session!: Session | null;

  /** One stay of a session, ended by 30 minutes without activity. */
  @Column({ name: 'visitId', type: 'varchar', length: 16, nullable: true })
  visitId!: string | null;

  @Column({ name: 'ipAddress', type: 'varchar', length: 45, nullable: true })
  ipAddress!: string | null;

  /** `false` if a visit with it and one other activity still bounced; `null` is the same as `true`. */
  @Column({ name: 'interactive', type: 'boolean', nullable: true })
  interactive!: boolean | null;
}

/** The columns of an activity, without what is derived from them. */
export type StoredActivity = Omit<Activity, 'session' | 'page'>;
