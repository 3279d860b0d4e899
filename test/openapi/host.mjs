// A host with everything on, by the packed code: writes its OpenAPI document to the file of the first argument.
import 'reflect-metadata';
import { writeFileSync } from 'node:fs';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ApiSecurity, DocumentBuilder, SwaggerModule } from '@nestjs/swagger';
import { TypeOrmModule } from '@nestjs/typeorm';
import Database from 'libsql';
import { DjaffarModule, djaffarMigrations } from '../../dist/index.mjs';

const adminGuard = {
  canActivate: (context) => context.switchToHttp().getRequest().headers['x-admin'] === 'yes',
};

class AppModule {}
Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'better-sqlite3',
      driver: Database,
      database: ':memory:',
      autoLoadEntities: true,
      migrations: [...djaffarMigrations],
      migrationsRun: true,
    }),
    DjaffarModule.forRoot({
      api: { guards: [adminGuard], decorators: [ApiSecurity('admin')] },
      dashboard: { guards: [adminGuard] },
      decorators: [ApiSecurity({})],
      statistics: { maxWait: 30_000 },
    }),
  ],
})(AppModule);

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
const url = `http://127.0.0.1:${app.getHttpServer().address().port}`;
const config = new DocumentBuilder()
  .setTitle('A host of Djaffar')
  .setDescription('What the package adds to the document of a host.')
  .setLicense('MIT', 'https://opensource.org/license/mit')
  .setVersion('1')
  .addServer(url)
  .addApiKey({ type: 'apiKey', in: 'header', name: 'X-Admin' }, 'admin')
  .build();
writeFileSync(process.argv[2], JSON.stringify(SwaggerModule.createDocument(app, config), null, 2));
console.log(`ready ${url}`);
