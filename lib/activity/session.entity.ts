import { Column, Entity, Index, PrimaryColumn } from 'typeorm';
import { instant } from '../database/columns/instant.js';

/** One browser: what the `djaffar_session` cookie, or the host's own session, stands for. */
@Entity('djaffar_session')
// The migration makes it, where the dialect has it.
@Index('djaffar_session_bot', { synchronize: false })
export class Session {
  /** A random id, or the SHA-256 (hexadecimal) of what the host's option `session.id` gave. */
  @PrimaryColumn({ name: 'id', type: 'varchar', length: 64 })
  id!: string;

  /** The first user agent that was seen, at most 1,024 characters of it. */
  @Column({ name: 'userAgent', type: 'varchar', length: 1024, nullable: true })
  userAgent!: string | null;

  /** The server's clock at the first activity. */
  @Column({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  /** The browser's name without its version, such as `Firefox`. */
  @Column({ name: 'browser', type: 'varchar', length: 64, nullable: true })
  browser!: string | null;

  /** The operating system's name, such as `Windows`. */
  @Column({ name: 'system', type: 'varchar', length: 64, nullable: true })
  system!: string | null;

  /** The kind of device: `desktop`, `mobile`, `tablet`, `tv` or `bot`. */
  @Column({ name: 'device', type: 'varchar', length: 16, nullable: true })
  device!: string | null;

  /** Whether the user agent is that of a known bot. */
  @Column({ name: 'bot', type: 'boolean' })
  bot!: boolean;
}

/** The session of some activities; its row is asked for only if it may be new. */
export interface NewSession {
  id: string;
  row(): Session;
}
