// Ours first: it must not matter what is loaded before what.
import * as djaffar from 'nestjs-djaffar';
import 'reflect-metadata';
import assert from 'node:assert';
import { createRequire } from 'node:module';
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import * as typeorm from '@nestjs/typeorm';
import start from './app.cjs';

// A host that mixes both has the same classes.
const required = createRequire(import.meta.url)('nestjs-djaffar');
assert.deepEqual(Object.keys(djaffar).sort(), Object.keys(required).sort());
const imported = { ...djaffar };
for (const [name, value] of Object.entries(required)) assert.equal(imported[name], value, name);

const isExpress = process.env.ADAPTER === 'express';
const platform = await import(isExpress ? '@nestjs/platform-express' : '@nestjs/platform-fastify');
const adapter = isExpress ? new platform.ExpressAdapter() : new platform.FastifyAdapter();
const { default: driver } = await import(process.env.DRIVER);
const optional = process.env.OPTIONAL && {
  swagger: await import('@nestjs/swagger'),
  passport: await import('@nestjs/passport'),
  Strategy: (await import('passport')).default.Strategy,
};
await start({ common, core, adapter, typeorm, driver, djaffar, ...optional });
