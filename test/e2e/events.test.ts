import { Transform, Type } from 'class-transformer';
import { IsInt, IsObject, IsOptional, IsString, Min, ValidateNested } from 'class-validator';
import { InvalidActivityError } from '../../lib/index.js';
import { type Host, type HostOptions, startHost } from '../support/host.js';

class Address {
  @IsString()
  city!: string;
}

class OrderPaid {
  @IsInt()
  @Min(1)
  total!: number;

  @IsOptional()
  @ValidateNested()
  @Type(() => Address)
  address?: Address;

  @IsOptional()
  @IsObject()
  details?: object;

  @IsOptional()
  @Transform(({ value }: { value: string }) => value.trim())
  coupon?: string;
}

class OrderOpened {}

const date = '2026-02-03T04:05:06.789Z';
const options = (unknownEvents?: 'accept' | 'mark' | 'reject'): HostOptions => ({
  adapter: 'express',
  djaffar: { events: { 'order.paid': OrderPaid, 'order.opened': OrderOpened }, unknownEvents },
});

describe('the option events', () => {
  let host: Host;

  beforeAll(async () => {
    host = await startHost(options('reject'));
  });
  afterAll(() => host.close());

  it('stores what the class allows, unchanged', async () => {
    const properties = { total: 42, address: { city: 'Oran' } };
    const answer = await host.post({ date, path: '/', name: 'order.paid', properties });
    expect(answer.status).toBe(204);
    expect((await host.post({ date, path: '/' })).status).toBe(204);
    const [paid, view] = await host.stored();
    expect([paid, view].map((each) => [each?.name, each?.properties])).toEqual(
      expect.arrayContaining([
        ['order.paid', properties],
        ['view', null],
      ]),
    );
  });

  it('answers 400 by the name of what is wrong, and stores nothing of it', async () => {
    const before = (await host.stored()).length;
    const answer = await host.post({
      activities: [
        { date, path: '/' },
        { date, path: '/', name: 'order.paid', properties: { total: 0, address: { city: 5 }, voucher: 'x' } },
        { date, path: '/', name: 'order.paid' },
        { date, path: '/', name: 'order.payed' },
      ],
    });
    expect(answer.status).toBe(400);
    const { errors } = (await answer.json()) as { errors: Record<string, string[]> };
    expect(errors).toEqual({
      'activities.1.properties.total': ['activities.1.properties.total must not be less than 1'],
      'activities.1.properties.address.city': ['activities.1.properties.address.city must be a string'],
      'activities.1.properties.voucher': ['activities.1.properties.voucher is not known'],
      'activities.2.properties.total': expect.any(Array),
      'activities.3.name': ['activities.3.name is not in the option "events": order.payed'],
    });
    expect((await host.stored()).length).toBe(before);
  });

  it.each([
    [{ constructor: 1 }, 'properties.constructor'],
    [{ toString: 'x', total: 1 }, 'properties.toString'],
    [{ total: 1, hasOwnProperty: true }, 'properties.hasOwnProperty'],
    [{ x: { constructor: 1 } }, 'properties.x.constructor'],
    [{ total: 1, details: { constructor: 1 } }, 'properties.details.constructor'],
    [{ total: 1, x: [{ valueOf: 1 }] }, 'properties.x.0.valueOf'],
    [{ total: 1, address: { city: 'Oran', constructor: {} } }, 'properties.address.constructor'],
  ])('answers 400 for %j, whose key each object has', async (properties, name) => {
    const answer = await host.post({ date, path: '/', name: 'order.paid', properties });
    expect(answer.status).toBe(400);
    await expect(answer.json()).resolves.toMatchObject({ errors: { [name]: [`${name} is not known`] } });
    const tracked = host.activities.track({ path: '/', name: 'order.paid', properties });
    await expect(tracked).rejects.toThrow(InvalidActivityError);
  });

  it('answers 400 if a class throws while it reads properties', async () => {
    const answer = await host.post({
      date,
      path: '/',
      name: 'order.paid',
      properties: { total: 1, coupon: 5 },
    });
    expect(answer.status).toBe(400);
    await expect(answer.json()).resolves.toMatchObject({ errors: { properties: [expect.any(String)] } });
  });

  it('stores an event whose class has no properties, and refuses those it is sent with', async () => {
    const opened = { date, path: '/', name: 'order.opened' };
    expect((await host.post(opened)).status).toBe(204);
    expect((await host.post({ ...opened, properties: {} })).status).toBe(204);
    const answer = await host.post({ ...opened, properties: { from: 'mail' } });
    expect(answer.status).toBe(400);
    await expect(answer.json()).resolves.toMatchObject({
      errors: { 'properties.from': ['properties.from is not known'] },
    });
  });

  it('refuses the same of server code', async () => {
    const wrong = host.activities.track({ path: '/', name: 'order.paid', properties: { total: '42' } });
    await expect(wrong).rejects.toThrow(InvalidActivityError);
    await expect(host.activities.track({ path: '/', name: 'order.payed' })).rejects.toThrow(
      'is not in the option "events"',
    );
  });
});

it.each([
  ['accept', { a: 1 }],
  ['mark', { a: 1, $unknown: true }],
  [undefined, { a: 1 }],
] as const)('unknownEvents %s stores what events does not have', async (unknownEvents, properties) => {
  const host = await startHost(options(unknownEvents));
  try {
    await host.activities.track({ path: '/', name: 'order.payed', properties: { a: 1 } });
    await expect(host.stored()).resolves.toMatchObject([{ name: 'order.payed', properties }]);
    const marked = await host.activities.find({ properties: { $unknown: true } });
    expect(marked.items).toHaveLength('$unknown' in properties ? 1 : 0);
  } finally {
    await host.close();
  }
});
