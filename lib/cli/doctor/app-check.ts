import { randomUUID } from 'node:crypto';
import { DOCTOR_ACTIVITY } from '../../diagnostics/doctor-request.js';
import { type Finding, ok, problem, warning } from '../../store/finding.js';
import { formatReason } from '../errors.js';
import type { Services } from '../services.js';
import { checkCookie } from './cookie-check.js';
import { explainRefusal } from './explain-refusal.js';
import { type HttpResponse, sendActivity } from './http-client.js';
import { checkPage, checkTrackerScript } from './page-check.js';
import { checkStorage } from './storage-check.js';

/** Milliseconds. */
const MAX_SKEW = 5000;

interface AppAddress {
  /** The URL of the app, with its global prefix. */
  url: string;
  /** The URL of a page with the tracker. */
  page?: string;
  /** The option `path`. */
  path: string;
}

/** Checks a running app as a browser sees it: sends activities, and erases them at the end. */
export async function checkApp(address: AppAddress, services: Services | undefined): Promise<Finding[]> {
  let base: URL;
  try {
    base = new URL(`${address.url.replace(/\/+$/, '')}/${address.path.replace(/^\/|\/$/g, '')}/`);
  } catch {
    return [
      problem(
        `--url is not a valid URL: ${address.url}`,
        'give the address of the app, such as https://example.org',
      ),
    ];
  }
  let first: HttpResponse;
  const id = randomUUID();
  try {
    first = await sendActivity(base, id);
  } catch (error) {
    return [
      problem(
        `${base.origin} does not answer: ${formatReason(error)}`,
        /wrong version number/.test(formatReason(error))
          ? 'the app has no HTTPS: give http:// in --url, or the address of its proxy'
          : 'start the app, or correct --url; a self-signed certificate needs NODE_EXTRA_CA_CERTS',
      ),
    ];
  }
  if (first.status !== 204) return [await explainRefusal(base, first, address.path)];
  const findings = [ok(`POST ${base.href}track/ is answered with 204`), ...checkClock(first)];
  try {
    findings.push(...(await checkAfterAccepted(base, address, services, { first, id })));
  } catch (error) {
    findings.push(
      problem(
        `${base.origin} answered at first, but then failed: ${formatReason(error)}`,
        'look at the log of the app',
      ),
    );
  } finally {
    await services?.activities.erase({ name: DOCTOR_ACTIVITY }).catch(() => {});
  }
  return findings;
}

/** The checks that need an app which accepts activities. */
async function checkAfterAccepted(
  base: URL,
  address: AppAddress,
  services: Services | undefined,
  { first, id }: { first: HttpResponse; id: string },
): Promise<Finding[]> {
  const findings: Finding[] = [];
  const cookie = first.headers.getSetCookie().find((each) => /^djaffar_session=[^;]/.test(each));
  findings.push(...checkCookie(base, cookie));
  const second = randomUUID();
  if (cookie !== undefined) await sendActivity(base, second, cookie.split(';', 1)[0]);
  if (services) findings.push(...(await checkStorage(services, base, [id, second], cookie !== undefined)));
  findings.push(...(await checkTrackerScript(base)), ...(await checkPage(base, address.page)));
  return findings;
}

function checkClock({ headers }: HttpResponse): Finding[] {
  const skew = Date.parse(headers.get('date') ?? '') - Date.now();
  if (!(Math.abs(skew) > MAX_SKEW)) return [];
  return [
    warning(
      `the clock of the app is ${Math.round(Math.abs(skew) / 1000)} s ${skew > 0 ? 'ahead of' : 'behind'} this machine's`,
      'synchronize the clocks (NTP)',
    ),
  ];
}
