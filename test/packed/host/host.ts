import { Injectable, Module } from '@nestjs/common';
import { djaffar, start } from 'nestjs-djaffar/client';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  type Activity,
  ActivityService,
  ActivityStats,
  DjaffarModule,
  djaffarMigrations,
  type DjaffarOptions,
  type DjaffarOptionsFactory,
  mmdb,
  VisitorService,
} from 'nestjs-djaffar';

// Never run: that it compiles is the test of the typings.
interface Request {
  headers: Record<string, string>;
  user?: { id: number; name: string };
}

@Injectable()
class Options implements DjaffarOptionsFactory {
  createDjaffarOptions(): DjaffarOptions {
    return {
      user: (request: Request) => request.user,
      session: { id: (request: Request) => request.headers['x-session'], maxAge: 'browser' },
      geo: mmdb('countries.mmdb'),
      transform: (activity, request) =>
        request === undefined ? activity : { ...activity, properties: { country: 'DZ' } },
    };
  }
}

@Injectable()
export class Reports {
  constructor(
    private readonly activities: ActivityService,
    private readonly visitors: VisitorService,
    private readonly stats: ActivityStats,
  ) {}

  async latest(request: Request): Promise<Activity[]> {
    await this.activities.track({ path: '/', user: { id: 17n }, ...this.visitors.of(request) });
    for await (const { date, session } of this.activities.stream({ from: new Date(0) })) {
      if (session?.bot) return [{ date } as Activity];
    }
    // With `exactOptionalPropertyTypes`, what may be undefined has to be allowed by name.
    const { items, next } = await this.activities.find({ user: '17' }, { limit: 10, order: 'asc' });
    const session = items[0]?.sessionId ?? undefined;
    for await (const { path } of this.activities.stream({ session }))
      await this.activities.track({ path, session });
    await this.stats.top('path', { session, limit: undefined, from: undefined, timeZone: undefined });
    return (await this.activities.find({ session }, { after: next ?? undefined })).items;
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({ type: 'postgres', autoLoadEntities: true, migrations: [...djaffarMigrations] }),
    DjaffarModule.forRoot(),
    DjaffarModule.forRoot({ path: 'x', user: ({ user }: Request) => user ?? null }),
    DjaffarModule.forRootAsync({ useClass: Options, isGlobal: true }),
    DjaffarModule.forRootAsync({ inject: [Reports], useFactory: async () => ({ ip: 'masked' as const }) }),
  ],
})
export class AppModule {}

export async function visit(): Promise<boolean> {
  start({ hash: true });
  djaffar.configure({ headers: async () => ({ Authorization: 'Bearer token' }), credentials: 'include' });
  return (await djaffar.view('/')) && djaffar.track('seen', { by: 17 });
}
