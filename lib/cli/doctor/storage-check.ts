import { isPublic } from '../../activity/ip-address.js';
import { DOCTOR_ACTIVITY } from '../../diagnostics/doctor-request.js';
import { type Finding, ok, problem, warning } from '../../store/finding.js';
import { formatReason } from '../errors.js';
import type { Services } from '../services.js';
import { buildPath } from './http-client.js';

/**
 * Compares the stored activities with those that were sent.
 * @param ids of two activities, the second with the cookie of the first
 */
export async function checkStorage(
  { activities, store }: Services,
  base: URL,
  ids: [string, string],
  hasCookie: boolean,
): Promise<Finding[]> {
  const find = async (
    id: string,
  ): Promise<Awaited<ReturnType<typeof activities.find>>['items'][number] | undefined> =>
    (await activities.find({ name: DOCTOR_ACTIVITY, path: buildPath(id) }, { limit: 1 })).items[0];
  try {
    const [stored, again] = [await find(ids[0]), await find(ids[1])];
    if (!stored)
      return [
        problem(
          'the activity is not in the database of the data source file',
          'the app uses another database than -d, or one of the options transform, respect and consent drops it',
        ),
      ];
    const findings = [ok('the activity is in the database')];
    if (hasCookie && again)
      findings.push(
        again.sessionId === stored.sessionId
          ? ok('the cookie comes back')
          : problem(
              'the cookie does not come back: each activity is a new visitor',
              'a proxy may change cookies; all instances must use one database',
            ),
      );
    const isLocal = /^(localhost|127\.|\[::1\])/.test(base.hostname);
    if (!isLocal && stored.ipAddress !== null && !isPublic(stored.ipAddress))
      findings.push(
        warning(
          `the stored address is private: ${stored.ipAddress}`,
          "if a proxy is before the app, trust it: app.set('trust proxy', 1) on Express, new FastifyAdapter({ trustProxy: 1 }) on Fastify",
        ),
      );
    return findings;
  } catch (error) {
    if (!store.classifyError(error)) throw error;
    return [problem(`activities cannot be read: ${formatReason(error)}`, 'see the findings above')];
  }
}
