import type { ComponentChildren, JSX } from 'preact';
import { useState } from 'preact/hooks';
import type {
  Health as HealthAnswer,
  HealthCause,
  HealthSubscription,
} from '../../../../health/health.types.js';
import type { Refusal } from '../../../../diagnostics/outcome-counter.js';
import { pathOf } from '../../data/question.js';
import type { Json } from '../../data/request.js';
import { usePolled } from '../../data/use-polled.js';
import { formatAgo, formatMoment, formatNumber, formatSeconds } from '../../format.js';
import { Card, Empty, QueryResult, SkeletonRows } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { OWN_ZONE } from '../../state/range.js';
import { useUrl } from '../../state/url.js';
import { Checks, sentence } from './checks.js';
import { Hours } from './hours.js';

type Answer = Json<HealthAnswer>;

const SPANS = { 24: 'Last 24 hours', 168: 'Last 7 days', 720: 'Last 30 days' } as const;
type Span = `${keyof typeof SPANS}`;

/** Milliseconds between two requests. */
const PAUSE = 5000;

/** Shows whether activities arrive, and why not. */
export function Health(): JSX.Element {
  const [span, setSpan] = useState<Span>('24');
  const timeZone = useUrl().get('tz') ?? OWN_ZONE;
  const answer = usePolled<HealthAnswer>(pathOf('health', { hours: span }), PAUSE);
  return (
    <div class="health">
      <Card
        title="Stored, dropped and refused"
        actions={<Select label="Range" value={span} options={SPANS} onChange={(chosen) => setSpan(chosen)} />}
      >
        <QueryResult answer={answer} skeleton={<SkeletonRows />}>
          {(health) => <Hours hours={health.hours} timeZone={timeZone} />}
        </QueryResult>
      </Card>
      {answer.value && !answer.failure && (
        <>
          <div class="cards">
            <Card title="Checks of the last 24 hours">
              <Checks checks={answer.value.checks} />
            </Card>
            <Card title="This app">
              <Facts health={answer.value} timeZone={timeZone} />
            </Card>
          </div>
          <div class="cards">
            <Card title="Not stored, or marked">
              <Causes causes={answer.value.causes} now={new Date(answer.value.now)} />
            </Card>
            <Card title="Latest refused requests of this instance">
              <Refusals refusals={answer.value.refusals} timeZone={timeZone} />
            </Card>
          </div>
          {answer.value.subscriptions.length > 0 && (
            <Card title="Subscriptions and webhooks">
              <Subscriptions subscriptions={answer.value.subscriptions} timeZone={timeZone} />
            </Card>
          )}
        </>
      )}
    </div>
  );
}

function Facts({ health, timeZone }: { health: Answer; timeZone: string }): JSX.Element {
  const { lastCommit, now, rollupLag, waiting, maxWaiting, retention, versions } = health;
  const moment = (date: string | null): string =>
    date === null
      ? 'never'
      : `${formatAgo(new Date(date), new Date(now))} (${formatMoment(new Date(date), timeZone)})`;
  const facts: [name: string, value: string, isWrong?: boolean][] = [
    ['Last activity stored', moment(lastCommit)],
    ['Statistics lag', `${formatNumber(Math.round(rollupLag))} s`, rollupLag > 120],
    [
      'Waiting to be written',
      `${formatNumber(waiting)} of at most ${formatNumber(maxWaiting)}`,
      waiting > maxWaiting / 2,
    ],
    [
      'Retention',
      retention ? `${retention.policy}; last run: ${moment(retention.doneAt)}` : 'everything is kept',
    ],
    ['Versions', `Djaffar ${versions.djaffar}, Node.js ${versions.node}, ${versions.database}`],
  ];
  return (
    <dl class="health-facts">
      {facts.map(([name, value, isWrong]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd class={isWrong ? 'is-wrong' : ''}>{value}</dd>
        </div>
      ))}
    </dl>
  );
}

const KINDS = { refused: 'Refused', dropped: 'Dropped', marked: 'Stored, but marked' };

