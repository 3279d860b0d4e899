require('reflect-metadata');
const start = require('./app.cjs');

const isExpress = process.env.ADAPTER === 'express';
const platform = require(isExpress ? '@nestjs/platform-express' : '@nestjs/platform-fastify');

start({
  // Ours first: it must not matter what is loaded before what.
  djaffar: require('nestjs-djaffar'),
  common: require('@nestjs/common'),
  core: require('@nestjs/core'),
  adapter: isExpress ? new platform.ExpressAdapter() : new platform.FastifyAdapter(),
  typeorm: require('@nestjs/typeorm'),
  driver: require(process.env.DRIVER),
  ...(process.env.OPTIONAL && {
    swagger: require('@nestjs/swagger'),
    passport: require('@nestjs/passport'),
    Strategy: require('passport').Strategy,
  }),
}).catch((error) => {
  console.error(error);
  process.exit(1);
});
