/** What marks the requests of `djaffar doctor`: a bot, so that statistics leave them out. */
export const DOCTOR_USER_AGENT = 'djaffar-doctor (bot)';

/** The name of the activities that `djaffar doctor` sends and erases. */
export const DOCTOR_ACTIVITY = 'djaffar-doctor';

/** Whether `djaffar doctor` has sent the request. Such requests are not counted, because its next run reports the counts. */
export function isOfDoctor(headers: { readonly 'user-agent'?: string | undefined }): boolean {
  return headers['user-agent'] === DOCTOR_USER_AGENT;
}