function Causes({ causes, now }: { causes: HealthCause[]; now: Date }): JSX.Element {
  if (causes.length === 0) return <Empty>Everything was stored.</Empty>;
  return (
    <ul class="causes">
      {causes.map(({ cause, kind, count, last, meaning, cure }) => (
        <li key={cause} class={`is-${kind}`}>
          <p>
            <strong>{formatNumber(count)}</strong> <code>{cause}</code> {sentence(meaning)}
          </p>
          <p class="remedy">{sentence(cure)}</p>
          <p class="muted">
            {KINDS[kind]}, last in the hour that began {formatAgo(new Date(last), now)}
          </p>
        </li>
      ))}
    </ul>
  );
}

function Refusals({ refusals, timeZone }: { refusals: Refusal[]; timeZone: string }): JSX.Element {
  if (refusals.length === 0) return <Empty>No request was refused since this instance started.</Empty>;
  return (
    <ScrollTable
      name="refusals"
      label="Latest refused requests"
      columns={['Time', 'Answer', 'Type', 'Origin']}
    >
      {refusals.map(({ at, status, cause, method, contentType, origin }, i) => (
        <tr key={i}>
          <th scope="row">{formatSeconds(new Date(at), timeZone)}</th>
          <td>{cause.startsWith(`${status}`) ? cause : `${status} ${cause}`}</td>
          <td>{method === 'POST' ? (contentType ?? 'none') : method}</td>
          <td>{origin ?? 'none'}</td>
        </tr>
      ))}
    </ScrollTable>
  );
}

interface SubscriptionsProps {
  subscriptions: HealthSubscription[];
  timeZone: string;
}

function Subscriptions({ subscriptions, timeZone }: SubscriptionsProps): JSX.Element {
  return (
    <ScrollTable
      name="subscriptions"
      label="Subscriptions and webhooks"
      columns={['Name', 'Waiting', 'State']}
    >
      {subscriptions.map((subscription) => (
        <tr key={subscription.name}>
          <th scope="row">{subscription.name}</th>
          <td>{formatNumber(subscription.waiting)}</td>
          <td class={subscription.error || subscription.parkedAt ? 'is-wrong' : ''}>
            {describeDelivery(subscription, timeZone)}
            {subscription.error !== null && <p class="remedy">{findRemedy(subscription.error)}</p>}
          </td>
        </tr>
      ))}
    </ScrollTable>
  );
}

function describeDelivery(subscription: HealthSubscription, timeZone: string): string {
  const { name, error, failures, isCatchingUp, nextTryAt, parkedAt } = subscription;
  const reason = error ?? 'an unknown error';
  if (parkedAt)
    return `Parked since ${formatMoment(new Date(parkedAt), timeZone)} after ${reason}: nothing is delivered until ActivitySubscriptions.resume('${name}') is called`;
  if (failures > 0)
    return `Failed ${failures === 1 ? 'once' : `${formatNumber(failures)} times in a row`}: ${reason}${
      nextTryAt ? `; next try ${formatSeconds(new Date(nextTryAt), timeZone)}` : ''
    }`;
  if (error) return `The handler has not ended yet: ${error}`;
  return isCatchingUp ? 'Delivering older activities first' : 'Delivering';
}

/** @param error a status, a code of Node.js, or the name of an error */
function findRemedy(error: string): string {
  if (/^3\d\d$/.test(error)) return 'The receiver redirects: set its final URL.';
  if (/^40[13]$/.test(error))
    return 'The receiver refuses the request: check its secret, and the option headers.';
  if (error === 'PRIVATE_ADDRESS')
    return 'The receiver has a private address: set privateAddresses: true if that is right.';
  if (/CERT|SELF_SIGNED/.test(error))
    return "The receiver's certificate is not trusted: set NODE_EXTRA_CA_CERTS, or replace it.";
  if (/^E[A-Z]+$/.test(error)) return 'The receiver cannot be reached: check its URL, and whether it runs.';
  return 'The log of the app has the reason.';
}

interface ScrollTableProps {
  /** The class. */
  name: string;
  label: string;
  columns: string[];
  children: ComponentChildren;
}

function ScrollTable({ name, label, columns, children }: ScrollTableProps): JSX.Element {
  return (
    <div class={`scroll ${name}`} tabIndex={0} role="region" aria-label={label}>
      <table class="plain-table">
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col">
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
