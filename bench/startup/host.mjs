// Starts a host with or without Djaffar (the first argument), and prints its CPU time and memory.
import 'reflect-metadata';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
// Hosts have these packages already, the last one if it is installed.
import * as transformer from 'class-transformer';
import * as validator from 'class-validator';
import * as passport from '@nestjs/passport';
import Database from 'libsql';

const [, , variant, database] = process.argv;
const imports = [];
const options = { type: 'better-sqlite3', driver: Database, database, autoLoadEntities: true };
if (variant !== 'without') {
  const { DjaffarModule, djaffarMigrations } = await import('../../dist/index.mjs');
  const guards = [{ canActivate: () => true }];
  Object.assign(options, { migrations: [...djaffarMigrations], migrationsRun: true });
  imports.push(DjaffarModule.forRoot(variant === 'all' ? { api: { guards }, dashboard: { guards } } : {}));
}
if (!transformer || !validator || !passport) throw new Error('not loaded');
class AppModule {}
Module({ imports: [TypeOrmModule.forRoot(options), ...imports] })(AppModule);
const app = await NestFactory.create(AppModule, { logger: false });
await app.listen(0, '127.0.0.1');
const { user, system } = process.cpuUsage();
const wall = performance.now();
globalThis.gc?.();
const { rss, heapUsed } = process.memoryUsage();
console.log(
  JSON.stringify({ cpu: (user + system) / 1000, wall, rss: rss / 2 ** 20, heap: heapUsed / 2 ** 20 }),
);
await app.close();
