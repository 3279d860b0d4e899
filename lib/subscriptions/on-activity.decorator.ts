import type { Activity, StoredActivity } from '../activity/activity.js';
import { type ActivityPattern, matcherOf } from '../activity/activity-pattern.js';

export const LISTENS = Symbol('Djaffar listener');

/** The activities to which a method listens. */
export type Listening =
  { event: 'activity'; matches: (activity: StoredActivity) => boolean } | { event: 'new-device' };

/** A user in a session in which the user was not seen before. */
export interface NewDevice {
  /** The first activity of the user in this session; its `session` has the browser, the system and the kind of device. */
  activity: Activity;
  /** Whether the user has no activity in another session, so that there is nobody to warn. */
  isFirst: boolean;
}

type ListenerDecorator<Event> = <Listener extends (event: Event) => unknown>(
  target: object,
  key: string | symbol,
  descriptor: TypedPropertyDescriptor<Listener>,
) => void;

/**
 * Calls a method of a provider or controller for each activity that this process has committed, at most once: activities of
 * other processes, and those before a crash, are missed. The method is called outside of the request, one activity after
 * the other; it neither delays nor fails the request. Errors are logged. Up to 10,000 activities wait for a method.
 * @param pattern which activities; all by default
 * @example
 * \@OnActivity({ name: 'order.*' })
 * async notify(activity: StoredActivity): Promise<void> { … }
 * @throws InvalidFilterError for a pattern that is not understood
 */
export function OnActivity(pattern: ActivityPattern = {}): ListenerDecorator<StoredActivity> {
  const matches = matcherOf(pattern);
  return (_target, _key, { value }) => addListening(value, { event: 'activity', matches });
}

/**
 * Calls a method of a provider or controller when a user was seen for the first time in a session, which is one browser: after
 * the commit, in the process that stored it, at most once. If two instances store the first activities of a user in a session
 * at the same moment, it may be called in both.
 * @example
 * \@OnNewDevice()
 * async warn({ activity, isFirst }: NewDevice): Promise<void> {
 *   if (!isFirst) await this.mails.send(activity.userId, activity.session?.browser);
 * }
 */
export function OnNewDevice(): ListenerDecorator<NewDevice> {
  return (_target, _key, { value }) => addListening(value, { event: 'new-device' });
}

/** A method may have several of the decorators. */
function addListening(method: unknown, listening: Listening): void {
  if (typeof method !== 'function') return;
  const others: Listening[] = Reflect.getMetadata(LISTENS, method) ?? [];
  Reflect.defineMetadata(LISTENS, [...others, listening], method);
}
