/* oxlint-disable typescript/no-empty-object-type, typescript/no-empty-interface */
import { Controller, Post } from '@nestjs/common';
import { djaffar } from 'nestjs-djaffar/client';
import {
  ActivityService,
  type ActivityStats,
  DjaffarModule,
  type DjaffarOptions,
  type Handled,
  Track,
} from 'nestjs-djaffar';

// Never run: that it compiles is the test of the types of a host that names its activities.
interface AppActivities {
  'order.paid': { total: number; coupon?: string };
  'order.opened': { from?: string };
  'app.started': {};
}

declare module 'nestjs-djaffar' {
  interface Activities extends AppActivities {}
}

declare module 'nestjs-djaffar/client' {
  interface Activities extends AppActivities {}
}

class OrderPaid {
  total!: number;
  coupon?: string;
}

export const grouped = () =>
  DjaffarModule.forRoot({
    group: ({ user }: { user?: { company: { id: number; name: string } } }) =>
      user && { type: 'company', id: user.company.id, name: user.company.name },
  });

export const options: DjaffarOptions = { events: { 'order.paid': OrderPaid }, unknownEvents: 'reject' };

class OrderOpened {
  from!: number;
}

// @ts-expect-error the class has other properties
export const wrongClass: DjaffarOptions['events'] = { 'order.opened': OrderOpened };
// @ts-expect-error there is no such activity
export const wrongEvent: DjaffarOptions = { events: { 'order.payed': OrderPaid } };

interface Order {
  id: string;
  total: number;
}

@Controller('orders')
export class OrdersController {
  @Post('pay')
  @Track('order.paid', {
    properties: ({ result }: Handled<Order>) => ({ total: result.total }),
    subject: ({ result }) => ['order', result.id],
  })
  async pay(): Promise<Order> {
    return { id: '17', total: 42 };
  }

  // @ts-expect-error a total is mandatory
  @Track('order.paid')
  bare(): void {}

  // @ts-expect-error a total is mandatory
  @Track('order.paid', { subject: ({ params }) => `order:${params.id}` })
  withSubject(): void {}

  // @ts-expect-error a total is mandatory
  @Track('order.paid', { when: 'always' })
  always(): void {}

  @Track('app.started', { await: true })
  async start(): Promise<number> {
    return 1;
  }

  // @ts-expect-error a total is a number
  @Track('order.paid', { properties: () => ({ total: '42' }) })
  text(): void {}

  // @ts-expect-error there is no such activity
  @Track('order.payed')
  misspelt(): void {}

  // @ts-expect-error the handler returns no order
  @Track('order.paid', { properties: ({ result }: Handled<Order>) => ({ total: result.total }) })
  other(): number {
    return 1;
  }

  @Track('order.opened', {
    when: 'always',
    properties: ({ result }: Handled<Order | undefined>) => ({ from: result?.id ?? '' }),
  })
  open(): Order {
    return { id: '17', total: 42 };
  }
}

export async function track(activities: ActivityService, stats: ActivityStats): Promise<void> {
  await activities.track({ path: '/', name: 'order.paid', properties: { total: 42 } });
  await activities.track({ path: '/', name: 'order.opened' });
  await activities.track({ path: '/' });
  await activities.track({ path: '/', name: 'view', properties: { anything: true } });
  // @ts-expect-error a total is mandatory
  await activities.track({ path: '/', name: 'order.paid' });
  // @ts-expect-error a total is a number
  await activities.track({ path: '/', name: 'order.paid', properties: { total: '42' } });
  // @ts-expect-error there is no such activity
  await activities.track({ path: '/', name: 'order.payed' });
  await activities.find({ name: 'order.paid' });
  // @ts-expect-error there is no such activity
  await activities.find({ name: 'order.payed' });
  await stats.funnel([{ path: '/' }, { name: 'order.paid' }]);
  // @ts-expect-error there is no such activity
  await stats.funnel([{ path: '/' }, { name: 'order.payed' }]);
}

export async function trackInBrowser(): Promise<void> {
  await djaffar.track('order.paid', { total: 42 });
  await djaffar.track('order.opened');
  // @ts-expect-error a total is mandatory
  await djaffar.track('order.paid');
  // @ts-expect-error a total is a number
  await djaffar.track('order.paid', { total: '42' });
  // @ts-expect-error there is no such activity
  await djaffar.track('order.payed');
}
