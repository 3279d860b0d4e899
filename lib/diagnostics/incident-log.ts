import { Logger } from '@nestjs/common';
import { monotonicClock } from '../time/clock.js';

/** Milliseconds between two lines about the same incident. */
const PAUSE = 60_000;

/** Why something failed. */
export interface Failure {
  /** Failures with the same code are the same incident, however their texts differ. */
  code: string;
  /** If several codes are the same incident: which one. */
  incident?: string | undefined;
  reason: string;
  /** A remedy for the operator, if it is certain. */
  advice?: string | undefined;
}

interface Incident {
  isOpen: boolean;
  /** True if the last log line about it reported the failure. */
  isSaid: boolean;
  /** By the clock, in milliseconds. */
  begunAt: number;
  saidAt: number;
  failedAt: number;
  /** The number of failures since its start. */
  count: number;
}

/**
 * Logs incidents. An incident is logged when it begins, once a minute with a count while it lasts, and
 * when it ends; so the log stays readable if each of a thousand requests a second fails.
 */
export class IncidentLog {
  /** Incidents by symptom and {@link toKey}. */
  private readonly incidents = new Map<string, Map<string, Incident>>();

  constructor(
    private readonly logger: Pick<Logger, 'log' | 'warn' | 'error'> = new Logger('Djaffar'),
    private readonly clock = monotonicClock,
  ) {}

  /**
   * @param symptom the log text, such as `activities cannot be stored`
   * @param level `warn` if it is tried again by itself
   */
  failed(symptom: string, failure: Failure, level: 'warn' | 'error' = 'error'): void {
    const now = this.clock.now();
    const ofSymptom = this.incidents.get(symptom) ?? new Map<string, Incident>();
    this.incidents.set(symptom, ofSymptom);
    const incident = ofSymptom.get(toKey(failure));
    const advice = failure.advice ? ` (${failure.advice})` : '';
    if (!incident || (!incident.isOpen && now - incident.saidAt >= PAUSE)) {
      const moments = { begunAt: now, saidAt: now, failedAt: now };
      ofSymptom.set(toKey(failure), { isOpen: true, isSaid: true, ...moments, count: 1 });
      this.logger[level](`${symptom}: ${failure.reason}${advice}`);
      return;
    }
    // An incident that recurs within a minute continues, so that a recurring problem does not fill the log.
    incident.isOpen = true;
    incident.failedAt = now;
    incident.count += 1;
    if (now - incident.saidAt < PAUSE) return;
    incident.saidAt = now;
    incident.isSaid = true;
    const since = seconds(now - incident.begunAt);
    this.logger[level](`${symptom}, ${incident.count} times in ${since}: ${failure.reason}${advice}`);
  }

  /** Reports a failure that is probably the consequence of another one. It is not logged while another incident lasts. */
  followed(symptom: string, failure: Failure, level: 'warn' | 'error' = 'error'): void {
    const now = this.clock.now();
    const incidents = [...(this.incidents.get(symptom) ?? [])];
    const isExplained = incidents.some(
      ([key, { isOpen, failedAt }]) => key !== toKey(failure) && isOpen && now - failedAt < PAUSE,
    );
    if (!isExplained) this.failed(symptom, failure, level);
  }

  /** Ends all incidents of the symptom. */
  worked(symptom: string): void {
    const ofSymptom = this.incidents.get(symptom);
    if (!ofSymptom) return;
    const now = this.clock.now();
    for (const [key, incident] of ofSymptom) {
      if (incident.isOpen) {
        incident.isOpen = false;
        if (!incident.isSaid) continue;
        incident.isSaid = false;
        this.logger.log(
          `over after ${seconds(now - incident.begunAt)} (${incident.count} times): ${symptom}`,
        );
      } else if (now - incident.saidAt >= PAUSE) ofSymptom.delete(key);
    }
    if (ofSymptom.size === 0) this.incidents.delete(symptom);
  }
}

function toKey({ incident, code }: Failure): string {
  return incident ?? code;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(milliseconds < 10_000 ? 1 : 0)} s`;
}
