import 'reflect-metadata';
import * as common from '@nestjs/common';
import * as core from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import * as typeorm from '@nestjs/typeorm';
import * as djaffar from 'nestjs-djaffar';
import driver from 'pg';
import start from './app.cjs';

void start({ common, core, adapter: new ExpressAdapter(), typeorm, driver, djaffar });
