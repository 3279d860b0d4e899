import 'reflect-metadata';
import type { LogLevel } from '@nestjs/common';
import { ActivityService } from '../lib/index.js';
import { createApp } from './app.js';
import { seed } from './seed/seed.js';

const LEVELS: LogLevel[] = ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'];

const { PORT = '3000', HTTP_ADAPTER = 'express', LOG_LEVEL = 'log', SEED = 'true' } = process.env;
const level = LEVELS.findIndex((name) => name === LOG_LEVEL);
if (level < 0) throw new Error(`LOG_LEVEL is "${LOG_LEVEL}"; allowed: ${LEVELS.join(', ')}`);
if (SEED !== 'true' && SEED !== 'false') throw new Error(`SEED is "${SEED}"; allowed: true, false`);

const app = await createApp(HTTP_ADAPTER, LEVELS.slice(0, level + 1));
await app.init();
if (SEED === 'true') await seed(app.get(ActivityService, { strict: false }));
// Until here a signal ends the process at once, so that generating activities does not delay it.
app.enableShutdownHooks(undefined, { useProcessExit: true });
await app.listen(Number(PORT), '0.0.0.0');
const { port } = app.getHttpServer().address();
process.stdout.write(`ready on http://localhost:${port}/\n`);
