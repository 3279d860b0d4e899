import { on, once } from 'node:events';
import { setImmediate } from 'node:timers/promises';
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Controller, Injectable } from '@nestjs/common';
import { Args, GraphQLModule, Query, ResolveField, Resolver } from '@nestjs/graphql';
import {
  ClientProxyFactory,
  MessagePattern,
  type MicroserviceOptions,
  Transport,
} from '@nestjs/microservices';
import { WsAdapter } from '@nestjs/platform-ws';
import { MessageBody, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { lastValueFrom, type Observable, of } from 'rxjs';
import { WebSocket } from 'ws';
import { type Activity, ActivityService, Track } from '../../lib/index.js';
import { type Host, startHost } from '../support/host.js';

const SCHEMA = `
  type Query { order(id: ID!): Order, failing: Order }
  type Order { id: ID!, total: Int }
`;

@Injectable()
class Orders {
  constructor(private readonly activities: ActivityService) {}

  async note(name: string): Promise<void> {
    await this.activities.track({ name, path: '/noted' });
  }
}

@Resolver('Order')
class OrderResolver {
  constructor(private readonly orders: Orders) {}

  @Query('order')
  @Track('order.opened', { subject: ({ params }) => ['order', String(params.id)] })
  async order(@Args('id') id: string): Promise<{ id: string }> {
    await this.orders.note('order.noted');
    return { id };
  }

  @Query('failing')
  @Track('order.failing')
  failing(): never {
    throw new Error('no such order');
  }

  @ResolveField('total')
  @Track('order.summed')
  total(): number {
    return 17;
  }
}

@WebSocketGateway()
class OrderGateway {
  constructor(private readonly orders: Orders) {}

  @SubscribeMessage('open')
  @Track('order.watched', { properties: ({ result }) => ({ result }) })
  async open(@MessageBody() id: string): Promise<object> {
    await this.orders.note('order.noted');
    return { event: 'opened', data: id };
  }

  @SubscribeMessage('buy')
  @Track('order.bought', { await: true, properties: ({ result }) => ({ result }) })
  buy(): Observable<object> {
    return of({ event: 'buying' }, { event: 'bought' });
  }

  @SubscribeMessage('ask')
  ask(): object {
    return { event: 'answered' };
  }
}

@Controller()
class OrderMessages {
  constructor(private readonly orders: Orders) {}

  @MessagePattern('pay')
  @Track('order.paid')
  async pay(id: string): Promise<string> {
    await this.orders.note('order.noted');
    return `paid ${id}`;
  }
}

describe('handlers with @Track', () => {
  let host: Host;

  afterEach(() => host.close());

  async function stored(count: number): Promise<Activity[]> {
    let found: Activity[];
    do {
      await setImmediate();
      found = await host.stored();
    } while (found.length < count);
    return found.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  describe('of GraphQL', () => {
    beforeEach(async () => {
      host = await startHost({
        adapter: 'express',
        imports: [
          GraphQLModule.forRoot<ApolloDriverConfig>({
            driver: ApolloDriver,
            typeDefs: SCHEMA,
            playground: false,
          }),
        ],
        providers: [Orders, OrderResolver],
        djaffar: { requestContext: true },
      });
    });

    const ask = async (query: string): Promise<{ answer: unknown; cookies: string[] }> => {
      const answer = await fetch(`${host.url}/graphql`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ query }),
      });
      return { answer: await answer.json(), cookies: answer.headers.getSetCookie() };
    };

    it('are tracked once for each root field, in one session, with its cookie', async () => {
      const { answer, cookies } = await ask('{ a: order(id: "1") { id total } b: order(id: "2") { total } }');
      expect(answer).toEqual({ data: { a: { id: '1', total: 17 }, b: { total: 17 } } });
      const activities = await stored(4);
      expect(activities.map(({ name, path, subject }) => [name, path, subject])).toEqual([
        ['order.noted', '/noted', null],
        ['order.noted', '/noted', null],
        ['order.opened', '/graphql', expect.stringMatching(/^order:[12]$/)],
        ['order.opened', '/graphql', expect.stringMatching(/^order:[12]$/)],
      ]);
      expect(new Set(activities.map(({ sessionId, visitId }) => `${sessionId} ${visitId}`)).size).toBe(1);
      expect(activities[0]?.sessionId).toEqual(expect.any(String));
      expect(cookies).toEqual([expect.stringMatching(/^djaffar_session=/)]);
    });

    it('are not tracked if they fail', async () => {
      await ask('{ failing { id } }');
      await ask('{ order(id: "1") { id } }');
      expect((await stored(2)).map(({ name }) => name)).toEqual(['order.noted', 'order.opened']);
    });
  });

  it('of WebSocket gateways have their class and method as the path, and no request', async () => {
    host = await startHost({
      adapter: 'fastify',
      providers: [Orders, OrderGateway],
      djaffar: { requestContext: true },
      configure: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
    });
    const socket = new WebSocket(host.url.replace('http:', 'ws:'));
    await once(socket, 'open');
    socket.send(JSON.stringify({ event: 'open', data: '17' }));
    const [message] = await once(socket, 'message');
    expect(JSON.parse(String(message))).toEqual({ event: 'opened', data: '17' });
    expect(await stored(2)).toMatchObject([
      { name: 'order.noted', sessionId: null, ipAddress: null },
      { name: 'order.watched', path: 'OrderGateway.open', sessionId: null, ipAddress: null },
    ]);
    socket.close();
  });

  it('of WebSocket gateways send the last value when the activity is committed, if they wait for it', async () => {
    host = await startHost({
      adapter: 'fastify',
      providers: [Orders, OrderGateway],
      configure: (app) => void app.useWebSocketAdapter(new WsAdapter(app)),
    });
    const socket = new WebSocket(host.url.replace('http:', 'ws:'));
    const messages = on(socket, 'message');
    const next = async (): Promise<unknown> => {
      const { value } = await messages.next();
      return JSON.parse(String(value[0]));
    };
    await once(socket, 'open');
    await host.dataSource.transaction(async () => {
      // On SQLite, nothing else is committed in the meantime.
      for (const event of ['buy', 'ask']) socket.send(JSON.stringify({ event, data: {} }));
      // Either may come first.
      expect([await next(), await next()]).toEqual(
        expect.arrayContaining([{ event: 'buying' }, { event: 'answered' }]),
      );
    });
    expect(await next()).toEqual({ event: 'bought' });
    expect(await host.stored()).toMatchObject([
      { name: 'order.bought', properties: { result: { event: 'bought' } } },
    ]);
    socket.close();
  });

  it('of microservices have their class and method as the path, and no request', async () => {
    host = await startHost({
      adapter: 'fastify',
      providers: [Orders],
      controllers: [OrderMessages],
      djaffar: { requestContext: true },
      configure: async (app) => {
        app.connectMicroservice<MicroserviceOptions>(
          { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } },
          { inheritAppConfig: true },
        );
        await app.startAllMicroservices();
      },
    });
    const [service] = host.app.getMicroservices();
    const { port } = service?.unwrap<{ address(): { port: number } }>().address() ?? { port: 0 };
    const client = ClientProxyFactory.create({
      transport: Transport.TCP,
      options: { host: '127.0.0.1', port },
    });
    expect(await lastValueFrom(client.send('pay', '17'))).toBe('paid 17');
    expect(await stored(2)).toMatchObject([
      { name: 'order.noted', sessionId: null, ipAddress: null },
      { name: 'order.paid', path: 'OrderMessages.pay', sessionId: null, ipAddress: null },
    ]);
    client.close();
  });
});
