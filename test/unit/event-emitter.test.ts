import { EventEmitter } from 'node:events';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { isEmitter, toEventName } from '../../lib/subscriptions/event-emitter.js';

it('the emitter of @nestjs/event-emitter is found', () => {
  expect(isEmitter(new EventEmitter2())).toBe(true);
});

it.each<[string, object]>([
  ['an emitter of Node', new EventEmitter()],
  ['a function', EventEmitter2],
  ...['emit', 'hasListeners', 'emitAsync', 'onAny'].map((missing): [string, object] => [
    `an object whose ${missing} is no function`,
    Object.assign(new EventEmitter2(), { [missing]: true }),
  ]),
  [
    'a proxy that throws',
    new Proxy(
      {},
      {
        get() {
          throw new Error('outside of a request');
        },
      },
    ),
  ],
])('%s is none', (_, instance) => {
  expect(isEmitter(instance)).toBe(false);
});

it('an event has the name of the activity', () => {
  expect(toEventName('order.paid')).toBe('djaffar.order.paid');
});

it('a name with a wildcard is no event', () => {
  expect(toEventName('order.*')).toBeUndefined();
});
