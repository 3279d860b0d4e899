import 'reflect-metadata';
import {
  type CanActivate,
  Body,
  Controller,
  Get,
  HttpCode,
  Injectable,
  Module,
  Post,
  type Type,
  UseGuards,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { JwtModule } from '@nestjs/jwt';
import { AuthGuard, PassportModule, PassportStrategy } from '@nestjs/passport';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { InjectRepository, TypeOrmModule } from '@nestjs/typeorm';
import { IsISO8601, IsOptional, IsString, MaxLength } from 'class-validator';
import { ExtractJwt, Strategy } from 'passport-jwt';
import { Column, Entity, Index, PrimaryGeneratedColumn, Repository } from 'typeorm';
import { ValidationPipe } from '@nestjs/common';
import { type ActivityPattern, DjaffarModule, djaffarMigrations, type DjaffarOptions } from '../lib/index.js';
import { databaseOptions } from '../sample/database.js';

// One of the hosts that the benchmark compares, selected by the environment: see run.ts.
const { VARIANT = '', ADAPTER = 'fastify', DATABASE_URL, JWT, JWT_SECRET = 'bench' } = process.env;

@Injectable()
class JwtStrategy extends PassportStrategy(Strategy) {
  constructor() {
    super({ jwtFromRequest: ExtractJwt.fromAuthHeaderAsBearerToken(), secretOrKey: JWT_SECRET });
  }

  validate({ sub, name }: { sub: string; name: string }): { id: string; name: string } {
    return { id: sub, name };
  }
}

@Injectable()
class JwtAuthGuard extends AuthGuard('jwt') {}

@Injectable()
class OpenGuard implements CanActivate {
  canActivate(): boolean {
    return true;
  }
}

const Guard = JWT ? JwtAuthGuard : OpenGuard;

@Module({
  imports: [PassportModule, JwtModule.register({ secret: JWT_SECRET })],
  providers: [JwtStrategy, JwtAuthGuard],
  exports: [JwtAuthGuard],
})
class AuthModule {}

/** Returns the CPU time of the requests. */
@Controller('usage')
class UsageController {
  @Get()
  usage(): { cpu: number; memory: number } {
    const { user, system } = process.cpuUsage();
    return { cpu: (user + system) / 1000, memory: process.memoryUsage.rss() };
  }
}

/** The floor: parses the body and answers 204. */
@Controller('djaffar/track')
class FloorController {
  @Post()
  @HttpCode(204)
  @UseGuards(Guard)
  track(@Body() _body: object): void {}
}

@Module({ imports: [AuthModule], controllers: [FloorController, UsageController] })
class FloorModule {}

/** The naive controller: what most would write by hand. */
@Entity('naive_activity')
class NaiveActivity {
  @PrimaryGeneratedColumn('uuid')
  id!: string;

  @Index()
  @Column()
  date!: Date;

  @Column({ length: 2048 })
  path!: string;

  @Column({ type: 'varchar', length: 2048, nullable: true })
  referer!: string | null;

  @Column({ type: 'varchar', nullable: true })
  userId!: string | null;
}

class NaiveDto {
  @IsISO8601()
  date!: string;

  @IsString()
  @MaxLength(2048)
  path!: string;

  @IsOptional()
  @IsString()
  @MaxLength(2048)
  referer?: string;

  @IsOptional()
  @IsString()
  name?: string;
}

@Controller('djaffar/track')
class NaiveController {
  constructor(@InjectRepository(NaiveActivity) private readonly activities: Repository<NaiveActivity>) {}

  @Post()
  @HttpCode(204)
  @UseGuards(Guard)
  async track(
    @Body(new ValidationPipe({ transform: true, whitelist: true })) { date, path, referer }: NaiveDto,
  ): Promise<void> {
    await this.activities.save({ date: new Date(date), path, referer: referer ?? null, userId: null });
  }
}

const database = TypeOrmModule.forRoot({
  ...databaseOptions(DATABASE_URL),
  autoLoadEntities: true,
  migrations: [...djaffarMigrations],
  migrationsRun: true,
  synchronize: VARIANT === 'naive',
});

@Module({
  imports: [database, AuthModule, TypeOrmModule.forFeature([NaiveActivity])],
  controllers: [NaiveController, UsageController],
})
class NaiveModule {}

/** Djaffar. */
@Module({
  imports: [database, AuthModule, DjaffarModule.forRoot({ imports: [AuthModule], guards: [Guard] })],
  controllers: [UsageController],
})
class DjaffarHostModule {}

const withOptions = (options: DjaffarOptions): ReturnType<typeof DjaffarModule.forRoot> =>
  DjaffarModule.forRoot({ imports: [AuthModule], guards: [Guard], ...options });

/** Djaffar without a cookie. */
@Module({
  imports: [database, AuthModule, withOptions({ privacy: 'cookieless' })],
  controllers: [UsageController],
})
class CookielessModule {}

/** Djaffar that erases what is older than 45 days. */
@Module({
  imports: [database, AuthModule, withOptions({ retention: { keep: '45 days' } })],
  controllers: [UsageController],
})
class RetainingModule {}

/** Djaffar with the group of each visitor. */
@Module({
  imports: [database, AuthModule, withOptions({ group: () => ({ type: 'company', id: 17, name: 'Acme' }) })],
  controllers: [UsageController],
})
class GroupModule {}

const withSubscription = (filter: ActivityPattern): ReturnType<typeof DjaffarModule.forRoot> =>
  DjaffarModule.forRoot({
    imports: [AuthModule],
    guards: [Guard],
    subscriptions: [{ name: 'bench', filter, handler: () => {} }],
  });

/** Djaffar with a subscription to what the browser does not send. */
@Module({
  imports: [database, AuthModule, withSubscription({ name: 'order.*' })],
  controllers: [UsageController],
})
class SelectiveModule {}

/** Djaffar with a subscription to everything, which this process delivers. */
@Module({ imports: [database, AuthModule, withSubscription({})], controllers: [UsageController] })
class SubscribedModule {}

/** The floor in a host that also has Djaffar: the cost of a request that tracks nothing. */
@Module({
  imports: [database, AuthModule, DjaffarModule.forRoot({ path: 'beside' })],
  controllers: [FloorController, UsageController],
})
class BesideModule {}

/** The same with `requestContext`. */
@Module({
  imports: [database, AuthModule, DjaffarModule.forRoot({ path: 'beside', requestContext: true })],
  controllers: [FloorController, UsageController],
})
class ContextModule {}

const variants: Record<string, Type> = {
  floor: FloorModule,
  naive: NaiveModule,
  djaffar: DjaffarHostModule,
  cookieless: CookielessModule,
  group: GroupModule,
  retaining: RetainingModule,
  selective: SelectiveModule,
  subscribed: SubscribedModule,
  beside: BesideModule,
  context: ContextModule,
};
const variant = variants[VARIANT];
if (!variant) throw new Error(`VARIANT is "${VARIANT}"; allowed: ${Object.keys(variants).join(', ')}`);
const app = await NestFactory.create(
  variant,
  ADAPTER === 'express' ? new ExpressAdapter() : new FastifyAdapter(),
  { logger: ['error'] },
);
app.enableShutdownHooks(undefined, { useProcessExit: true });
await app.listen(0, '127.0.0.1');
process.stdout.write(`ready on http://127.0.0.1:${app.getHttpServer().address().port}/\n`);
