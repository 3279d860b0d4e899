import 'reflect-metadata';
import { configure } from '@codegenie/serverless-express';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DjaffarModule, djaffarMigrations } from '../../lib/index.js';
import { databaseOptions } from '../../sample/database.js';

// A host as a function of AWS Lambda: each message is an event, and is answered by a message.
@Module({
  imports: [
    TypeOrmModule.forRoot({
      ...databaseOptions(process.env.DATABASE_URL),
      autoLoadEntities: true,
      migrations: [...djaffarMigrations],
      migrationsRun: true,
    }),
    DjaffarModule.forRoot({
      api: { guards: [{ canActivate: () => true }] },
      statistics: { background: false },
    }),
  ],
})
class FunctionModule {}

const app = await NestFactory.create(FunctionModule, new ExpressAdapter(), { logger: ['error', 'warn'] });
await app.init();
const handle = configure({ app: app.getHttpAdapter().getInstance() }) as unknown as (
  event: unknown,
  context: object,
) => Promise<{ statusCode: number; body: string }>;

process.on('message', (event) => {
  void handle(event, {}).then((answer) => process.send?.(answer));
});
process.send?.('ready');
