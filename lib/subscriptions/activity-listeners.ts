import { AsyncResource } from 'node:async_hooks';
import { Inject, Injectable, Logger, type OnModuleInit, Optional } from '@nestjs/common';
import { MetadataScanner, ModuleRef, ModulesContainer } from '@nestjs/core';
import type { StoredActivity } from '../activity/activity.js';
import { type CommitListener, CommittedActivities } from '../activity/committed-activities.js';
import { RecentIds } from '../activity/recent-ids.js';
import { STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { type Emitter, toEventName, isEmitter } from './event-emitter.js';
import { type Listening, LISTENS, type NewDevice } from './on-activity.decorator.js';
import { ListenerQueue } from './listener-queue.js';
import { NewDevices } from './new-devices.js';
import { withTimeLimit } from '../time/time-limit.js';

/**
 * Milliseconds for which ids are remembered (at least half of it), so that an activity that is sent again does not call listeners again; and
 * how many ids at most.
 */
const REMEMBERED = 600_000;
const MAX_REMEMBERED = 50_000;

interface Listener {
  matches: (activity: StoredActivity) => boolean;
  queue: ListenerQueue<StoredActivity>;
}

/** A method of a provider or controller with one of the decorators. */
interface ListenerMethod {
  /** Such as `OrderMailer.notify`. */
  name: string;
  listenings: Listening[];
  call: (event: unknown) => unknown;
}

/** Calls the methods with `@OnActivity` and `@OnNewDevice`, and the listeners of `@nestjs/event-emitter`. */
@Injectable()
export class ActivityListeners implements CommitListener, OnModuleInit {
  private readonly listeners: Listener[] = [];
  private readonly deviceQueues: ListenerQueue<NewDevice>[] = [];
  private readonly devices: NewDevices;
  /** The lookups of new devices, which run one after the other. */
  private readonly lookups: ListenerQueue<() => Promise<void>>;
  private readonly delivered = new RecentIds(REMEMBERED, MAX_REMEMBERED);
  /** Listeners run outside of the request that has tracked the activity: what they track does not belong to its visitor. */
  private readonly outside = new AsyncResource('DjaffarListeners');

  constructor(
    @Inject(STORE) private readonly store: Store,
    private readonly committed: CommittedActivities,
    // Optional, so that ADAPTER_HOST_PROVIDER can report that the host runs on another copy of Nest.
    @Optional() private readonly moduleRef: ModuleRef,
  ) {
    this.devices = new NewDevices(store);
    this.lookups = this.queueOf('the search for new devices', (lookup) => lookup());
  }

  /** @throws Error for a listener in a provider that has no instance of its own */
  onModuleInit(): void {
    const instances = new Set<object>();
    const modules = this.moduleRef.get(ModulesContainer, { strict: false });
    for (const module of modules.values()) {
      for (const wrapper of [...module.providers.values(), ...module.controllers.values()]) {
        const { instance }: { instance: unknown } = wrapper;
        if (typeof instance !== 'object' || instance === null || instances.has(instance)) continue;
        instances.add(instance);
        if (isEmitter(instance)) this.listenWithEmitter(instance);
        for (const method of findMethods(instance)) {
          if (!wrapper.isDependencyTreeStatic())
            throw new Error(
              `Djaffar: ${method.name} listens to activities, but its class is request-scoped, so it does not exist outside of requests`,
            );
          this.listen(method);
        }
      }
    }
    if (this.listeners.length > 0 || this.deviceQueues.length > 0) this.committed.listen(this);
  }

  take(activities: StoredActivity[]): void {
    const fresh: StoredActivity[] = [];
    for (const activity of activities) {
      // One request may have the same id twice, too.
      if (this.delivered.has(activity.id)) continue;
      this.delivered.add(activity.id);
      fresh.push(activity);
    }
    this.outside.runInAsyncScope(() => {
      for (const activity of fresh)
        for (const { matches, queue } of this.listeners) if (matches(activity)) queue.add(activity);
      if (this.deviceQueues.length === 0) return;
      for (const pair of this.devices.collect(fresh))
        this.lookups.add(async () => {
          const device = await this.devices.find(pair);
          if (device) for (const queue of this.deviceQueues) queue.add(device);
        });
    });
  }

  /** A claim of a session changes which activity is the first one of a user and a session. */
  informed(): Promise<void> {
    return this.lookups.passed();
  }

  async finish(within: number): Promise<void> {
    const queues = [...this.listeners.map(({ queue }) => queue), ...this.deviceQueues];
    const idle = this.lookups.idle().then(() => Promise.all(queues.map((queue) => queue.idle())));
    await withTimeLimit(within, idle, () => {});
    const lost = [this.lookups, ...queues].reduce((sum, queue) => sum + queue.drop(), 0);
    if (lost > 0)
      new Logger('Djaffar').warn(`${lost} calls of listeners were not finished before the application ended`);
  }

  private listen({ name, listenings, call }: ListenerMethod): void {
    for (const listening of listenings) {
      if (listening.event === 'new-device') this.deviceQueues.push(this.queueOf<NewDevice>(name, call));
      else
        this.listeners.push({
          matches: listening.matches,
          // Listeners may change what they get.
          queue: this.queueOf<StoredActivity>(name, (activity) => call(structuredClone(activity))),
        });
    }
  }

  private listenWithEmitter(emitter: Emitter): void {
    const matches = ({ name }: StoredActivity): boolean => {
      const event = toEventName(name);
      return event !== undefined && emitter.hasListeners(event);
    };
    const emit = (activity: StoredActivity): void => {
      const event = toEventName(activity.name);
      if (event !== undefined) emitter.emit(event, structuredClone(activity));
    };
    this.listeners.push({ matches, queue: this.queueOf('a listener of EventEmitter2', emit) });
  }

  private queueOf<Event>(name: string, call: (event: Event) => unknown): ListenerQueue<Event> {
    return new ListenerQueue(name, call, this.store.incidents);
  }
}

/** The methods of an instance that have one of the decorators. */
function findMethods(instance: object): ListenerMethod[] {
  const prototype: object | null = Object.getPrototypeOf(instance);
  if (!prototype) return [];
  return new MetadataScanner().getAllMethodNames(prototype).flatMap((key) => {
    const method: unknown = Reflect.get(prototype, key);
    if (typeof method !== 'function') return [];
    const listenings: Listening[] | undefined = Reflect.getMetadata(LISTENS, method);
    if (!listenings) return [];
    const call = (event: unknown): unknown => Reflect.apply(method, instance, [event]);
    return [{ name: `${instance.constructor.name}.${key}`, listenings, call }];
  });
}
