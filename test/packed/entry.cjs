require('reflect-metadata');
const { ExpressAdapter } = require('@nestjs/platform-express');
const { FastifyAdapter } = require('@nestjs/platform-fastify');
const start = require('./app.cjs');

const name = process.argv[2];
const modules = {
  common: require('@nestjs/common'),
  core: require('@nestjs/core'),
  adapter: name === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
  typeorm: require('@nestjs/typeorm'),
  libsql: require('libsql'),
  djaffar: require('nestjs-djaffar'),
};
start(modules, name).catch((error) => {
  console.error(error);
  process.exit(1);
});
