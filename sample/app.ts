import { randomBytes } from 'node:crypto';
import type { INestApplication, LogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import session from 'express-session';
import passport from 'passport';
import { AppModule } from './app.module.js';

const adapters = { express: () => new ExpressAdapter(), fastify: () => new FastifyAdapter() };

/** @throws Error if the adapter is neither `express` nor `fastify` */
export async function createApp(adapter: string, logger: LogLevel[]): Promise<INestApplication> {
  if (adapter !== 'express' && adapter !== 'fastify') {
    throw new Error(`HTTP_ADAPTER is "${adapter}"; allowed: ${Object.keys(adapters).join(', ')}`);
  }
  const app = await NestFactory.create<INestApplication | NestFastifyApplication>(
    AppModule,
    adapters[adapter](),
    // The receiver of webhooks checks the signature of the bytes.
    { logger, rawBody: true },
  );
  app.use(session({ secret: randomBytes(32).toString('hex'), resave: false, saveUninitialized: false }));
  app.use(passport.session());
  return app;
}
