import { randomBytes } from 'node:crypto';
import { Module } from '@nestjs/common';
import { APP_FILTER } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { PassportModule } from '@nestjs/passport';
import { AuthController } from './auth.controller.js';
import { AdminGuard, DashboardGuard, JwtAuthGuard, SessionGuard } from './guards.js';
import { RefusedPageFilter } from './refused-page.js';
import { JWT_SECRET, JwtStrategy, LocalStrategy, SessionSerializer } from './strategies.js';
import { UsersService } from './users.service.js';

// Random by default, so that tokens are invalid after a restart. A real app, and one of several instances, configures a secret.
const { JWT_KEY: secret = randomBytes(32).toString('hex') } = process.env;

@Module({
  imports: [
    PassportModule.register({ session: true }),
    JwtModule.register({ secret, signOptions: { expiresIn: '1h' } }),
  ],
  controllers: [AuthController],
  providers: [
    { provide: JWT_SECRET, useValue: secret },
    UsersService,
    LocalStrategy,
    JwtStrategy,
    SessionSerializer,
    SessionGuard,
    JwtAuthGuard,
    AdminGuard,
    DashboardGuard,
    { provide: APP_FILTER, useClass: RefusedPageFilter },
  ],
  exports: [SessionGuard, JwtAuthGuard, AdminGuard, DashboardGuard],
})
export class AuthModule {}
