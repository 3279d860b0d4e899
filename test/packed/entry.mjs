import 'reflect-metadata';
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import * as typeorm from '@nestjs/typeorm';
import libsql from 'libsql';
import * as djaffar from 'nestjs-djaffar';
import start from './app.cjs';

const name = process.argv[2];
const adapter = name === 'express' ? new ExpressAdapter() : new FastifyAdapter();
await start({ common, core, adapter, typeorm, libsql, djaffar }, name);
