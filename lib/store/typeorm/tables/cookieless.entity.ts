import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../../../database/column-transformers.js';
import type { CookielessVisit as CookielessVisitModel, Salt as SaltModel } from '../../../privacy/salt.js';

@Entity('djaffar_cookieless_visit', { synchronize: false })
export class CookielessVisit implements CookielessVisitModel {
  @PrimaryColumn({ name: 'sessionId', type: 'varchar', length: 64 })
  sessionId!: string;

  @Column({ name: 'visitId', type: 'varchar', length: 16 })
  visitId!: string;

  @Column({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  @Column({ name: 'lastSeen', type: 'bigint', transformer: instant })
  lastSeen!: Date;

  @Column({ name: 'userDigest', type: 'varchar', length: 8 })
  user!: string;

  @Column({ name: 'version', type: 'int' })
  version!: number;
}

@Entity('djaffar_salt', { synchronize: false })
export class Salt implements SaltModel {
  @PrimaryColumn({ name: 'period', type: 'int' })
  period!: number;

  @Column({ name: 'secret', type: 'varchar', length: 43 })
  secret!: string;
}
