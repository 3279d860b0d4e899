import { Session } from '../../../activity/session.js';
import { instant } from '../../../database/columns/instant.js';
import { mapClass } from './map-class.js';

export const sessionTable = mapClass<typeof Session, Session>(Session, 'djaffar_session', {
  id: { type: 'varchar', length: 64, primary: true },
  userAgent: { type: 'varchar', length: 1024, nullable: true },
  startedAt: { type: 'bigint', transformer: instant },
  browser: { type: 'varchar', length: 64, nullable: true },
  system: { type: 'varchar', length: 64, nullable: true },
  device: { type: 'varchar', length: 16, nullable: true },
  country: { type: 'varchar', length: 2, nullable: true },
  language: { type: 'varchar', length: 35, nullable: true },
  bot: { type: 'boolean' },
  consent: { type: 'boolean', nullable: true },
});
